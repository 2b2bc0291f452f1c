import tap from 'tap'
import { Compile } from 'typebox/compile'
import { breakdownOf, hasSubstitutes, InventoryItem, locationsOf, lotsOf } from '../../src/records/inventory-item.js'
import { createData } from '../../src/sandbox/sandbox-data.js'

tap.test('accepts every item of the sandbox', async (t) => {
  const check = Compile(InventoryItem)
  const { inventory } = createData({ products: 200, seed: 1, connectionId: 'c', now: 0 })
  for (const item of inventory.values()) t.ok(check.Check(item), item.id)
})

tap.test('reads the breakdown of a warehouse with any id', async (t) => {
  for (const name of ['__proto__', 'constructor', 'toString', 'a/b', 'a\nb', '']) {
    const item = JSON.parse(`{"id": "i1", "inventory_by_warehouse_id": {${JSON.stringify(name)}: {"onhand": 3}}}`)
    t.strictSame(Object.entries(breakdownOf(item)), [[name, { onhand: 3 }]], JSON.stringify(name))
  }
})

tap.test('ignores a breakdown, lots or locations of another type', async (t) => {
  for (const odd of [undefined, null, 7, 'wh_a', true, []]) {
    t.strictSame(breakdownOf({ id: 'i', inventory_by_warehouse_id: odd }), {})
  }
  for (const odd of [undefined, null, 7, 'lot', {}, { lot_id: '1' }, []]) {
    t.strictSame(lotsOf({ id: 'i', lots: odd }), [])
    t.strictSame(locationsOf({ id: 'i', locations: odd }), [])
  }
  t.strictSame(lotsOf({ id: 'i', lots: [null, 7, 'lot', [], { lot_id: 1 }] }), [{ lot_id: 1 }])
})

tap.test('treats a substitute of any type as a substitute', async (t) => {
  for (const none of [undefined, null, [], {}, '', false]) t.notOk(hasSubstitutes({ id: 'i', substitute_skus: none }))
  for (const some of [['A'], [null], { sku: 'A' }, 'A', 7, true]) {
    t.ok(hasSubstitutes({ id: 'i', substitute_skus: some }), JSON.stringify(some))
  }
})
