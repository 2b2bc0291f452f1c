import tap from 'tap'
import { Compile } from 'typebox/compile'
import { Product } from '../../src/records/product.js'
import { createData } from '../../src/sandbox/sandbox-data.js'

const check = Compile(Product)

tap.test('accepts every product of the sandbox', async (t) => {
  const { products } = createData({ products: 200, seed: 1, connectionId: 'c', now: 0 })
  for (const product of products.values()) t.ok(check.Check(product), product.id)
})

tap.test('accepts descriptive fields that are null or absent', async (t) => {
  const nothing = { name: null, sku: null, gtin: null, unit_price: null, inventory_items: null, is_kit: null }
  t.ok(check.Check({ id: 'p' }))
  t.ok(check.Check({ id: 'p', ...nothing, active: null, warehouse_customer_id: null }))
})

tap.test('accepts a unit quantity of any type', async (t) => {
  for (const unit_quantity of [undefined, null, 1, 0.5, -1, '2', {}]) {
    t.ok(check.Check({ id: 'p', inventory_items: [{ inventory_item_id: 'i', unit_quantity }] }))
  }
})

tap.test('rejects a reference without an item id', async (t) => {
  for (const reference of [{}, { inventory_item_id: '' }, { inventory_item_id: null }, null, 'i']) {
    t.notOk(check.Check({ id: 'p', inventory_items: [reference] }))
  }
  t.notOk(check.Check({ id: 'p', inventory_items: [{ inventory_item_id: 'i', sku: 5 }] }))
})
