import t from 'tap'
import { stockLocations, stockLots } from '../../src/stock/lots.js'
import { item } from './fixtures.js'

const lotsOf = (...dates: (string | null)[]) =>
  stockLots(
    [item('a', { lots: dates.map((expiration_date, index) => ({ lot_id: `lot_${index}`, expiration_date })) })],
    undefined,
  ).map((lot) => lot.expiration_date)

t.test('lists every lot with its item, and null for absent fields', async (t) => {
  const items = [
    item('a', { lots: [{ lot_id: 'lot_1', onhand: 3, expiration_date: '2027-01-31', warehouse_id: 'wh_a' }] }),
    item('b', { lots: [{}, { onhand: Number.POSITIVE_INFINITY }] }),
    item('c', { lots: null }),
    item('d'),
  ]
  const empty = { inventory_item_id: 'b', lot_id: null, onhand: null, expiration_date: null, warehouse_id: null }
  t.strictSame(stockLots(items, undefined), [
    { inventory_item_id: 'a', lot_id: 'lot_1', onhand: 3, expiration_date: '2027-01-31', warehouse_id: 'wh_a' },
    empty,
    empty,
  ])
})

t.test('sorts lots by the instant of expiry', async (t) => {
  t.strictSame(
    lotsOf(
      '2027-02-01T00:00:01Z',
      '2027-02-01T00:00:00Z',
      '2027-01-31',
      '2027-02-01T01:00:00+02:00',
      '2027-01-31T00:00:00.001Z',
    ),
    [
      '2027-01-31',
      '2027-01-31T00:00:00.001Z',
      '2027-02-01T01:00:00+02:00',
      '2027-02-01T00:00:00Z',
      '2027-02-01T00:00:01Z',
    ],
  )
})

t.test('reads a time without a zone as UTC', async (t) => {
  t.strictSame(lotsOf('2027-02-01T00:00:01', '2027-02-01', '2027-02-01T00:00:00.500Z', '2027-01-31T23:59'), [
    '2027-01-31T23:59',
    '2027-02-01',
    '2027-02-01T00:00:00.500Z',
    '2027-02-01T00:00:01',
  ])
})

t.test('sorts lots without a valid date last and keeps their date', async (t) => {
  t.strictSame(lotsOf(null, 'soon', '7', '2027-13-01', 'March 7, 2020', '2027-01-01'), [
    '2027-01-01',
    null,
    'soon',
    '7',
    '2027-13-01',
    'March 7, 2020',
  ])
})

t.test(
  'regression: sorted dates with a space, without separators, or in epoch seconds behind lots without a date',
  async (t) => {
    t.strictSame(
      lotsOf('soon', '2026-12-15 00:00:00', '1797206400', '20261212', '2026-12-14T10:00:00,5+0100', '2026-12'),
      ['2026-12', '20261212', '1797206400', '2026-12-14T10:00:00,5+0100', '2026-12-15 00:00:00', 'soon'],
    )
  },
)

t.test('keeps the order of lots with the same expiry', async (t) => {
  const ids = stockLots(
    [
      item('a', { lots: [{ lot_id: '1', expiration_date: '2027-01-02' }] }),
      item('b', { lots: [{ lot_id: '2', expiration_date: '2027-01-02T00:00:00Z' }, { lot_id: '3' }] }),
      item('c', { lots: [{ lot_id: '4' }, { lot_id: '5', expiration_date: '2027-01-01' }] }),
    ],
    undefined,
  ).map((lot) => lot.lot_id)
  t.strictSame(ids, ['5', '1', '2', '3', '4'])
})

t.test('lists every location with its item, in order', async (t) => {
  const items = [
    item('b', { locations: [{ location_id: 'B-1', quantity: 2, warehouse_id: 'wh_a' }, {}] }),
    item('a', { locations: [{ location_id: 'A-1', quantity: -0 }] }),
    item('c'),
  ]
  t.strictSame(stockLocations(items, undefined), [
    { inventory_item_id: 'b', location_id: 'B-1', quantity: 2, warehouse_id: 'wh_a' },
    { inventory_item_id: 'b', location_id: null, quantity: null, warehouse_id: null },
    { inventory_item_id: 'a', location_id: 'A-1', quantity: 0, warehouse_id: null },
  ])
})

t.test('omits lots and locations outside the selected warehouses', async (t) => {
  const perWarehouse = ['wh_a', 'wh_b', null].map((warehouse_id) => ({ warehouse_id }))
  const items = [item('a', { lots: [...perWarehouse, {}], locations: [...perWarehouse, {}] })]
  const selected = new Set(['wh_b', 'wh_c'])
  t.match(stockLots(items, selected), [{ warehouse_id: 'wh_b' }])
  t.equal(stockLots(items, selected).length, 1)
  t.match(stockLocations(items, selected), [{ warehouse_id: 'wh_b' }])
  t.equal(stockLocations(items, selected).length, 1)
})
