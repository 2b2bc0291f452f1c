import tap from 'tap'
import { isPartial } from '../../src/records/partial.js'

const date = { trackstar_updated_date: '2026-01-01T00:00:00Z' }

tap.test('tells a whole record by what its kind has at least', async (t) => {
  const quantities = { onhand: 3, committed: 1, unfulfillable: 0 }
  const whole = [
    ['item', { id: 'i', fulfillable: 3 }],
    ['item', { id: 'i', fulfillable: null }],
    ['item', { id: 'i', ...quantities }],
    ['item', { id: 'i', inventory_by_warehouse_id: {} }],
    ['product', { id: 'p', inventory_items: [] }],
    ['product', { id: 'p', inventory_items: null }],
    ['warehouse', { id: 'w', name: null }],
    ['warehouse', { id: 'w', code: 'OSL' }],
    ['warehouse', { id: 'w', address: {} }],
  ] as const
  for (const [kind, record] of whole) t.notOk(isPartial(kind, record, undefined), `${kind} ${JSON.stringify(record)}`)
  const parts = [
    ['item', { id: 'i', ...date }],
    ['item', { id: 'i', sku: 'A', name: 'Tea', active: true, ...date }],
    ['item', { id: 'i', onhand: 3 }],
    ['item', { id: 'i', inventory_items: [] }],
    ['product', { id: 'p', ...date }],
    ['product', { id: 'p', sku: 'A', name: 'Tea', is_kit: true, ...date }],
    ['product', { id: 'p', fulfillable: 3 }],
    ['warehouse', { id: 'w', ...date }],
  ] as const
  for (const [kind, record] of parts) t.ok(isPartial(kind, record, undefined), `${kind} ${JSON.stringify(record)}`)
})

tap.test('a record that lacks a field of the known copy is a part', async (t) => {
  const known = {
    id: 'i',
    sku: 'A',
    fulfillable: 5,
    onhand: 6,
    inventory_by_warehouse_id: { x: { fulfillable: 3, onhand: 4 }, y: { fulfillable: 2 } },
    lots: [{ lot_id: 'l', onhand: 3 }],
  }
  const same = (fields: object) => isPartial('item', { ...known, ...fields }, known)
  t.notOk(same({ fulfillable: 4, sku: null, more: 1 }))
  t.notOk(same({ lots: [] }), 'a list may become shorter')
  t.notOk(same({ inventory_by_warehouse_id: null }), 'null is stated')
  const { onhand: _, ...without } = known
  t.ok(isPartial('item', without, known))
  t.ok(same({ inventory_by_warehouse_id: { x: { fulfillable: 1, onhand: 2 } } }), 'a warehouse')
  t.ok(same({ inventory_by_warehouse_id: { x: { fulfillable: 1 }, y: { fulfillable: 4 } } }), 'a quantity of one')
})

tap.test('takes every name for a name', async (t) => {
  const odd = JSON.parse('{"id": "i", "fulfillable": 1, "__proto__": {"a": 1}, "constructor": 1}')
  t.notOk(isPartial('item', structuredClone(odd), odd))
  t.ok(isPartial('item', { id: 'i', fulfillable: 1 }, odd))
})
