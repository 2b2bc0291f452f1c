import t from 'tap'
import type { ItemQuantities } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'
import { resolveComponents } from '../../src/stock/components.js'
import { noAmounts, toAmounts, toQuantities } from '../../src/stock/quantities.js'
import { toNumber } from '../../src/stock/rational.js'
import { groupYield, productAmounts } from '../../src/stock/yields.js'
import { kit, plain, quantities, reference } from './fixtures.js'

const giveOf = (amounts: Record<string, ItemQuantities>) => (id: string) =>
  amounts[id] === undefined ? noAmounts : toAmounts(amounts[id], true)
const yields = (product: Product, amounts: Record<string, ItemQuantities>) =>
  toQuantities(productAmounts(resolveComponents(product, new Map()).groups, product.is_kit === true, giveOf(amounts)))

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

t.test('sums stand-ins of which different numbers are needed, as exact fractions', async (t) => {
  const thirds = plain(reference('a', 'A', 3), reference('b', 'B', 3.5), reference('c', 'C', 7))
  t.equal(yields(thirds, { a: { fulfillable: 2 }, b: { fulfillable: 0.5 }, c: { fulfillable: 4 } }).fulfillable, 1)
  const sixths = plain(reference('a', 'A', 2), reference('b', 'B', 3), reference('c', 'C', 6))
  t.equal(yields(sixths, { a: { fulfillable: 1 }, b: { fulfillable: 1 }, c: { fulfillable: 1 } }).fulfillable, 1)
})

t.test('takes fractional numbers for the decimals they are', async (t) => {
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

t.test('counts for a kit awaited what more could be built of it', async (t) => {
  const product = kit(reference('pole', 'POLE', 4), reference('tent', 'TENT'))
  const awaiting = (pole: ItemQuantities, tent: ItemQuantities) => yields(product, { pole, tent }).awaiting
  t.equal(awaiting({ fulfillable: 8, awaiting: 8 }, { fulfillable: 3, awaiting: 5 }), 2)
  t.equal(awaiting({ fulfillable: 8, awaiting: 8 }, { fulfillable: 3 }), 1, 'unstated awaiting is 0')
  t.equal(awaiting({ fulfillable: -8, awaiting: 4 }, { fulfillable: 3 }), 0, 'an oversold kit stays at 0')
  t.equal(awaiting({ fulfillable: -8, awaiting: 12 }, { fulfillable: 3 }), 1)
  t.equal(awaiting({ fulfillable: 8, awaiting: -4 }, { fulfillable: 3 }), -1)
  t.equal(awaiting({ fulfillable: 8 }, { fulfillable: 3 }), 0)
})

t.test('leaves a quantity null that a group has no item to state', async (t) => {
  const product = kit(reference('pole', 'POLE'), reference('pole_2', 'POLE'), reference('tent', 'TENT'))
  const stated = { fulfillable: 5, onhand: 5, sellable: 4 }
  t.strictSame(
    yields(product, { pole: stated, tent: { fulfillable: 3, onhand: 3 } }).onhand,
    3,
    'one item of a group will do',
  )
  t.strictSame(yields(product, { pole: stated, tent: { fulfillable: 3, onhand: 3 } }).sellable, null)
  t.strictSame(yields(product, { pole: stated }).onhand, null)
  t.strictSame(yields(product, { tent: stated }).onhand, null)
  t.strictSame(yields(product, { pole: stated }).fulfillable, 0, 'fulfillable counts 0 instead')
  t.strictSame(yields(plain(reference('a')), {}), quantities())
})

t.test('gives 0 without any group', async (t) => {
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

t.test('passes on what is oversold, and what exceeds all bounds at its bound', async (t) => {
  t.equal(yields(kit(reference('a', 'A', 2), reference('b')), { a: { fulfillable: -3 } }).fulfillable, -2)
  t.equal(
    yields(plain(reference('a', 'A', 5e-324)), { a: { fulfillable: 1e300 } }).fulfillable,
    Number.MAX_SAFE_INTEGER,
  )
})

t.test('tells the yield of one group', async (t) => {
  const [group] = resolveComponents(kit(reference('a', 'A', 2), reference('b', 'A', 4)), new Map()).groups
  t.ok(group)
  if (group !== undefined) {
    t.equal(toNumber(groupYield(group, giveOf({ a: { fulfillable: 3 }, b: { fulfillable: 2 } }))), 2)
  }
})
