import tap from 'tap'
import { fixedCatalog, fixedSkus } from '../../src/sandbox/fixed-catalog.js'
import { generatedSku } from '../../src/sandbox/generated-catalog.js'
import { createData } from '../../src/sandbox/sandbox-data.js'

const create = (products: number, seed = 1) => createData({ products, seed, connectionId: 'conn_1', now: 0 })
const everything = (data: ReturnType<typeof create>) =>
  JSON.stringify([[...data.products.values()], [...data.inventory.values()], [...data.warehouses.values()]])

tap.test('has the requested number of products, fixed ones included', async (t) => {
  const data = create(1000)
  t.equal(data.products.size, 1000)
  for (const { sku } of fixedSkus) t.ok(data.products.slotsOfSkus([sku]).length > 0, sku)
  const invented = 1000 - fixedCatalog().products.length
  t.equal(data.products.slotsOfSkus([generatedSku(invented - 1)]).length, 1)
  t.equal(data.products.slotsOfSkus([generatedSku(invented)]).length, 0)
})

tap.test('always has the fixed products', async (t) => {
  t.equal(create(0).products.size, fixedCatalog().products.length)
})

tap.test('depends on the seed, and a larger catalog starts with the smaller one', async (t) => {
  t.equal(everything(create(200)), everything(create(200)))
  t.not(everything(create(200)), everything(create(200, 2)))
  t.strictSame(create(300).products.get('prod_000050'), create(200).products.get('prod_000050'))
})

tap.test('has every item that a generated product refers to', async (t) => {
  const data = create(500)
  const missing = [...data.products.values()]
    .flatMap((product) => product.inventory_items ?? [])
    .filter((reference) => !data.inventory.has(reference.inventory_item_id))
  t.match(missing, [{ inventory_item_id: 'inv_nowhere' }])
  t.equal(missing.length, 1)
})

tap.test('has four warehouses, one of them without a name and a code', async (t) => {
  const warehouses = [...create(0).warehouses.values()]
  t.equal(warehouses.length, 4)
  t.equal(warehouses.filter(({ name, code }) => name === null && code === null).length, 1)
})

tap.test('has a connection with the given id', async (t) => {
  t.equal(create(0).connection.id, 'conn_1')
})

tap.test('has as many items as products with one item for each', async (t) => {
  const data = createData({ products: 2000, itemsPerProduct: 1, seed: 1, connectionId: 'c', now: 0 })
  t.strictSame([data.products.size, data.inventory.size], [2000, 2000])
  const missing = [...data.products.values()]
    .flatMap((product) => product.inventory_items ?? [])
    .filter((reference) => !data.inventory.has(reference.inventory_item_id))
  t.equal(missing.length, 1, 'every referenced one exists')
  const spare = data.inventory.get('inv_packaging_000000')
  t.match(spare, { sku: 'PACKAGING-000000', active: true })
  t.ok(typeof spare?.onhand === 'number')
})
