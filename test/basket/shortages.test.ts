import tap from 'tap'
import { poolShortages } from '../../src/basket/shortages.js'
import { runToEnd } from '../../src/steps.js'

const isUniform = (amount: bigint, sku: string | null, ...items: number[]) => ({
  amount,
  members: items.map((item) => ({ item, weight: 1n })),
  skus: new Set([sku]),
})
const one = { numerator: 1n, denominator: 1n }

tap.test('extends a shortage to the demands that use the same items, and no further', async (t) => {
  const pool = {
    scale: 10n,
    items: [4n, 10n, 20n, 30n].map((amount, index) => ({ inventoryItemId: `i${index}`, amount })),
    demands: [isUniform(5n, 'A', 0), isUniform(10n, 'A', 0, 1), isUniform(10n, 'C', 1, 2), isUniform(31n, null, 3)],
  }
  const allocations = [
    { demand: 0, item: 0, amount: 4n },
    { demand: 1, item: 1, amount: 10n },
    { demand: 2, item: 2, amount: 10n },
    { demand: 3, item: 3, amount: 30n },
  ]
  const unmet = new Map([
    [0, one],
    [3, one],
  ])
  t.strictSame(runToEnd(poolShortages(pool, { isFeasible: false, unmet: unmet, allocations: allocations })), [
    { inventory_item_ids: ['i0'], sku: 'A', required: 0.5, available: 0.4, shortfall: 0.1 },
    { inventory_item_ids: ['i3'], sku: null, required: 3.1, available: 3, shortfall: 0.1 },
  ])
})

tap.test('counts whole units of the item of which fewest are needed if weights differ', async (t) => {
  const demand = {
    amount: 12n,
    members: [
      { item: 0, weight: 3n },
      { item: 1, weight: 1n },
    ],
    skus: new Set(['A', 'B']),
  }
  const pool = {
    scale: 2n,
    items: [3n, 1n].map((amount, index) => ({ inventoryItemId: `i${index}`, amount })),
    demands: [demand],
  }
  const lack = (numerator: bigint, denominator: bigint) =>
    runToEnd(
      poolShortages(pool, { isFeasible: false, unmet: new Map([[0, { numerator, denominator }]]), allocations: [] }),
    )
  const shortage = { inventory_item_ids: ['i0', 'i1'], sku: null, available: 2 }
  t.strictSame(lack(7n, 3n), [{ ...shortage, required: 4, shortfall: 2 }])
  t.strictSame(lack(0n, 1n), [{ ...shortage, required: 3, shortfall: 1 }])
})
