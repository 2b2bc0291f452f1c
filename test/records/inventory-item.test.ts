import tap from 'tap'
import { Compile } from 'typebox/compile'
import { InventoryItem } from '../../src/records/inventory-item.js'
import { createData } from '../../src/sandbox/sandbox-data.js'

const check = Compile(InventoryItem)

tap.test('knows every item of the sandbox', async (t) => {
  const { inventory } = createData({ products: 200, seed: 1, connectionId: 'c', now: 0 })
  for (const item of inventory.values()) t.ok(check.Check(item), item.id)
})

tap.test('takes quantities that are null, absent, fractional or below zero', async (t) => {
  for (const quantity of [null, undefined, 0, 1.5, -5]) {
    t.ok(check.Check({ id: 'i', onhand: quantity, fulfillable: quantity, unsellable: quantity }))
    t.ok(check.Check({ id: 'i', inventory_by_warehouse_id: { wh: { onhand: quantity }, other: null } }))
    t.ok(check.Check({ id: 'i', lots: [{ onhand: quantity }], locations: [{ quantity }] }))
  }
})

tap.test('refuses quantities that are no numbers', async (t) => {
  for (const quantity of ['5', true, Number.NaN, Number.POSITIVE_INFINITY, {}]) {
    t.notOk(check.Check({ id: 'i', onhand: quantity }))
    t.notOk(check.Check({ id: 'i', inventory_by_warehouse_id: { wh: { onhand: quantity } } }))
    t.notOk(check.Check({ id: 'i', lots: [{ onhand: quantity }] }))
    t.notOk(check.Check({ id: 'i', locations: [{ quantity }] }))
  }
})

tap.test('takes lots and locations without a name, and substitutes of any kind', async (t) => {
  t.ok(check.Check({ id: 'i', lots: [{ expiration_date: '2026-12-15', lot_id: null, warehouse_id: null }] }))
  t.ok(check.Check({ id: 'i', locations: [{ location_id: null, shelf: 3 }], substitute_skus: ['A', { sku: 'B' }] }))
  t.ok(check.Check({ id: 'i', lots: null, locations: null, substitute_skus: null, inventory_by_warehouse_id: null }))
  t.notOk(check.Check({ id: 'i', inventory_by_warehouse_id: [] }))
  t.notOk(check.Check({ id: 'i', lots: {} }))
})
