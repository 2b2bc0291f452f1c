import fc from 'fast-check'
import tap, { type Test } from 'tap'
import type { InventoryItem } from '../../../src/records/inventory-item.js'
import type { Product } from '../../../src/records/product.js'
import { codes, compose } from '../../stock/fixtures.js'
import { canonical, partsOf } from '../mirror/oracle/answers.js'
import { type Json, joinStock, keyOf } from '../mirror/oracle/join.js'

/** Values that no field should have, and that some field has somewhere. */
const odd = fc.constantFrom<unknown>(null, undefined, '', '7', '-2.50', ' 3 ', 'many', 0, -1, 2.5, true, [], {}, [1])
const quantity = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -5, max: 60 }) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(0.1, 2.5, '12', '3.75') },
  { weight: 1, arbitrary: odd },
)
const names = ['onhand', 'committed', 'unfulfillable', 'fulfillable', 'sellable', 'awaiting'] as const
const quantities = fc.record(Object.fromEntries(names.map((name) => [name, quantity])), { requiredKeys: [] })
const warehouseIds = ['wh_a', 'wh_b', '7']
const breakdown = fc.dictionary(
  fc.constantFrom(...warehouseIds),
  fc.oneof({ weight: 9, arbitrary: quantities }, { weight: 1, arbitrary: odd }),
  { maxKeys: 3 },
)

/** The totals are the sums of the breakdown, as they are most of the time. */
function withSums(item: Json): Json {
  const parts = Object.values(item['inventory_by_warehouse_id'] as Record<string, Json>)
  const sums = names.map((name) => [name, parts.reduce((sum, part) => sum + Number(part?.[name] ?? 0), 0)] as const)
  return { ...item, ...Object.fromEntries(sums.filter(([, sum]) => Number.isInteger(sum))) }
}

const itemIds = ['a', 'b', 'c', 8] as const
const item = (id: string | number) =>
  fc
    .record({
      quantities,
      breakdown: fc.oneof({ weight: 6, arbitrary: breakdown }, { weight: 1, arbitrary: odd }),
      sku: fc.oneof(fc.constantFrom<unknown>('X', 'Y', 9), odd),
      merchant: fc.constantFrom<unknown>(null, null, 'm1', 'm2', 5),
      substitutes: fc.constantFrom<unknown>(undefined, null, [], ['Z']),
      isSummed: fc.boolean(),
    })
    .map(({ quantities: own, breakdown: parts, sku, merchant, substitutes, isSummed }): Json => {
      const made = { id, ...own, sku, warehouse_customer_id: merchant, substitute_skus: substitutes }
      const record = { ...made, inventory_by_warehouse_id: parts }
      const isObject = typeof parts === 'object' && parts !== null && !Array.isArray(parts)
      return isSummed && isObject ? withSums(record) : record
    })

const reference = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record(
      {
        inventory_item_id: fc.constantFrom<unknown>(...itemIds, '8', 'gone'),
        sku: fc.constantFrom<unknown>('X', 'Y', 9, null, ''),
        unit_quantity: fc.oneof(
          { weight: 5, arbitrary: fc.constantFrom<unknown>(1, 2, 3, 0.5, '2', null) },
          { weight: 1, arbitrary: odd },
        ),
      },
      { requiredKeys: ['inventory_item_id'] },
    ),
  },
  {
    weight: 1,
    arbitrary: fc.oneof(
      odd,
      odd.map((inventory_item_id) => ({ inventory_item_id })),
    ),
  },
)
const product = fc
  .record({
    is_kit: fc.constantFrom<unknown>(true, true, false, null, undefined, 'yes'),
    merchant: fc.constantFrom<unknown>(null, 'm1', 5),
    references: fc.oneof(
      { weight: 9, arbitrary: fc.array(reference, { maxLength: 5 }) },
      { weight: 1, arbitrary: odd },
    ),
  })
  .map(
    ({ is_kit, merchant, references }): Json => ({
      id: 'p',
      is_kit,
      active: true,
      warehouse_customer_id: merchant,
      inventory_items: references,
    }),
  )

const catalog = fc.record({
  product,
  // One of the items that products refer to is missing now and then.
  items: fc.tuple(...itemIds.map((id) => fc.option(item(id), { freq: 8, nil: undefined }))),
  selected: fc.option(fc.uniqueArray(fc.constantFrom(...warehouseIds, 'wh_z'), { minLength: 1, maxLength: 3 }), {
    nil: undefined,
  }),
})

const seen = new Map<string, number>()

function agrees(t: Test, isSelected: boolean): void {
  const property = fc.property(catalog, ({ product: made, items, selected }) => {
    const known = items.filter((one) => one !== undefined)
    const byId = new Map(known.map((one) => [keyOf(one['id']), one]))
    const chosen = isSelected ? (selected ?? ['wh_a']) : undefined
    const stock = compose(made as Product, known as unknown as InventoryItem[], { warehouseIds: chosen })
    const model = joinStock(made, (id) => byId.get(id), chosen && new Set(chosen))
    for (const [code] of codes(stock)) seen.set(code, (seen.get(code) ?? 0) + 1)
    const merchant = keyOf(made['warehouse_customer_id'])
    const expected = { ...model, product: { ...model.product, warehouse_customer_id: merchant } }
    if (canonical(partsOf(stock as unknown as Json)) !== canonical(expected)) {
      throw new Error(`${canonical(partsOf(stock as unknown as Json))}\n is not \n${canonical(expected)}`)
    }
  })
  const result = fc.check(property, { numRuns: 1500 })
  t.notOk(result.failed, fc.defaultReportMessage(result) ?? 'agrees')
}

tap.test('agrees with an independent model, whatever the records contain', async (t) => {
  agrees(t, false)
  for (const code of ['invalid_reference', 'kit_flag_missing', 'merchant_mismatch', 'quantity_inconsistent']) {
    t.ok((seen.get(code) ?? 0) > 20, `${code} occurs`)
  }
  t.ok((seen.get('warehouse_breakdown_mismatch') ?? 0) > 20)
  t.ok((seen.get('invalid_unit_quantity') ?? 0) > 20)
})

tap.test('agrees with an independent model in selected warehouses', async (t) => agrees(t, true))
