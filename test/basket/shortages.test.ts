import tap from 'tap'
import { poolShortages } from '../../src/basket/shortages.js'

const alike = (amount: bigint, sku: string | null, ...items: number[]) => ({
  amount,
  members: items.map((item) => ({ item, worth: 1n })),
  skus: new Set([sku]),
})
const one = { numerator: 1n, denominator: 1n }

tap.test('follows what lacks to those that draw on the same items, and no further', async (t) => {
  const pool = {
    scale: 10n,
    items: [4n, 10n, 20n, 30n].map((amount, index) => ({ inventoryItemId: `i${index}`, amount })),
    claims: [alike(5n, 'A', 0), alike(10n, 'A', 0, 1), alike(10n, 'C', 1, 2), alike(31n, null, 3)],
  }
  const draws = [
    { need: 0, item: 0, amount: 4n },
    { need: 1, item: 1, amount: 10n },
    { need: 2, item: 2, amount: 10n },
    { need: 3, item: 3, amount: 30n },
  ]
  const lacking = new Map([
    [0, one],
    [3, one],
  ])
  t.strictSame(poolShortages(pool, { coverable: false, lacking, draws }), [
    { inventory_item_ids: ['i0'], sku: 'A', required: 0.5, available: 0.4, shortfall: 0.1 },
    { inventory_item_ids: ['i3'], sku: null, required: 3.1, available: 3, shortfall: 0.1 },
  ])
})

tap.test('counts whole units of the item of which fewest are needed where the numbers differ', async (t) => {
  const claim = {
    amount: 12n,
    members: [
      { item: 0, worth: 3n },
      { item: 1, worth: 1n },
    ],
    skus: new Set(['A', 'B']),
  }
  const pool = {
    scale: 2n,
    items: [3n, 1n].map((amount, index) => ({ inventoryItemId: `i${index}`, amount })),
    claims: [claim],
  }
  const lack = (numerator: bigint, denominator: bigint) =>
    poolShortages(pool, { coverable: false, lacking: new Map([[0, { numerator, denominator }]]), draws: [] })
  const shortage = { inventory_item_ids: ['i0', 'i1'], sku: null, available: 2 }
  t.strictSame(lack(7n, 3n), [{ ...shortage, required: 4, shortfall: 2 }])
  t.strictSame(lack(0n, 1n), [{ ...shortage, required: 3, shortfall: 1 }])
})
