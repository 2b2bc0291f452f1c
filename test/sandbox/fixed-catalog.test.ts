import tap from 'tap'
import { Compile } from 'typebox/compile'
import { InventoryItem } from '../../src/records/inventory-item.js'
import { Product } from '../../src/records/product.js'
import { Warehouse } from '../../src/records/warehouse.js'
import { fixedCatalog, fixedSkus, fixedWarehouses, liveItemId } from '../../src/sandbox/fixed-catalog.js'

const { products, inventory } = fixedCatalog()
const items = new Map(inventory.map((item) => [item.id, item]))
const productsOf = (sku: string) => products.filter((product) => product.sku === sku)

/** The supply of each reference of a product: the item's fulfillable units, and the unit quantity. */
const draws = (sku: string) =>
  productsOf(sku).flatMap((product) =>
    (product.inventory_items ?? []).map((reference) => [
      items.get(reference.inventory_item_id)?.fulfillable,
      reference.unit_quantity,
    ]),
  )

tap.test('lists each of its SKUs once, and no other', async (t) => {
  t.strictSame(new Set(fixedSkus.map(({ sku }) => sku)), new Set(products.map(({ sku }) => sku)))
  t.equal(new Set(fixedSkus.map(({ sku }) => sku)).size, fixedSkus.length)
})

tap.test('has well-formed records, even where their quantities are inconsistent', async (t) => {
  for (const product of products) t.ok(Compile(Product).Check(product), product.id)
  for (const item of inventory) t.ok(Compile(InventoryItem).Check(item), item.id)
  for (const warehouse of fixedWarehouses()) t.ok(Compile(Warehouse).Check(warehouse), warehouse.id)
})

tap.test('has a unique id for every record', async (t) => {
  t.equal(new Set(products.map(({ id }) => id)).size, products.length)
  t.equal(items.size, inventory.length)
})

tap.test('refers to a single item that does not exist', async (t) => {
  const ids = products.flatMap((product) => (product.inventory_items ?? []).map((one) => one.inventory_item_id))
  t.strictSame(
    ids.filter((id) => !items.has(id)),
    ['inv_nowhere'],
  )
})

tap.test('has consistent quantities, except where an SKU shows inconsistent ones', async (t) => {
  const wrong = inventory.filter((item) => {
    const { onhand = 0, committed, unfulfillable, fulfillable } = item
    const perWarehouse = Object.values(item.inventory_by_warehouse_id ?? {})
    const sum = perWarehouse.reduce((sum, quantities) => sum + (quantities?.onhand ?? 0), 0)
    return sum !== onhand || onhand !== Number(committed) + Number(unfulfillable) + Number(fulfillable)
  })
  t.strictSame(
    wrong.map(({ sku }) => sku),
    ['ASSAM-500', 'DARJEELING-500', 'CEYLON-500', 'KETTLE-1L', 'SCALE-01'],
  )
})

const stocks: Record<string, (number | null | undefined)[][]> = {
  'SENCHA-100': [[38, 1]],
  'OOLONG-250': [
    [10, 1],
    [7, 1],
  ],
  'BISCUIT-6PK': [[45, 6]],
  CUP: [[40, null]],
  'GONGFU-SET': [
    [9, 1],
    [40, 4],
    [6, 1],
  ],
  'TASTING-SET': [
    [40, 6],
    [9, 1],
  ],
  'MATCHA-KIT': [
    [12, 1],
    [0, 1],
  ],
  'TRAVEL-SET': [
    [3, 1],
    [4, 1],
    [11, 2],
  ],
  'REFILL-BOX': [
    [20, 2],
    [20, 1],
  ],
  'HONEY-1': [
    [15, 1],
    [4, 1],
  ],
  'CHAI-50': [
    [3, 1],
    [21, 1],
  ],
  'EARL-GREY': [
    [6, 1],
    [2, 1],
  ],
  'MATCHA-TIN': [[24, 1]],
  'HOJICHA-80': [
    [8, 1],
    [undefined, 1],
  ],
  'ASSAM-500': [[null, 1]],
  'DARJEELING-500': [[null, 1]],
  'CEYLON-500': [[null, 1]],
  'ROOIBOS-100': [[18, 1]],
  'KETTLE-1L': [[13, 1]],
  'SCALE-01': [[10, 1]],
  'PUERH-357': [[-5, 1]],
  'GIFT-CARD': [],
  'SAMPLER-3': [
    [5, 1],
    [50, 0],
  ],
  'MINT/LEMON 50%': [[5, 1]],
  'GREEN, BLACK + WHITE': [[7, 1]],
  '抹茶 30g': [[9, 1]],
  ['__proto__']: [[3, 1]],
  constructor: [[4, 1]],
  'LIVE-JASMINE': [[40, 1]],
  'LIVE-GIFT': [
    [40, 3],
    [20, 1],
  ],
}

for (const { sku } of fixedSkus) {
  tap.test(`has the stock of ${sku} that its description assumes`, async (t) => {
    t.strictSame(draws(sku), new Map(Object.entries(stocks)).get(sku))
  })
}

tap.test('has a SKU of two merchants and one of an inactive product', async (t) => {
  t.strictSame(
    productsOf('HONEY-1').map((product) => product.warehouse_customer_id),
    ['cust_aurora', 'cust_borealis'],
  )
  t.strictSame(
    productsOf('CHAI-50').map((product) => product.active),
    [false, true],
  )
})

tap.test('creates new records at every call', async (t) => {
  t.not(fixedCatalog().products[0], products[0])
  t.not(fixedCatalog().inventory[0], inventory[0])
})

tap.test('starts the live item with the quantities of its description', async (t) => {
  const { inventory_by_warehouse_id: perWarehouse } = items.get(liveItemId) ?? {}
  t.strictSame(
    Object.values(perWarehouse ?? {}).map((quantities) => quantities?.fulfillable),
    [24, 16],
  )
})
