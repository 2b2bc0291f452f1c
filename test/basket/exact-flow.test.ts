import fc from 'fast-check'
import tap from 'tap'
import { type Contest, cover } from '../../src/basket/exact-flow.js'

const need = (amount: number, ...items: number[]) => ({
  amount: BigInt(amount),
  members: items.map((item) => ({ item, worth: 1n })),
})
const covered = (contest: Contest) => cover(contest).reduce((sum, { amount }) => sum + amount, 0n)

tap.test('covers what it can', async (t) => {
  t.strictSame(cover({ supplies: [5n], needs: [need(3, 0)] }), [{ need: 0, item: 0, amount: 3n }])
  t.strictSame(cover({ supplies: [5n], needs: [need(7, 0)] }), [{ need: 0, item: 0, amount: 5n }])
  t.strictSame(cover({ supplies: [0n], needs: [need(7, 0), need(1)] }), [])
  t.strictSame(cover({ supplies: [], needs: [] }), [])
})

tap.test('takes back what it gave where something else serves as well', async (t) => {
  // The first need is served first, and from the item that the second one cannot do without; and so on down the chain.
  const length = 2_000
  const chain = Array.from({ length }, (_, index) => need(1, index, index + 1))
  const contest = { supplies: Array.from({ length: length + 1 }, () => 1n), needs: [...chain, need(1, 0)] }
  t.equal(covered(contest), BigInt(length + 1))
})

tap.test('covers as much as the tightest set of needs lets it, within supplies and needs', async () => {
  const items = [0, 1, 2, 3]
  const contests = fc.record({
    supplies: fc.tuple(...items.map(() => fc.bigInt(0n, 9n))),
    needs: fc.array(
      fc.tuple(fc.integer({ min: 0, max: 9 }), fc.subarray(items)).map(([amount, members]) => need(amount, ...members)),
      { maxLength: 6 },
    ),
  })
  fc.assert(
    fc.property(contests, ({ supplies, needs }) => {
      const draws = cover({ supplies, needs })
      const total = (amounts: readonly bigint[]) => amounts.reduce((sum, amount) => sum + amount, 0n)
      const drawn = (of: 'item' | 'need', index: number) =>
        total(draws.filter((draw) => draw[of] === index).map(({ amount }) => amount))
      const cuts = cutsOf(supplies, needs)
      const all = total(draws.map(({ amount }) => amount))
      return (
        supplies.every((supply, item) => drawn('item', item) <= supply) &&
        needs.every(({ amount }, index) => drawn('need', index) <= amount) &&
        draws.every(({ need: index, item }) => needs[index]?.members.some((member) => member.item === item)) &&
        cuts.every((cut) => all <= cut) &&
        cuts.includes(all)
      )
    }),
    { numRuns: 500 },
  )
})

/** For each set of needs: what its items hold, and what the other needs ask. */
function cutsOf(supplies: readonly bigint[], needs: Contest['needs']): bigint[] {
  return Array.from({ length: 2 ** needs.length }, (_, set) => {
    const isIn = (index: number) => Math.floor(set / 2 ** index) % 2 === 1
    const items = new Set(needs.flatMap(({ members }, index) => (isIn(index) ? members.map(({ item }) => item) : [])))
    const others = needs.filter((_, index) => !isIn(index)).map(({ amount }) => amount)
    return [...others, ...supplies.filter((_, item) => items.has(item))].reduce((sum, amount) => sum + amount, 0n)
  })
}
