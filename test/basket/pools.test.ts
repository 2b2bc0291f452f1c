import tap from 'tap'
import { connected, isAlike, mergeDemands, toPools } from '../../src/basket/demands.js'
import { resolveComponents } from '../../src/stock/components.js'
import { plain, reference } from '../stock/fixtures.js'

const claimsOf = (...products: ReturnType<typeof plain>[]) =>
  mergeDemands(
    products.flatMap((product) =>
      resolveComponents(product, new Map()).groups.map((group) => ({ group, quantity: 2 })),
    ),
  )

tap.test('puts claims that share items into one pool, in the coarsest measure that fits', async (t) => {
  const claims = claimsOf(
    plain(reference('a', 'A', 0.5), reference('b', 'B', 0.75)),
    plain(reference('c')),
    plain(reference('b', 'B', 2), reference('d', 'D', 2)),
  )
  const amounts: Record<string, number> = { a: 1.5, b: -2, c: 3 }
  t.strictSame(
    toPools(claims, (id) => amounts[id] ?? 0),
    [
      {
        scale: 4n,
        items: [
          { inventoryItemId: 'a', amount: 6n },
          { inventoryItemId: 'b', amount: -8n },
          { inventoryItemId: 'd', amount: 0n },
        ],
        claims: [
          {
            amount: 12n,
            members: [
              { item: 0, worth: 3n },
              { item: 1, worth: 2n },
            ],
            skus: new Set(['A', 'B']),
          },
          {
            amount: 16n,
            members: [
              { item: 1, worth: 1n },
              { item: 2, worth: 1n },
            ],
            skus: new Set(['B', 'D']),
          },
        ],
      },
      {
        scale: 1n,
        items: [{ inventoryItemId: 'c', amount: 3n }],
        claims: [{ amount: 2n, members: [{ item: 0, worth: 1n }], skus: new Set([null]) }],
      },
    ],
  )
})

tap.test('knows claims whose items are needed in like number', async (t) => {
  t.ok(isAlike([{ item: 0, worth: 1n }]))
  t.notOk(
    isAlike([
      { item: 0, worth: 1n },
      { item: 1, worth: 2n },
    ]),
  )
})

tap.test('connects things by what they have in common', async (t) => {
  t.strictSame(
    connected(['ab', 'cd', 'ef', 'bc', 'g', 'f'], (word) => word.split('')),
    [['ab', 'bc', 'cd'], ['ef', 'f'], ['g']],
  )
  t.strictSame(
    connected([], () => []),
    [],
  )
})
