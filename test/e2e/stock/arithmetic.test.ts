import fc from 'fast-check'
import t from 'tap'
import type { DocumentedItem as InventoryItem } from '../../../src/records/inventory-item.js'
import type { DocumentedProduct as Product } from '../../../src/records/product.js'
import type { Stock } from '../../../src/stock/stock.js'
import { compose, item, kit, plain, reference } from '../../stock/fixtures.js'

const names = ['onhand', 'committed', 'unfulfillable', 'fulfillable', 'sellable', 'awaiting'] as const
type Numbers = Record<(typeof names)[number], number>

interface Case {
  readonly product: Product
  readonly items: readonly InventoryItem[]
}

const ids = ['inv_1', 'inv_2', 'inv_3', 'inv_4']
const warehouseIds = ['wh_a', 'wh_b', 'wh_c']

/** All six quantities, each at most a thousand. */
const numbers = (min: number): fc.Arbitrary<Numbers> => {
  const amount = fc.integer({ min, max: 1000 })
  return fc.record({
    onhand: amount,
    committed: amount,
    unfulfillable: amount,
    fulfillable: amount,
    sellable: amount,
    awaiting: amount,
  })
}

const sumOf = (parts: readonly Numbers[]): Numbers => {
  const total = { onhand: 0, committed: 0, unfulfillable: 0, fulfillable: 0, sellable: 0, awaiting: 0 }
  for (const part of parts) for (const name of names) total[name] += part[name]
  return total
}

/** Items with every quantity and a consistent breakdown of some warehouses. */
const consistentItems = (min: number): fc.Arbitrary<InventoryItem[]> =>
  fc.tuple(
    ...ids.map((id) =>
      fc
        .uniqueArray(fc.tuple(fc.constantFrom(...warehouseIds), numbers(min)), { selector: ([w]) => w, minLength: 1 })
        .map((parts) =>
          item(id, { ...sumOf(parts.map(([, part]) => part)), inventory_by_warehouse_id: Object.fromEntries(parts) }),
        ),
    ),
  )

/** References whose SKU depends only on the item; some refer to the same item. */
const references = (units: fc.Arbitrary<number>) =>
  fc
    .tuple(
      fc.array(fc.tuple(fc.constantFrom(...ids), units), { maxLength: 6 }),
      fc.dictionary(fc.constantFrom(...ids), fc.constantFrom('A', 'B', null)),
    )
    .map(([list, skus]) => list.map(([id, unit]) => reference(id, skus[id], unit)))

const cases = (make: typeof kit, units: fc.Arbitrary<number>, min: number): fc.Arbitrary<Case> =>
  fc.record({ product: references(units).map((list) => make(...list)), items: consistentItems(min) })

const smallUnits = fc.integer({ min: 1, max: 7 })
const anyCase = (min: number) => fc.oneof(cases(kit, smallUnits, min), cases(plain, smallUnits, min))

const composed = ({ product, items }: Case, selected?: string[]) => compose(product, items, { warehouseIds: selected })
const partsOf = (stock: Stock) =>
  stock.warehouses.map((warehouse) => warehouse.available).reduce((sum, available) => sum + available, 0)

/** The contract's rules for one quantity, in fractions of integers. */
function oracle({ product, items }: Case, amountOf: (known: InventoryItem) => bigint): bigint {
  const isKit = product.is_kit === true
  const skus = new Map<string, string>()
  const units = new Map<string, bigint>()
  const repeated = new Set<string>()
  for (const [index, { inventory_item_id: id, sku, unit_quantity }] of (product.inventory_items ?? []).entries()) {
    const unit = BigInt(Number(unit_quantity))
    const earlier = units.get(id)
    if (earlier === undefined) skus.set(id, isKit ? (sku ?? `no SKU ${index}`) : 'all')
    else repeated.add(id)
    units.set(id, earlier === undefined ? unit : isKit ? earlier + unit : earlier > unit ? earlier : unit)
  }
  let least: bigint | undefined
  for (const sku of new Set(skus.values())) {
    const members = [...units].filter(([id]) => skus.get(id) === sku)
    const largest = BigInt(Math.max(...members.map(([, unit]) => Number(unit))))
    const levelled = isKit && members.some(([id]) => repeated.has(id))
    const shares = members.map(([id, unit]) => {
      const known = items.find((candidate) => candidate.id === id)
      return { amount: known === undefined ? 0n : amountOf(known), unit: levelled ? largest : unit }
    })
    const denominator = shares.reduce((all, share) => all * share.unit, 1n)
    const numerator = shares.reduce((sum, share) => sum + (share.amount * denominator) / share.unit, 0n)
    const floored = (numerator - (((numerator % denominator) + denominator) % denominator)) / denominator
    if (least === undefined || floored < least) least = floored
  }
  return least ?? 0n
}

const atLeastZero = (amount: bigint) => (amount > 0n ? amount : 0n)

t.test("agrees with the contract's rules in integer arithmetic", async () => {
  fc.assert(
    fc.property(anyCase(-1000), (given) => {
      const stock = composed(given)
      const of = (...added: (keyof Numbers)[]) =>
        oracle(given, (known) => added.reduce((sum, name) => sum + BigInt(known[name] ?? 0), 0n))
      const isKit = given.product.is_kit === true
      return (
        BigInt(stock.quantities.fulfillable) === of('fulfillable') &&
        BigInt(stock.available) === atLeastZero(of('fulfillable')) &&
        stock.quantities.onhand === Number(of('onhand')) &&
        stock.quantities.sellable === Number(of('sellable')) &&
        stock.quantities.committed === (isKit ? null : Number(of('committed'))) &&
        stock.quantities.unfulfillable === (isKit ? null : Number(of('unfulfillable'))) &&
        stock.quantities.awaiting ===
          (isKit
            ? Number(atLeastZero(of('fulfillable', 'awaiting')) - atLeastZero(of('fulfillable')))
            : Number(of('awaiting')))
      )
    }),
    { numRuns: 500 },
  )
})

t.test('gives the same result with all quantities in tenths, outside the path for safe integers', async (t) => {
  const tenth = ({ product, items }: Case): Case => ({
    product: {
      ...product,
      inventory_items: (product.inventory_items ?? []).map((listed) => ({
        ...listed,
        unit_quantity: Number(listed.unit_quantity) / 10,
      })),
    },
    items: items.map((known) => ({
      ...known,
      ...Object.fromEntries(names.map((name) => [name, (known[name] ?? 0) / 10])),
    })),
  })
  fc.assert(
    fc.property(anyCase(-1000), (given) => {
      t.strictSame(composed(tenth(given)).quantities, composed(given).quantities)
    }),
  )
})

t.test('never has more in the warehouses together than in total, if nothing is oversold', async () => {
  fc.assert(
    fc.property(anyCase(0), (given) => {
      const stock = composed(given)
      return partsOf(stock) <= stock.available
    }),
  )
})

t.test('has as much in the warehouses together as in total, for a plain product of single units', async () => {
  fc.assert(
    fc.property(cases(plain, fc.constant(1), 0), (given) => {
      const stock = composed(given)
      return partsOf(stock) === stock.available
    }),
  )
})

t.test('does not depend on the order of the items', async (t) => {
  const shuffled = anyCase(-1000).chain((given) =>
    fc.record({
      given: fc.constant(given),
      list: fc.shuffledSubarray(given.product.inventory_items ?? [], {
        minLength: given.product.inventory_items?.length ?? 0,
      }),
      items: fc.shuffledSubarray([...given.items], { minLength: given.items.length }),
    }),
  )
  fc.assert(
    fc.property(shuffled, ({ given, list, items }) => {
      const one = composed(given)
      const other = composed({ product: { ...given.product, inventory_items: list }, items })
      t.strictSame(other.quantities, one.quantities)
      t.strictSame(other.warehouses, one.warehouses)
      t.equal(other.limiting?.yield, one.limiting?.yield)
    }),
  )
})

t.test('never decreases with one more unit', async () => {
  fc.assert(
    fc.property(anyCase(-1000), fc.constantFrom(...ids), fc.constantFrom(...names), (given, id, name) => {
      const items = given.items.map((known) => (known.id === id ? { ...known, [name]: (known[name] ?? 0) + 1 } : known))
      const [before, after] = [composed(given).quantities, composed({ ...given, items }).quantities]
      return names.every(
        (each) => (given.product.is_kit && each === 'awaiting') || Number(after[each]) >= Number(before[each]),
      )
    }),
  )
})

t.test('equals the total if all warehouses are selected and breakdowns add up', async (t) => {
  fc.assert(
    fc.property(anyCase(-1000), (given) => {
      const [all, selected] = [composed(given), composed(given, warehouseIds)]
      t.strictSame(selected.quantities, all.quantities)
      t.strictSame(selected.warehouses, all.warehouses)
      t.strictSame(selected.limiting, all.limiting)
      t.strictSame(
        selected.components.map((component) => component.quantities),
        all.components.map((component) => component.quantities),
      )
    }),
  )
})

t.test('the shortfall is the smallest amount that yields one more', async () => {
  const oneGroup = fc.record({
    list: fc.uniqueArray(fc.tuple(fc.constantFrom(...ids), fc.constantFrom(0.5, 1, 2, 2.5, 3, 7)), {
      selector: ([id]) => id,
      minLength: 1,
    }),
    items: consistentItems(-1000),
  })
  fc.assert(
    fc.property(oneGroup, ({ list, items }) => {
      const product = kit(...list.map(([id, units]) => reference(id, 'A', units)))
      const { limiting } = composed({ product, items })
      if (limiting === null) return false
      const target = Math.max(0, limiting.yield) + 1
      const yieldWith = (more: number, id: string) =>
        composed({
          product,
          items: items.map((known) =>
            known.id === id ? { ...known, fulfillable: (known.fulfillable ?? 0) + more } : known,
          ),
        }).quantities.fulfillable
      const least = Math.min(...list.map(([, units]) => units))
      return list.every(
        ([id, units]) =>
          yieldWith(limiting.shortfall - 1, id) < target &&
          (units > least || yieldWith(limiting.shortfall, id) >= target),
      )
    }),
    { numRuns: 300 },
  )
})
