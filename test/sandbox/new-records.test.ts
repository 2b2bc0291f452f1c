import tap from 'tap'
import { Compile } from 'typebox/compile'
import { InventoryItem } from '../../src/records/inventory-item.js'
import { counts, needs, newItem, newProduct, newWarehouse } from '../../src/sandbox/new-records.js'

tap.test('computes fulfillable and sellable quantities, the latter at least 0', async (t) => {
  t.match(counts(10, 3, 2, 5), { onhand: 10, committed: 3, unfulfillable: 2, fulfillable: 5, sellable: 5, awaiting: 5 })
  t.match(counts(2, 7), { fulfillable: -5, sellable: 0, awaiting: 0 })
})

tap.test('sums the quantities of all warehouses', async (t) => {
  const item = newItem('i', 'S', 'Tea', [
    ['a', counts(10, 3, 2, 5)],
    ['__proto__', counts(1)],
  ])
  t.match(item, { onhand: 11, committed: 3, unfulfillable: 2, fulfillable: 6, awaiting: 5 })
  t.strictSame(Object.keys(item.inventory_by_warehouse_id ?? {}), ['a', '__proto__'])
  t.ok(Compile(InventoryItem).Check(item))
})

tap.test('takes a null quantity for 0', async (t) => {
  t.match(newItem('i', 'S', 'Tea', [['a', { onhand: null }]]), { onhand: 0, fulfillable: 0 })
})

tap.test('applies overrides, and shares no arrays between records', async (t) => {
  t.match(newItem('i', 'S', 'Tea', [], { fulfillable: null }), { fulfillable: null, onhand: 0 })
  t.match(newProduct('p', 'S', 'Tea', [needs('i', 'S')], { is_kit: true }), {
    is_kit: true,
    inventory_items: [{ inventory_item_id: 'i', sku: 'S', unit_quantity: 1 }],
  })
  t.not(newProduct('p', 'S', 'Tea', []).trackstar_tags, newProduct('p', 'S', 'Tea', []).trackstar_tags)
  t.match(newWarehouse('w', null, 'W-1', 'Graz'), { id: 'w', name: null, code: 'W-1', address: { city: 'Graz' } })
})
