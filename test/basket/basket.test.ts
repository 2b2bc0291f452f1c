import fc from 'fast-check'
import tap from 'tap'
import { type BasketInput, type BasketLine, type BasketResult, checkBasket } from '../../src/basket/basket.js'
import type { DocumentedItem as InventoryItem } from '../../src/records/inventory-item.js'
import type { DocumentedProduct as Product } from '../../src/records/product.js'
import { runToEnd } from '../../src/steps.js'
import { resolveComponents } from '../../src/stock/components.js'
import { toNumber } from '../../src/stock/rational.js'
import { compose, item, kit, plain, reference, warehouseList } from '../stock/fixtures.js'

const line = (sku: string, quantity: number, product: Product) => ({ sku, quantity, product })
const have = (amounts: Record<string, number>): InventoryItem[] =>
  Object.entries(amounts).map(([id, fulfillable]) =>
    item(id, { fulfillable, inventory_by_warehouse_id: { wh_a: { fulfillable } } }),
  )

function check(
  lines: readonly BasketLine[],
  items: readonly InventoryItem[],
  options: Partial<BasketInput> = {},
  steps?: number,
): BasketResult {
  const known = new Map(items.map((one) => [one.id, one]))
  return runToEnd(checkBasket({ lines, items: known, warehouses: new Map(), ...options }, steps))
}

const tentKit = kit(reference('tent', 'TENT'), reference('pole', 'POLE', 4))
const awningKit = kit(reference('awning', 'AWNING'), reference('pole', 'POLE', 2))
const poles = plain(reference('pole', 'POLE'))

tap.test('counts a component that kits share once', async (t) => {
  const lines = [line('TENT-KIT', 2, tentKit), line('AWNING-KIT', 3, awningKit)]
  t.strictSame(check(lines, have({ tent: 5, awning: 5, pole: 14 })), {
    fulfillable: true,
    lines: [
      { sku: 'TENT-KIT', requested: 2, available: 3, fulfillable: true },
      { sku: 'AWNING-KIT', requested: 3, available: 5, fulfillable: true },
    ],
    shortages: [],
    complete: true,
    issues: [],
  })
  t.strictSame(check(lines, have({ tent: 5, awning: 5, pole: 13 })), {
    fulfillable: false,
    lines: [
      { sku: 'TENT-KIT', requested: 2, available: 3, fulfillable: true },
      { sku: 'AWNING-KIT', requested: 3, available: 5, fulfillable: true },
    ],
    shortages: [{ inventory_item_ids: ['pole'], sku: 'POLE', required: 14, available: 13, shortfall: 1 }],
    complete: true,
    issues: [],
  })
})

tap.test('shares one item between a kit and a plain product', async (t) => {
  const lines = [line('TENT-KIT', 2, tentKit), line('POLE', 3, poles)]
  t.ok(check(lines, have({ tent: 2, pole: 11 })).fulfillable)
  t.strictSame(check(lines, have({ tent: 1, pole: 10 })).shortages, [
    { inventory_item_ids: ['tent'], sku: 'TENT', required: 2, available: 1, shortfall: 1 },
    { inventory_item_ids: ['pole'], sku: 'POLE', required: 11, available: 10, shortfall: 1 },
  ])
})

tap.test('finds an allocation of interchangeable items where a greedy choice fails', async (t) => {
  const either = plain(reference('red', 'RED'), reference('blue', 'BLUE'))
  const red = plain(reference('red', 'RED'))
  const warm = plain(reference('blue', 'BLUE'), reference('green', 'GREEN'))
  const lines = [line('ANY', 5, either), line('RED', 3, red), line('WARM', 4, warm)]
  t.ok(check(lines, have({ red: 4, blue: 5, green: 3 })).fulfillable)
  t.strictSame(check(lines, have({ red: 4, blue: 5, green: 2 })).shortages, [
    { inventory_item_ids: ['red', 'blue', 'green'], sku: null, required: 12, available: 11, shortfall: 1 },
  ])
  t.strictSame(
    check(lines, have({ red: 2, blue: 5, green: 9 })).shortages,
    [{ inventory_item_ids: ['red'], sku: 'RED', required: 3, available: 2, shortfall: 1 }],
    'names only the limiting items',
  )
})

tap.test('deducts an oversold quantity from interchangeable items once', async (t) => {
  const pair = plain(reference('old', 'BOOT'), reference('new', 'BOOT'))
  const boots = kit(reference('old', 'BOOT'), reference('new', 'BOOT'), reference('lace', 'LACE'))
  const amounts = { old: -3, new: 10, lace: 9 }
  t.ok(check([line('PAIR', 7, pair)], have(amounts)).fulfillable)
  t.notOk(check([line('PAIR', 8, pair)], have(amounts)).fulfillable)
  t.ok(check([line('PAIR', 4, pair), line('BOOTS', 3, boots)], have(amounts)).fulfillable)
  t.strictSame(check([line('PAIR', 4, pair), line('BOOTS', 4, boots)], have(amounts)).shortages, [
    { inventory_item_ids: ['old', 'new'], sku: 'BOOT', required: 8, available: 7, shortfall: 1 },
  ])
})

tap.test('meets all demands whichever of them pays a shared debt', async (t) => {
  const left = plain(reference('old'), reference('a'))
  const right = plain(reference('old'), reference('b'))
  const all = plain(reference('old'), reference('a'), reference('b'))
  const both = (l: number, r: number) => [line('L', l, left), line('R', r, right)]
  const amounts = have({ old: -5, a: 10, b: 10 })
  t.ok(check(both(5, 5), amounts).fulfillable)
  t.strictSame(
    check(both(7, 1), amounts).shortages,
    [{ inventory_item_ids: ['old', 'a'], sku: null, required: 7, available: 5, shortfall: 2 }],
    'no line gets more in a basket than alone',
  )
  t.ok(check([...both(5, 5), line('ALL', 5, all)], amounts).fulfillable)
  t.strictSame(check([...both(5, 5), line('ALL', 6, all)], amounts).shortages, [
    { inventory_item_ids: ['old', 'a', 'b'], sku: null, required: 16, available: 15, shortfall: 1 },
  ])
})
tap.test('is undecided if there are too many choices of payers', async (t) => {
  const ids = Array.from({ length: 40 }, (_, index) => `${index}`)
  const lines = ids.flatMap((id) => [
    line(`A${id}`, 5, plain(reference(id), reference('a'), reference('c'))),
    line(`B${id}`, 5, plain(reference(id), reference('b'), reference('c'))),
  ])
  const debts = Object.fromEntries(ids.map((id) => [id, -1]))
  const checked = (c: number) => check(lines, have({ a: 200, b: 200, c, ...debts }))
  t.match(checked(80), { fulfillable: true, complete: true }, 'any of them could pay all debts')
  t.match(checked(79), { fulfillable: false, complete: false, shortages: [] })
  t.match(checked(39), { fulfillable: false, complete: true, shortages: [{ required: 200, available: 199 }] })
})

tap.test('applies unit quantities, with exact fractions', async (t) => {
  const tenths = plain(reference('a', 'A', 0.1))
  const fifths = plain(reference('a', 'A', 0.2))
  t.ok(check([line('T', 1, tenths), line('F', 1, fifths)], have({ a: 0.3 })).fulfillable)
  t.strictSame(check([line('T', 2, tenths), line('F', 1, fifths)], have({ a: 0.3 })).shortages, [
    { inventory_item_ids: ['a'], sku: 'A', required: 0.4, available: 0.3, shortfall: 0.1 },
  ])
  const half = (other: string) => plain(reference('a'), reference(other))
  t.ok(
    check([line('L', 1, half('l')), line('R', 1, half('r'))], have({ a: 1, l: 0.5, r: 0.5 })).fulfillable,
    'equal unit quantities may be divided',
  )
})

const sixPack = plain(reference('six', 'SIX', 1), reference('single', 'SINGLE', 6))
const single = plain(reference('single', 'SINGLE', 1))

tap.test('decides on a product that needs its items in different numbers', async (t) => {
  const lines = [line('SIX', 3, sixPack), line('SINGLE', 4, single)]
  t.strictSame(check(lines, have({ six: 2, single: 10 })).fulfillable, true)
  t.strictSame(check(lines, have({ six: 2, single: 9 })), {
    fulfillable: false,
    lines: [
      { sku: 'SIX', requested: 3, available: 3, fulfillable: true },
      { sku: 'SINGLE', requested: 4, available: 9, fulfillable: true },
    ],
    shortages: [{ inventory_item_ids: ['six', 'single'], sku: null, required: 12, available: 11, shortfall: 1 }],
    complete: true,
    issues: [],
  })
})

tap.test('keeps units whole if items are needed in different numbers', async (t) => {
  const triple = (other: string) => plain(reference('a', 'A', 2), reference(other, 'B', 4))
  const lines = [line('L', 1, triple('b')), line('R', 1, triple('c'))]
  t.ok(check(lines, have({ a: 3, b: 0, c: 2 })).fulfillable)
  t.strictSame(check(lines, have({ a: 3, b: 1, c: 1 })), {
    fulfillable: false,
    lines: [
      { sku: 'L', requested: 1, available: 1, fulfillable: true },
      { sku: 'R', requested: 1, available: 1, fulfillable: true },
    ],
    shortages: [{ inventory_item_ids: ['a', 'b', 'c'], sku: null, required: 6, available: 5, shortfall: 1 }],
    complete: true,
    issues: [],
  })
})

tap.test('is undecided if the search exceeds its budget', async (t) => {
  const lines = [line('SIX', 3, sixPack), line('SINGLE', 4, single)]
  const stocked = have({ six: 2, single: 10 })
  t.match(check(lines, stocked, {}, 0), { fulfillable: true, complete: true }, 'solved without a search')
  const either = [
    line('L', 2, plain(reference('a', 'A'), reference('b', 'B', 2))),
    line('R', 2, plain(reference('a', 'A'), reference('b', 'B', 3))),
  ]
  const amounts = { a: 2, b: 4 }
  t.match(check(either, have(amounts)), { fulfillable: true, complete: true }, 'R needs all of a')
  const undecided = { fulfillable: false, complete: false, shortages: [], issues: [] }
  t.match(check(either, have(amounts), {}, 10), undecided)
  t.match(
    check([...either, line('SINGLE', 4, single)], have({ ...amounts, single: 1 }), {}, 10),
    { ...undecided, shortages: [{ inventory_item_ids: ['single'], shortfall: 3 }] },
    'other shortages are reported',
  )
  t.match(
    check(either, have({ a: 1, b: 2 }), {}, 10),
    { fulfillable: false, complete: true, shortages: [{ inventory_item_ids: ['a', 'b'], shortfall: 1 }] },
    'so is everything that the bounds exclude',
  )
})

tap.test('adds up the lines of one SKU', async (t) => {
  const lines = [line('TENT-KIT', 2, tentKit), line('TENT-KIT', 1, tentKit)]
  t.ok(check(lines, have({ tent: 3, pole: 12 })).fulfillable)
  t.match(check(lines, have({ tent: 3, pole: 11 })), {
    fulfillable: false,
    lines: [
      { requested: 2, available: 2, fulfillable: true },
      { requested: 1, available: 2, fulfillable: true },
    ],
    shortages: [{ inventory_item_ids: ['pole'], sku: 'POLE', required: 12, available: 11, shortfall: 1 }],
  })
})

tap.test('pools the selected warehouses', async (t) => {
  const spread = item('pole', {
    fulfillable: 12,
    inventory_by_warehouse_id: { wh_a: { fulfillable: 5 }, wh_b: { fulfillable: 4 }, wh_c: { fulfillable: 3 } },
  })
  const items = [...have({ tent: 9 }), spread]
  const lines = [line('TENT-KIT', 2, tentKit), line('POLE', 1, poles)]
  t.ok(check(lines, items, { warehouseIds: ['wh_a', 'wh_b'] }).fulfillable)
  t.ok(check(lines, items, { warehouseIds: [] }).fulfillable)
  t.match(check(lines, items, { warehouseIds: ['wh_a', 'wh_c'] }), {
    fulfillable: false,
    lines: [{ available: 2 }, { available: 8 }],
    shortages: [{ inventory_item_ids: ['pole'], required: 9, available: 8, shortfall: 1 }],
    complete: true,
  })
  const known = { warehouseIds: ['wh_b', 'wh_x'], warehouses: warehouseList({ id: 'wh_x' }) }
  t.match(check(lines, items, known), {
    fulfillable: false,
    lines: [{ available: 0 }, { available: 4 }],
    complete: true,
  })
  t.match(check(lines, items, { warehouseIds: ['wh_x'] }), {
    complete: false,
    issues: [{ code: 'warehouse_unknown' }],
  })
})

tap.test('reports each issue in the data of the lines once', async (t) => {
  const broken = kit(reference('pole', 'POLE', 4), reference('gone', 'GONE'), reference('tent', 'TENT', 0))
  const result = check(
    [line('BROKEN', 1, broken), line('LESS', 1, plain(reference('gone'))), line('NONE', 3, { id: 'prod_2' })],
    [item('pole', { onhand: 3, fulfillable: 3, inventory_by_warehouse_id: { wh_a: { onhand: 4, fulfillable: 3 } } })],
    { syncIncomplete: ['inventory'] },
  )
  t.strictSame(
    result.issues.map((issue) => [issue.code, issue.inventory_item_id]),
    [
      ['invalid_unit_quantity', 'tent'],
      ['warehouse_breakdown_mismatch', 'pole'],
      ['inventory_item_missing', 'gone'],
      ['upstream_sync_incomplete', null],
      ['no_inventory_items', null],
    ],
  )
  t.equal(result.complete, false)
  t.strictSame(result.shortages, [
    { inventory_item_ids: [], sku: 'NONE', required: 3, available: 0, shortfall: 3 },
    { inventory_item_ids: ['pole'], sku: 'POLE', required: 4, available: 3, shortfall: 1 },
    { inventory_item_ids: ['gone'], sku: null, required: 2, available: 0, shortfall: 2 },
  ])
})

const codesOf = (result: BasketResult) => result.issues.map((issue) => issue.code)

tap.test('is complete if its issues affect no number', async (t) => {
  const result = check(
    [line('POLE', 1, poles), line('TENT-KIT', 1, tentKit)],
    [item('pole', { fulfillable: 9 }), ...have({ tent: 1 })],
  )
  t.match(result, { fulfillable: true, complete: true })
  t.strictSame(codesOf(result), ['warehouse_breakdown_missing'])
})

tap.test('counts beyond the precision of doubles', async (t) => {
  const large = Number.MAX_SAFE_INTEGER
  const lines = [line('A', large, plain(reference('a'))), line('A', 1, plain(reference('a')))]
  t.match(check(lines, have({ a: large })), { fulfillable: false, shortages: [{ shortfall: 1 }] })
  t.match(check(lines, have({ a: large + 1 })), { fulfillable: true })
})

tap.test('decides the largest basket', async (t) => {
  const parts = Array.from({ length: 300 }, (_, index) => index)
  const lines = parts
    .slice(0, 200)
    .map((index) =>
      line(
        `KIT-${index}`,
        2,
        kit(
          ...parts
            .slice(0, 100)
            .flatMap((part) => [
              reference(`part_${(index + part) % 300}`, `P${part}`),
              reference(`part_${(index + part + 7) % 300}`, `P${part}`),
            ]),
        ),
      ),
    )
  const stocked = (amount: number) => have(Object.fromEntries(parts.map((part) => [`part_${part}`, amount])))
  t.match(check(lines, stocked(400)), { fulfillable: true, complete: true, shortages: [] })
  t.match(check(lines, stocked(2)), { fulfillable: false, complete: true })
  const mixed = lines.map(({ sku, product }, index) =>
    line(
      sku,
      2,
      plain(
        ...(product.inventory_items ?? []).map(({ inventory_item_id: id }, at) =>
          reference(id, 'P', 1 + ((index + at) % 5)),
        ),
      ),
    ),
  )
  t.match(check(mixed, stocked(100)), { fulfillable: true, complete: true })
  t.match(check(mixed, stocked(3)), { fulfillable: true, complete: true })
  t.match(check(mixed, stocked(1)), { fulfillable: false, complete: true })
})

const ids = ['a', 'b', 'c', 'd']

/** A product of up to two groups. If `isUniform`, all items of a group have the same unit quantity. */
const products = (isUniform: boolean): fc.Arbitrary<Product> => {
  const units = fc.integer({ min: 1, max: 3 })
  return fc
    .record({
      isKit: fc.boolean(),
      refs: fc.uniqueArray(fc.record({ id: fc.constantFrom(...ids), sku: fc.constantFrom('X', 'Y'), units }), {
        selector: (ref) => ref.id,
        minLength: 1,
        maxLength: 3,
      }),
      same: fc.record({ X: units, Y: units }),
    })
    .map(({ isKit, refs, same }) => {
      const unitsOf = (ref: (typeof refs)[number]) =>
        isUniform ? same[isKit ? (ref.sku === 'X' ? 'X' : 'Y') : 'X'] : ref.units
      return (isKit ? kit : plain)(...refs.map((ref) => reference(ref.id, ref.sku, unitsOf(ref))))
    })
}

interface Basket {
  readonly lines: readonly ReturnType<typeof line>[]
  readonly amounts: Readonly<Record<string, number>>
}
const baskets = (isUniform: boolean, min: number, max: number, maxLines = 3): fc.Arbitrary<Basket> => {
  const amount = fc.integer({ min, max })
  return fc.record({
    lines: fc.array(
      fc.record({ sku: fc.constant('SKU'), quantity: fc.integer({ min: 1, max: 3 }), product: products(isUniform) }),
      {
        minLength: 1,
        maxLength: maxLines,
      },
    ),
    amounts: fc.record({ a: amount, b: amount, c: amount, d: amount }),
  })
}
const anyBasket = (min: number) => fc.oneof(baskets(true, min, 9), baskets(false, min, 9))
const checked = ({ lines, amounts }: Basket) => check(lines, have(amounts))
const summary = ({ fulfillable, complete, shortages }: BasketResult) => ({
  fulfillable,
  complete,
  lack: shortages.reduce((sum, { shortfall }) => sum + shortfall, 0),
})

/** The demand of each group, equal groups merged: units of each item for one of `quantity`. */
function demandsOf(lines: readonly BasketLine[]) {
  const demands = new Map<string, { units: Map<string, number>; quantity: number }>()
  for (const { product, quantity } of lines) {
    for (const { components } of resolveComponents(product, new Map()).groups) {
      const parts = components.map(({ inventoryItemId, units }): [string, number] => [inventoryItemId, toNumber(units)])
      const key = `${parts.toSorted()}`
      demands.set(key, { units: new Map(parts), quantity: quantity + (demands.get(key)?.quantity ?? 0) })
    }
  }
  return [...demands.values()]
}

const subsets = <T>(list: readonly T[]): T[][] =>
  list.reduce<T[][]>((found, one) => found.concat(found.map((subset) => [...subset, one])), [[]])

tap.test('agrees with comparing needs and supplies for every set of groups with equal unit quantities', async () => {
  const isSufficient = ({ lines, amounts }: Basket) =>
    subsets(demandsOf(lines)).every((subset) => {
      const items = new Set(subset.flatMap(({ units }) => [...units.keys()]))
      const needed = subset.reduce((sum, { units, quantity }) => sum + quantity * ([...units.values()][0] ?? 0), 0)
      return needed <= [...items].reduce((sum, id) => sum + (amounts[id] ?? 0), 0)
    })
  fc.assert(
    fc.property(fc.oneof(baskets(true, -3, 9), baskets(true, 0, 12, 5)), (basket) => {
      const { fulfillable, complete, shortages } = checked(basket)
      return complete && fulfillable === isSufficient(basket) && fulfillable === (shortages.length === 0)
    }),
    { numRuns: 2000 },
  )
})

/** Whether some allocation of whole units meets every demand, by trying all; needs are in twelfths of a product. */
function assignable(
  needs: readonly number[],
  demands: ReturnType<typeof demandsOf>,
  supplies: readonly [string, number][],
): boolean {
  const [supply, ...others] = supplies
  if (supply === undefined) return needs.every((need) => need <= 0)
  const [id, amount] = supply
  const giveTo = (left: number, to: number, rest: readonly number[]): boolean => {
    if (to === demands.length) return assignable(rest, demands, others)
    const units = demands[to]?.units.get(id)
    if (units === undefined || (rest[to] ?? 0) <= 0) return giveTo(left, to + 1, rest)
    for (let given = left; given >= 0; given -= 1) {
      if (giveTo(left - given, to + 1, rest.with(to, (rest[to] ?? 0) - (given * 12) / units))) return true
    }
    return false
  }
  return giveTo(amount, 0, needs)
}

/** Whether every choice of payers leaves an allocation of whole units. */
function fulfillableByTrying({ lines, amounts }: Basket): boolean {
  const demands = demandsOf(lines)
  const supplies = Object.entries(amounts).filter(([, amount]) => amount > 0)
  const debts = Object.entries(amounts).filter(
    ([id, amount]) => amount < 0 && demands.some(({ units }) => units.has(id)),
  )
  const pay = (needs: readonly number[], [debt, ...others]: readonly [string, number][]): boolean => {
    if (debt === undefined) return assignable(needs, demands, supplies)
    const [id, amount] = debt
    return demands.every(({ units }, payer) => {
      const each = units.get(id)
      return each === undefined || pay(needs.with(payer, (needs[payer] ?? 0) - (amount * 12) / each), others)
    })
  }
  return pay(
    demands.map(({ quantity }) => quantity * 12),
    debts,
  )
}

tap.test('agrees with an exhaustive search in whole units', async () => {
  fc.assert(
    fc.property(fc.oneof(baskets(false, 0, 5), baskets(false, -2, 5), baskets(true, -2, 6)), (basket) => {
      const { fulfillable, complete, shortages } = checked(basket)
      return complete && fulfillable === fulfillableByTrying(basket) && fulfillable === (shortages.length === 0)
    }),
    { numRuns: 3000 },
  )
})

tap.test('gives the same result with all quantities in tenths', async (t) => {
  const tenth = ({ lines, amounts }: Basket): Basket => ({
    lines: lines.map((one) => ({
      ...one,
      product: {
        ...one.product,
        inventory_items: (one.product.inventory_items ?? []).map((listed) => ({
          ...listed,
          unit_quantity: Number(listed.unit_quantity) / 10,
        })),
      },
    })),
    amounts: Object.fromEntries(Object.entries(amounts).map(([id, amount]) => [id, amount / 10])),
  })
  fc.assert(
    fc.property(anyBasket(-3), (basket) => {
      t.equal(checked(tenth(basket)).fulfillable, checked(basket).fulfillable)
    }),
  )
})

tap.test('agrees with the stock of the product for a single line', async (t) => {
  const amount = fc.oneof(
    fc.integer({ min: -4, max: 20 }),
    fc.integer({ min: -8, max: 40 }).map((half) => half / 2),
  )
  const amounts = fc.record({ a: amount, b: amount, c: amount, d: amount })
  fc.assert(
    fc.property(
      fc.oneof(products(true), products(false)),
      amounts,
      fc.integer({ min: 1, max: 9 }),
      (product, amounts, quantity) => {
        const { available, complete, issues } = compose(product, have(amounts))
        const result = check([line('SKU', quantity, product)], have(amounts))
        const fulfillable = available >= quantity
        t.match(result, { fulfillable, complete, lines: [{ sku: 'SKU', requested: quantity, available, fulfillable }] })
        t.strictSame(result.issues, issues)
        t.equal(result.shortages.length === 0, fulfillable)
      },
    ),
    { numRuns: 500 },
  )
})

tap.test('does not depend on the order of the lines', async (t) => {
  fc.assert(
    fc.property(anyBasket(-3), (basket) => {
      t.strictSame(summary(checked({ ...basket, lines: basket.lines.toReversed() })), summary(checked(basket)))
    }),
    { numRuns: 500 },
  )
})

tap.test('treats a line as the sum of its parts', async (t) => {
  fc.assert(
    fc.property(anyBasket(-3), (basket) => {
      const lines = basket.lines.flatMap((one) => Array.from({ length: one.quantity }, () => ({ ...one, quantity: 1 })))
      t.strictSame(summary(checked({ ...basket, lines })), summary(checked(basket)))
    }),
    { numRuns: 500 },
  )
})

tap.test('stays fulfillable with more stock', async () => {
  fc.assert(
    fc.property(anyBasket(-3), fc.constantFrom(...ids), fc.integer({ min: 1, max: 5 }), (basket, id, more) => {
      const amounts = { ...basket.amounts, [id]: (basket.amounts[id] ?? 0) + more }
      return !checked(basket).fulfillable || checked({ ...basket, amounts }).fulfillable
    }),
    { numRuns: 500 },
  )
})

tap.test('is fulfillable only if each line and each smaller basket is', async () => {
  fc.assert(
    fc.property(anyBasket(-3), (basket) => {
      const { fulfillable, lines } = checked(basket)
      if (!fulfillable) return true
      const smaller = basket.lines.map((_, left) => basket.lines.filter((_, index) => index !== left))
      return (
        lines.every((one) => one.fulfillable) && smaller.every((lines) => checked({ ...basket, lines }).fulfillable)
      )
    }),
    { numRuns: 500 },
  )
})

tap.test('names exactly the items of which one more unit reduces the shortfall by one', async (t) => {
  fc.assert(
    fc.property(baskets(true, 0, 9, 4), (basket) => {
      const { shortages } = checked(basket)
      const { lack } = summary(checked(basket))
      const named = shortages.flatMap((shortage) => shortage.inventory_item_ids)
      t.equal(new Set(named).size, named.length, 'no item is named twice')
      for (const { required, available, shortfall } of shortages)
        t.ok(shortfall > 0 && shortfall === required - available)
      for (const id of ids) {
        const more = checked({ ...basket, amounts: { ...basket.amounts, [id]: (basket.amounts[id] ?? 0) + 1 } })
        t.equal(summary(more).lack, named.includes(id) ? lack - 1 : lack)
      }
    }),
    { numRuns: 500 },
  )
})
