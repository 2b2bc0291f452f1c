import fc from 'fast-check'
import tap from 'tap'
import type { AllocationProblem } from '../../src/basket/demands.js'
import { maxFlow } from '../../src/basket/max-flow.js'
import { runToEnd } from '../../src/steps.js'

const demand = (amount: number, ...items: number[]) => ({
  amount: BigInt(amount),
  members: items.map((item) => ({ item, weight: 1n })),
})
const covered = (problem: AllocationProblem) => runToEnd(maxFlow(problem)).reduce((sum, { amount }) => sum + amount, 0n)

tap.test('meets as much as the supplies allow', async (t) => {
  t.strictSame(runToEnd(maxFlow({ supplies: [5n], demands: [demand(3, 0)] })), [{ demand: 0, item: 0, amount: 3n }])
  t.strictSame(runToEnd(maxFlow({ supplies: [5n], demands: [demand(7, 0)] })), [{ demand: 0, item: 0, amount: 5n }])
  t.strictSame(runToEnd(maxFlow({ supplies: [0n], demands: [demand(7, 0), demand(1)] })), [])
  t.strictSame(runToEnd(maxFlow({ supplies: [], demands: [] })), [])
})

tap.test('reroutes earlier flow along a long chain', async (t) => {
  // Each demand first takes the item that the next one in the chain cannot do without.
  const length = 2_000
  const chain = Array.from({ length }, (_, index) => demand(1, index, index + 1))
  const problem = { supplies: Array.from({ length: length + 1 }, () => 1n), demands: [...chain, demand(1, 0)] }
  t.equal(covered(problem), BigInt(length + 1))
})

tap.test('equals the minimum cut, within supplies and demands', async () => {
  const items = [0, 1, 2, 3]
  const problems = fc.record({
    supplies: fc.tuple(...items.map(() => fc.bigInt(0n, 9n))),
    demands: fc.array(
      fc
        .tuple(fc.integer({ min: 0, max: 9 }), fc.subarray(items))
        .map(([amount, members]) => demand(amount, ...members)),
      { maxLength: 6 },
    ),
  })
  fc.assert(
    fc.property(problems, ({ supplies, demands }) => {
      const allocations = runToEnd(maxFlow({ supplies, demands: demands }))
      const total = (amounts: readonly bigint[]) => amounts.reduce((sum, amount) => sum + amount, 0n)
      const allocated = (of: 'item' | 'demand', index: number) =>
        total(allocations.filter((allocation) => allocation[of] === index).map(({ amount }) => amount))
      const cuts = cutsOf(supplies, demands)
      const all = total(allocations.map(({ amount }) => amount))
      return (
        supplies.every((supply, item) => allocated('item', item) <= supply) &&
        demands.every(({ amount }, index) => allocated('demand', index) <= amount) &&
        allocations.every(({ demand: index, item }) =>
          demands[index]?.members.some((member) => member.item === item),
        ) &&
        cuts.every((cut) => all <= cut) &&
        cuts.includes(all)
      )
    }),
    { numRuns: 500 },
  )
})

/** For each set of demands: the supplies of its items plus the other demands, i.e. every cut. */
function cutsOf(supplies: readonly bigint[], demands: AllocationProblem['demands']): bigint[] {
  return Array.from({ length: 2 ** demands.length }, (_, set) => {
    const isIn = (index: number) => Math.floor(set / 2 ** index) % 2 === 1
    const items = new Set(demands.flatMap(({ members }, index) => (isIn(index) ? members.map(({ item }) => item) : [])))
    const others = demands.filter((_, index) => !isIn(index)).map(({ amount }) => amount)
    return [...others, ...supplies.filter((_, item) => items.has(item))].reduce((sum, amount) => sum + amount, 0n)
  })
}
