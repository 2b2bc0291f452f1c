import tap from 'tap'
import {
  createRandom,
  generatedSku,
  generateProduct,
  generateSpareItem,
  isGeneratedItem,
} from '../../src/sandbox/generated-catalog.js'

const block = (seed = 1) => Array.from({ length: 40 }, (_, n) => generateProduct(seed, n))

tap.test('generates the same products for the same seed, and others for another seed', async (t) => {
  t.strictSame(JSON.stringify(block()), JSON.stringify(block()))
  t.notSame(JSON.stringify(block(2)), JSON.stringify(block()))
})

tap.test('numbers the SKUs in order', async (t) => {
  t.equal(generatedSku(0), 'BLEND-000000')
  t.strictSame(
    block().map(({ product }) => product.sku),
    Array.from({ length: 40 }, (_, n) => generatedSku(n)),
  )
})

tap.test('gives each product two items in two warehouses, and makes one in ten a six-pack', async (t) => {
  for (const { product, inventory } of block().filter((generated) => !generated.product.is_kit)) {
    t.equal(inventory.length, 2)
    const warehouseIds = inventory.flatMap((item) => Object.keys(item.inventory_by_warehouse_id ?? {}))
    t.equal(new Set(warehouseIds).size, 2, product.id)
    t.ok(inventory.every((item) => item.warehouse_customer_id === product.warehouse_customer_id))
  }
  t.equal(block().filter(({ product }) => product.inventory_items?.[0]?.unit_quantity === 6).length, 4)
})

tap.test('makes every tenth product a kit of two earlier products of the same merchant', async (t) => {
  const products = block()
  const owners = new Map(products.flatMap((one) => one.inventory.map((item) => [item.id, item.warehouse_customer_id])))
  const kits = products.filter(({ product }) => product.is_kit)
  t.equal(kits.length, 4)
  for (const { product, inventory } of kits) {
    t.equal(inventory.length, 0)
    t.equal(new Set(product.inventory_items?.map(({ sku }) => sku)).size, 2)
    for (const { inventory_item_id } of product.inventory_items ?? []) {
      t.equal(owners.get(inventory_item_id), product.warehouse_customer_id)
    }
  }
})

tap.test('divides the products between two merchants', async (t) => {
  t.equal(new Set(block().map(({ product }) => product.warehouse_customer_id)).size, 2)
})

tap.test('gives each product one item on request, and kits refer to those', async (t) => {
  const products = Array.from({ length: 20 }, (_, n) => generateProduct(1, n, 1))
  const ids = new Set(products.flatMap(({ inventory }) => inventory.map(({ id }) => id)))
  t.equal(ids.size, 18)
  t.ok([...ids].every(isGeneratedItem))
  for (const { product } of products) {
    t.equal(product.inventory_items?.length, product.is_kit ? 2 : 1)
    t.ok(product.inventory_items?.every((reference) => ids.has(reference.inventory_item_id)))
  }
})

tap.test('recognises the ids of its items', async (t) => {
  t.equal(isGeneratedItem('inv_000001_b'), true)
  for (const id of ['inv_cup', generateSpareItem(1, 1).id, 'inv_000001_c']) t.equal(isGeneratedItem(id), false, id)
  t.strictSame(generateSpareItem(1, 1), generateSpareItem(1, 1))
  t.notSame(generateSpareItem(2, 1), generateSpareItem(1, 1))
})

tap.test('gives the same numbers for the same seed, and others for another seed', async (t) => {
  const draw = (seed: number) => {
    const random = createRandom(seed)
    return Array.from({ length: 20 }, () => random.between(0, 1_000_000))
  }
  t.strictSame(draw(7), draw(7))
  t.notSame(draw(7), draw(8))
})

tap.test('stays within its bounds and reaches both', async (t) => {
  const random = createRandom(1)
  const drawn = new Set(Array.from({ length: 500 }, () => random.between(3, 6)))
  t.strictSame(
    [...drawn].toSorted((a, b) => a - b),
    [3, 4, 5, 6],
  )
})

tap.test('picks every choice', async (t) => {
  const random = createRandom(1)
  const drawn = new Set(Array.from({ length: 200 }, () => random.pick(['a', 'b', 'c'])))
  t.strictSame([...drawn].toSorted(), ['a', 'b', 'c'])
})
