import tap from 'tap'
import {
  connectedParts,
  greatestDivisor,
  hasEqualWeights,
  leastMultiple,
  mergeDemands,
  reduced,
  toPools,
} from '../../src/basket/demands.js'
import { runToEnd } from '../../src/steps.js'
import { resolveComponents } from '../../src/stock/components.js'
import { kit, plain, reference } from '../stock/fixtures.js'

const groupsOf = (...products: ReturnType<typeof plain>[]) =>
  products.flatMap((product, index) =>
    resolveComponents(product, new Map()).groups.map((group) => ({ group, quantity: index + 1 })),
  )

tap.test('merges equal groups and orders them by their items', async (t) => {
  const products = [
    plain(reference('b', 'B', 0.3), reference('a', 'A', 2)),
    kit(reference('a', 'X', 2), reference('b', 'X', 0.3), reference('a2', 'Y')),
    kit(reference('c', 'C', 0.1), reference('c', 'C', 0.2)),
    plain(reference('c', 'D', 0.3)),
  ]
  const demands = runToEnd(mergeDemands(groupsOf(...products)))
  t.strictSame(demands, [
    {
      members: [
        { inventoryItemId: 'a', units: { numerator: 2n, denominator: 1n } },
        { inventoryItemId: 'b', units: { numerator: 3n, denominator: 10n } },
      ],
      quantity: 3n,
      skus: new Set(['B', 'A', 'X']),
    },
    {
      members: [{ inventoryItemId: 'a2', units: { numerator: 1n, denominator: 1n } }],
      quantity: 2n,
      skus: new Set(['Y']),
    },
    {
      members: [{ inventoryItemId: 'c', units: { numerator: 3n, denominator: 10n } }],
      quantity: 7n,
      skus: new Set(['C', 'D']),
    },
  ])
  const members = (all: typeof demands) => all.map((demand) => demand.members)
  t.strictSame(members(runToEnd(mergeDemands(groupsOf(...products.toReversed())))), members(demands))
})

tap.test('keeps groups with different items or unit quantities apart', async (t) => {
  t.equal(
    runToEnd(mergeDemands(groupsOf(plain(reference('a')), plain(reference('a', 'A', 2)), plain(reference('b')))))
      .length,
    3,
  )
})

tap.test('reduces fractions', async (t) => {
  t.strictSame(reduced(-0.5), { numerator: -1n, denominator: 2n })
  t.strictSame(reduced(0), { numerator: 0n, denominator: 1n })
  t.strictSame(reduced({ numerator: 12n, denominator: 18n }), { numerator: 2n, denominator: 3n })
  t.equal(greatestDivisor(-12n, 18n), 6n)
  t.equal(leastMultiple(4n, 6n), 12n)
})

const claimsOf = (...products: ReturnType<typeof plain>[]) =>
  runToEnd(
    mergeDemands(
      products.flatMap((product) =>
        resolveComponents(product, new Map()).groups.map((group) => ({ group, quantity: 2 })),
      ),
    ),
  )

tap.test('puts demands that share items into one pool, in the coarsest measure that fits', async (t) => {
  const demands = claimsOf(
    plain(reference('a', 'A', 0.5), reference('b', 'B', 0.75)),
    plain(reference('c')),
    plain(reference('b', 'B', 2), reference('d', 'D', 2)),
  )
  const amounts: Record<string, number> = { a: 1.5, b: -2, c: 3 }
  t.strictSame(runToEnd(toPools(demands, (id) => amounts[id] ?? 0)), [
    {
      scale: 4n,
      items: [
        { inventoryItemId: 'a', amount: 6n },
        { inventoryItemId: 'b', amount: -8n },
        { inventoryItemId: 'd', amount: 0n },
      ],
      demands: [
        {
          amount: 12n,
          members: [
            { item: 0, weight: 3n },
            { item: 1, weight: 2n },
          ],
          skus: new Set(['A', 'B']),
        },
        {
          amount: 16n,
          members: [
            { item: 1, weight: 1n },
            { item: 2, weight: 1n },
          ],
          skus: new Set(['B', 'D']),
        },
      ],
    },
    {
      scale: 1n,
      items: [{ inventoryItemId: 'c', amount: 3n }],
      demands: [{ amount: 2n, members: [{ item: 0, weight: 1n }], skus: new Set([null]) }],
    },
  ])
})

tap.test('recognizes members with equal weights', async (t) => {
  t.ok(hasEqualWeights([{ item: 0, weight: 1n }]))
  t.notOk(
    hasEqualWeights([
      { item: 0, weight: 1n },
      { item: 1, weight: 2n },
    ]),
  )
})

tap.test('finds connected parts', async (t) => {
  t.strictSame(runToEnd(connectedParts(['ab', 'cd', 'ef', 'bc', 'g', 'f'], (word) => word.split(''))), [
    ['ab', 'bc', 'cd'],
    ['ef', 'f'],
    ['g'],
  ])
  t.strictSame(runToEnd(connectedParts([], () => [])), [])
})
