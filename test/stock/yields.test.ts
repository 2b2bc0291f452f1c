import t from 'tap'
import type { ItemQuantities } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'
import { resolveComponents } from '../../src/stock/components.js'
import { noAmounts, toAmounts, toQuantities } from '../../src/stock/quantities.js'
import { toNumber } from '../../src/stock/rational.js'
import { findLimiting, groupYield, productAmounts } from '../../src/stock/yields.js'
import { kit, plain, quantities, reference } from './fixtures.js'

const amountsOf = (amounts: Record<string, ItemQuantities>) => (id: string) =>
  amounts[id] === undefined ? noAmounts : toAmounts(amounts[id], true)
const yields = (product: Product, amounts: Record<string, ItemQuantities>) =>
  toQuantities(
    productAmounts(resolveComponents(product, new Map()).groups, product.is_kit === true, amountsOf(amounts)),
  )

const full = { onhand: 52, committed: 9, unfulfillable: 2, fulfillable: 41, sellable: 40, awaiting: 20 }

t.test('sums the items of a plain product, for each quantity', async (t) => {
  t.strictSame(yields(plain(reference('a')), { a: full }), full)
  t.strictSame(yields(plain(reference('a'), reference('b')), { a: full, b: full }), {
    onhand: 104,
    committed: 18,
    unfulfillable: 4,
    fulfillable: 82,
    sellable: 80,
    awaiting: 40,
  })
})

t.test('rounds once, after the sum, towards minus infinity', async (t) => {
  const product = plain(reference('a', 'A', 2), reference('b', 'B', 2))
  t.strictSame(
    yields(product, { a: { fulfillable: 3, awaiting: -1 }, b: { fulfillable: 3, awaiting: -2 } }),
    quantities({ fulfillable: 3, awaiting: -2 }),
  )
})

t.test('adds interchangeable items with different unit quantities as exact fractions', async (t) => {
  const thirds = plain(reference('a', 'A', 3), reference('b', 'B', 3.5), reference('c', 'C', 7))
  t.equal(yields(thirds, { a: { fulfillable: 2 }, b: { fulfillable: 0.5 }, c: { fulfillable: 4 } }).fulfillable, 1)
  const sixths = plain(reference('a', 'A', 2), reference('b', 'B', 3), reference('c', 'C', 6))
  t.equal(yields(sixths, { a: { fulfillable: 1 }, b: { fulfillable: 1 }, c: { fulfillable: 1 } }).fulfillable, 1)
})

t.test('treats fractions as decimals', async (t) => {
  t.equal(yields(plain(reference('a', 'A', 0.1)), { a: { fulfillable: 3 } }).fulfillable, 30)
  t.equal(
    yields(plain(reference('a', 'A', 0.3), reference('b', 'B', 0.3)), {
      a: { fulfillable: 0.1 },
      b: { fulfillable: 0.2 },
    }).fulfillable,
    1,
  )
})

t.test('builds as many kits as the scarcest component allows', async (t) => {
  const product = kit(reference('pole', 'POLE', 4), reference('tent', 'TENT'))
  t.strictSame(
    yields(product, {
      pole: { fulfillable: 11, sellable: 40, onhand: 12, committed: 1, unfulfillable: 1 },
      tent: { fulfillable: 9, sellable: 8, onhand: 9, committed: 1, unfulfillable: 1 },
    }),
    quantities({ fulfillable: 2, sellable: 8, onhand: 3, awaiting: 0 }),
  )
})

t.test('counts as awaiting the additional kits that can be built', async (t) => {
  const product = kit(reference('pole', 'POLE', 4), reference('tent', 'TENT'))
  const awaiting = (pole: ItemQuantities, tent: ItemQuantities) => yields(product, { pole, tent }).awaiting
  t.equal(awaiting({ fulfillable: 8, awaiting: 8 }, { fulfillable: 3, awaiting: 5 }), 2)
  t.equal(awaiting({ fulfillable: 8, awaiting: 8 }, { fulfillable: 3 }), 1, 'an unstated awaiting quantity is 0')
  t.equal(awaiting({ fulfillable: -8, awaiting: 4 }, { fulfillable: 3 }), 0, 'an oversold kit stays at 0')
  t.equal(awaiting({ fulfillable: -8, awaiting: 12 }, { fulfillable: 3 }), 1)
  t.equal(awaiting({ fulfillable: 8, awaiting: -4 }, { fulfillable: 3 }), -1)
  t.equal(awaiting({ fulfillable: 8 }, { fulfillable: 3 }), 0)
})

t.test('leaves a quantity null if no item of a group states it', async (t) => {
  const product = kit(reference('pole', 'POLE'), reference('pole_2', 'POLE'), reference('tent', 'TENT'))
  const stated = { fulfillable: 5, onhand: 5, sellable: 4 }
  t.strictSame(
    yields(product, { pole: stated, tent: { fulfillable: 3, onhand: 3 } }).onhand,
    3,
    'one item of a group is enough',
  )
  t.strictSame(yields(product, { pole: stated, tent: { fulfillable: 3, onhand: 3 } }).sellable, null)
  t.strictSame(yields(product, { pole: stated }).onhand, null)
  t.strictSame(yields(product, { tent: stated }).onhand, null)
  t.strictSame(yields(product, { pole: stated }).fulfillable, 0, 'fulfillable counts 0 instead')
  t.strictSame(yields(plain(reference('a')), {}), quantities())
})

t.test('gives 0 without groups', async (t) => {
  t.strictSame(yields(plain(), {}), {
    onhand: 0,
    committed: 0,
    unfulfillable: 0,
    fulfillable: 0,
    sellable: 0,
    awaiting: 0,
  })
  t.strictSame(yields(kit(), {}), quantities({ onhand: 0, sellable: 0, awaiting: 0 }))
})

t.test('keeps negative quantities, and limits excessive ones', async (t) => {
  t.equal(yields(kit(reference('a', 'A', 2), reference('b')), { a: { fulfillable: -3 } }).fulfillable, -2)
  t.equal(
    yields(plain(reference('a', 'A', 5e-324)), { a: { fulfillable: 1e300 } }).fulfillable,
    Number.MAX_SAFE_INTEGER,
  )
})

t.test('computes the yield of one group', async (t) => {
  const [group] = resolveComponents(kit(reference('a', 'A', 2), reference('b', 'A', 4)), new Map()).groups
  t.ok(group)
  if (group !== undefined) {
    t.equal(toNumber(groupYield(group, amountsOf({ a: { fulfillable: 3 }, b: { fulfillable: 2 } }))), 2)
  }
})

const limiting = (product: Product, fulfillable: Record<string, number>) =>
  findLimiting(resolveComponents(product, new Map()).groups, (id) => ({
    ...noAmounts,
    fulfillable: fulfillable[id] ?? 0,
  }))

t.test('names the limiting component, its items and its shortfall', async (t) => {
  const product = kit(reference('tent'), reference('pole_1', 'POLE', 4), reference('pole_2', 'POLE', 4))
  t.strictSame(limiting(product, { tent: 9, pole_1: 5, pole_2: 6 }), {
    component_sku: 'POLE',
    inventory_item_ids: ['pole_1', 'pole_2'],
    yield: 2,
    shortfall: 1,
  })
  t.match(limiting(product, { tent: 2, pole_1: 50 }), { component_sku: null, yield: 2, shortfall: 1 })
})

t.test('names the first of equally scarce components', async (t) => {
  const product = kit(reference('a', 'A', 2), reference('b', 'B', 3))
  t.match(limiting(product, { a: 3, b: 4 }), { component_sku: 'A', yield: 1, shortfall: 1 })
  t.match(limiting(product, { a: 5, b: 8 }), { component_sku: 'A', yield: 2 })
  t.match(limiting(product, { a: 6, b: 8 }), { component_sku: 'B', yield: 2, shortfall: 1 })
})

t.test('counts the shortfall of an oversold component up to one kit', async (t) => {
  t.match(limiting(kit(reference('a', 'A', 2)), { a: -7 }), { yield: -4, shortfall: 9 })
  t.match(limiting(kit(reference('a', 'A', 2)), {}), { yield: 0, shortfall: 2 })
})

t.test('rounds the shortfall up to whole units', async (t) => {
  t.match(limiting(kit(reference('a', 'A', 0.3)), { a: 0.1 }), { yield: 0, shortfall: 1 })
  t.match(limiting(kit(reference('a', 'A', 2.5)), { a: 2 }), { yield: 0, shortfall: 1 })
  t.match(limiting(kit(reference('a', 'A', 2.5)), { a: 2.5 }), { yield: 1, shortfall: 3 })
})

t.test('counts the shortfall in units of the item with the smallest unit quantity', async (t) => {
  const product = kit(reference('big', 'A', 3), reference('small', 'A', 2))
  t.match(limiting(product, { big: 1, small: 1 }), { yield: 0, shortfall: 1 })
  t.match(limiting(product, { big: 1 }), { yield: 0, shortfall: 2 })
  t.match(limiting(product, { big: 3, small: 2 }), { yield: 2, shortfall: 2 })
})

t.test('has no limiting component without groups', async (t) => {
  t.equal(limiting(kit(), {}), null)
  t.equal(limiting(kit(reference('a', 'A', 0)), { a: 9 }), null)
})
