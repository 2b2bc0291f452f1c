import tap from 'tap'
import { greatestDivisor, leastMultiple, mergeDemands, reduced } from '../../src/basket/demands.js'
import { resolveComponents } from '../../src/stock/components.js'
import { kit, plain, reference } from '../stock/fixtures.js'

const groupsOf = (...products: ReturnType<typeof plain>[]) =>
  products.flatMap((product, index) =>
    resolveComponents(product, new Map()).groups.map((group) => ({ group, quantity: index + 1 })),
  )

tap.test('merges equal groups, however they come about, in an order of their own', async (t) => {
  const products = [
    plain(reference('b', 'B', 0.3), reference('a', 'A', 2)),
    kit(reference('a', 'X', 2), reference('b', 'X', 0.3), reference('a2', 'Y')),
    kit(reference('c', 'C', 0.1), reference('c', 'C', 0.2)),
    plain(reference('c', 'D', 0.3)),
  ]
  const claims = mergeDemands(groupsOf(...products))
  t.strictSame(claims, [
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
  const members = (all: typeof claims) => all.map((claim) => claim.members)
  t.strictSame(members(mergeDemands(groupsOf(...products.toReversed()))), members(claims))
})

tap.test('keeps groups apart that need other items, or other numbers of them', async (t) => {
  t.equal(mergeDemands(groupsOf(plain(reference('a')), plain(reference('a', 'A', 2)), plain(reference('b')))).length, 3)
})

tap.test('reduces fractions', async (t) => {
  t.strictSame(reduced(-0.5), { numerator: -1n, denominator: 2n })
  t.strictSame(reduced(0), { numerator: 0n, denominator: 1n })
  t.strictSame(reduced({ numerator: 12n, denominator: 18n }), { numerator: 2n, denominator: 3n })
  t.equal(greatestDivisor(-12n, 18n), 6n)
  t.equal(leastMultiple(4n, 6n), 12n)
})
