import tap from 'tap'
import { Compile } from 'typebox/compile'
import { InventoryItem } from '../../src/records/inventory-item.js'
import { createData } from '../../src/sandbox/sandbox-data.js'

const check = Compile(InventoryItem)

tap.test('accepts every item of the sandbox', async (t) => {
  const { inventory } = createData({ products: 200, seed: 1, connectionId: 'c', now: 0 })
  for (const item of inventory.values()) t.ok(check.Check(item), item.id)
})

tap.test('accepts quantities that are null, absent, fractional or negative', async (t) => {
  for (const quantity of [null, undefined, 0, 1.5, -5]) {
    t.ok(check.Check({ id: 'i', onhand: quantity, fulfillable: quantity, unsellable: quantity }))
    t.ok(check.Check({ id: 'i', inventory_by_warehouse_id: { wh: { onhand: quantity }, other: null } }))
    t.ok(check.Check({ id: 'i', lots: [{ onhand: quantity }], locations: [{ quantity }] }))
  }
})

tap.test('rejects quantities that are not numbers', async (t) => {
  for (const quantity of ['5', true, Number.NaN, Number.POSITIVE_INFINITY, {}]) {
    t.notOk(check.Check({ id: 'i', onhand: quantity }))
    t.notOk(check.Check({ id: 'i', inventory_by_warehouse_id: { wh: { onhand: quantity } } }))
    t.notOk(check.Check({ id: 'i', lots: [{ onhand: quantity }] }))
    t.notOk(check.Check({ id: 'i', locations: [{ quantity }] }))
  }
})

tap.test('accepts unnamed lots and locations, and any kind of substitute', async (t) => {
  t.ok(check.Check({ id: 'i', lots: [{ expiration_date: '2026-12-15', lot_id: null, warehouse_id: null }] }))
  t.ok(check.Check({ id: 'i', locations: [{ location_id: null, shelf: 3 }], substitute_skus: ['A', { sku: 'B' }] }))
  t.ok(check.Check({ id: 'i', lots: null, locations: null, substitute_skus: null, inventory_by_warehouse_id: null }))
  t.notOk(check.Check({ id: 'i', inventory_by_warehouse_id: [] }))
  t.notOk(check.Check({ id: 'i', lots: {} }))
})
