import fc from 'fast-check'
import tap from 'tap'
import { type Constraint, maximize, type StepBudget, spend } from '../../src/basket/simplex.js'
import { runToEnd } from '../../src/steps.js'

const constraint = (bound: bigint, ...coefficients: bigint[]): Constraint => ({ coefficients, bound })
const ampleBudget = (): StepBudget => ({ left: 1e9 })
const values = (objective: bigint[], constraints: Constraint[]) => {
  const solution = runToEnd(maximize(objective, constraints, ampleBudget()))
  return solution?.values.map((value) => Number(value) / Number(solution.denominator))
}

tap.test('finds the optimum with exact fractions', async (t) => {
  t.strictSame(values([3n, 5n], [constraint(4n, 1n, 0n), constraint(12n, 0n, 2n), constraint(18n, 3n, 2n)]), [2, 6])
  t.strictSame(runToEnd(maximize([1n, 1n], [constraint(1n, 1n, 2n), constraint(1n, 2n, 1n)], ampleBudget())), {
    values: [1n, 1n],
    denominator: 3n,
  })
  t.strictSame(values([], []), [])
  t.strictSame(values([1n], [constraint(0n, 1n)]), [0])
  t.strictSame(values([0n, -1n], [constraint(3n, 1n, 1n)]), [0, 0])
})

tap.test('does not cycle', async (t) => {
  // Beale's example in integers, on which the largest-gain rule alone cycles.
  const constraints = [
    constraint(0n, 25n, -6000n, -4n, 900n),
    constraint(0n, 50n, -9000n, -2n, 300n),
    constraint(1n, 0n, 0n, 1n, 0n),
  ]
  t.strictSame(values([75n, -15000n, 2n, -600n], constraints), [0.04, 0, 1, 0])
})

tap.test('stops when the budget runs out', async (t) => {
  const constraints = [constraint(4n, 1n, 0n), constraint(12n, 0n, 2n), constraint(18n, 3n, 2n)]
  const budget = { left: 20 }
  t.equal(runToEnd(maximize([3n, 5n], constraints, budget)), undefined)
  t.equal(budget.left, 0)
  t.equal(spend({ left: 5 }, 4), true)
  t.equal(spend({ left: 4 }, 5), false)
})

tap.test('throws if the objective is unbounded', async (t) => {
  t.throws(() => runToEnd(maximize([1n], [], ampleBudget())), RangeError)
})

tap.test('is at least as good as every feasible point of a grid', async () => {
  const coefficient = fc.bigInt(0n, 4n)
  const programs = fc.record({
    objective: fc.tuple(coefficient, coefficient, coefficient),
    constraints: fc.array(
      fc
        .tuple(fc.bigInt(0n, 9n), coefficient, coefficient, coefficient)
        .map(([bound, ...row]) => constraint(bound, ...row)),
      { maxLength: 4 },
    ),
  })
  const caps = [constraint(3n, 1n, 0n, 0n), constraint(3n, 0n, 1n, 0n), constraint(3n, 0n, 0n, 1n)]
  const grid = [0n, 1n, 2n, 3n].flatMap((x) => [0n, 1n, 2n, 3n].flatMap((y) => [0n, 1n, 2n, 3n].map((z) => [x, y, z])))
  const times = (a: readonly bigint[], b: readonly bigint[]) =>
    a.reduce((sum, factor, index) => sum + factor * (b[index] ?? 0n), 0n)
  fc.assert(
    fc.property(programs, ({ objective, constraints }) => {
      const all = [...constraints, ...caps]
      const solution = runToEnd(maximize(objective, all, ampleBudget()))
      if (solution === undefined) return false
      const { values, denominator } = solution
      const isWithin = all.every(({ coefficients, bound }) => times(coefficients, values) <= bound * denominator)
      const rivals = grid.filter((point) => all.every(({ coefficients, bound }) => times(coefficients, point) <= bound))
      return (
        isWithin &&
        values.every((value) => value >= 0n) &&
        rivals.every((point) => times(objective, point) * denominator <= times(objective, values))
      )
    }),
    { numRuns: 500 },
  )
})
