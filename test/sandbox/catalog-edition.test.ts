import tap from 'tap'
import { fixedCatalogOf, partialSkus } from '../../src/sandbox/catalog-edition.js'
import { fixedCatalog, fixedSkus, fixedWarehouses } from '../../src/sandbox/fixed-catalog.js'

const skusOf = (edition: number) => new Set(fixedCatalogOf(edition).products.map(({ sku }) => sku))
const itemOf = (edition: number, id: string) => fixedCatalogOf(edition).inventory.find((item) => item.id === id)

tap.test('the first edition is the fixed catalog', async (t) => {
  const first = { ...fixedCatalog(), warehouses: fixedWarehouses() }
  t.equal(JSON.stringify(fixedCatalogOf(1)), JSON.stringify(first))
})

tap.test('an edition has as many times the units, in totals, warehouses, lots and locations', async (t) => {
  t.match(itemOf(3, 'inv_sencha'), {
    onhand: 150,
    fulfillable: 114,
    awaiting: 36,
    inventory_by_warehouse_id: { wh_oslo: { onhand: 90, fulfillable: 66 }, wh_porto: { fulfillable: 48 } },
    locations: [{ quantity: 75 }, { quantity: 15 }, { quantity: 60 }],
    measurements: { weight: 250 },
  })
  t.match(itemOf(2, 'inv_matcha_tin'), { lots: [{ onhand: 12 }, { onhand: 20 }, { onhand: 16 }] })
  t.match(itemOf(2, 'inv_puerh'), { fulfillable: -10 })
  t.match(itemOf(2, 'inv_ceylon'), { onhand: 60, fulfillable: null })
})

tap.test('an edition keeps unit quantities, ids, and a warehouse called __proto__', async (t) => {
  const { products, warehouses } = fixedCatalogOf(2)
  t.match(
    products.find(({ id }) => id === 'prod_biscuit_6'),
    { inventory_items: [{ unit_quantity: 6 }] },
  )
  t.strictSame(
    warehouses.map(({ id, name }) => [id, name]),
    [
      ['wh_oslo', 'Oslo harbour 2'],
      ['wh_porto', 'Porto 2'],
      ['wh_graz', 'Graz 2'],
      ['wh_quiet', null],
    ],
  )
  t.strictSame(Object.keys(itemOf(2, '__proto__')?.inventory_by_warehouse_id ?? {}), ['__proto__', 'wh_oslo'])
})

tap.test('every edition has the fixed SKUs, but for those that only some have', async (t) => {
  for (const edition of [1, 2, 3, 4]) {
    const skus = skusOf(edition)
    for (const { sku } of fixedSkus) if (!partialSkus.some((one) => one.sku === sku)) t.ok(skus.has(sku), sku)
    for (const { sku, isIn } of partialSkus) t.equal(skus.has(sku), isIn(edition), `${sku} in ${edition}`)
  }
  for (const { sku } of partialSkus) {
    const where = [1, 2, 3].map((edition) => skusOf(edition).has(sku))
    t.ok(where.includes(true) && where.includes(false), `three connections show both of ${sku}`)
  }
})
