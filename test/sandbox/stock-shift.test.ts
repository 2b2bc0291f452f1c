import tap from 'tap'
import { counts, newItem } from '../../src/sandbox/new-records.js'
import { shiftStock } from '../../src/sandbox/stock-shift.js'

const item = () =>
  newItem(
    'i',
    'S',
    'Tea',
    [
      ['wh_oslo', counts(10, 2, 1)],
      ['wh_porto', counts(5)],
    ],
    {
      lots: [
        { lot_id: 'P', onhand: 5, warehouse_id: 'wh_porto' },
        { lot_id: 'A', onhand: 3, warehouse_id: 'wh_oslo' },
        { lot_id: '?', onhand: null, warehouse_id: 'wh_oslo' },
        { lot_id: 'B', onhand: 7, warehouse_id: 'wh_oslo' },
      ],
      locations: [
        { location_id: 'R1', quantity: 4, warehouse_id: 'wh_oslo' },
        { location_id: 'R2', quantity: 6, warehouse_id: 'wh_oslo' },
      ],
    },
  )

tap.test('takes from the warehouse, and from its lots and locations in turn', async (t) => {
  const shifted = item()
  shiftStock(shifted, 'wh_oslo', -5)
  t.match(shifted, { ...counts(10, 2, 1) })
  t.strictSame(shifted.inventory_by_warehouse_id?.['wh_oslo'], counts(5, 2, 1))
  t.strictSame(shifted.inventory_by_warehouse_id?.['wh_porto'], counts(5))
  t.strictSame(
    shifted.lots?.map(({ onhand }) => onhand),
    [5, 0, null, 5],
  )
  t.strictSame(
    shifted.locations?.map(({ quantity }) => quantity),
    [0, 5],
  )
})

tap.test('puts what comes with the first lot and location there', async (t) => {
  const shifted = item()
  shiftStock(shifted, 'wh_oslo', 4)
  t.match(shifted, { onhand: 19, fulfillable: 16 })
  t.strictSame(
    shifted.lots?.map(({ onhand }) => onhand),
    [5, 7, null, 7],
  )
  t.strictSame(
    shifted.locations?.map(({ quantity }) => quantity),
    [8, 6],
  )
})

tap.test('does without lots, locations and a breakdown', async (t) => {
  const bare = { ...item(), lots: null, locations: null }
  shiftStock(bare, 'wh_porto', 1)
  t.strictSame(bare.inventory_by_warehouse_id?.['wh_porto'], counts(6))
  const whole = { ...item(), inventory_by_warehouse_id: null }
  shiftStock(whole, 'wh_oslo', 1)
  shiftStock(whole, undefined, 1)
  t.match(whole, { onhand: 17, inventory_by_warehouse_id: null, lots: item().lots })
})

tap.test('refuses to take more than is there, and changes nothing then', async (t) => {
  const shifted = item()
  t.throws(() => shiftStock(shifted, 'wh_porto', -6), { status: 422, message: 'Cannot take 6 where 5 are on hand' })
  t.strictSame(shifted, item())
  t.throws(() => shiftStock({ id: 'i' }, undefined, -1), { message: 'Cannot take 1 where 0 are on hand' })
})
