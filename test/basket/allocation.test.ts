import tap from 'tap'
import { allocate } from '../../src/basket/allocation.js'
import type { Demand } from '../../src/basket/demands.js'
import { runToEnd } from '../../src/steps.js'

const demand = (amount: bigint, ...members: [item: number, weight: bigint][]): Demand => ({
  amount,
  members: members.map(([item, weight]) => ({ item, weight })),
})
const noBudget = () => ({ left: 0 })
const ampleBudget = () => ({ left: 1e6 })

tap.test('needs no search budget if all weights are 1', async (t) => {
  const demands = [demand(3n, [0, 1n], [1, 1n]), demand(2n, [0, 1n])]
  t.strictSame(runToEnd(allocate({ supplies: [2n, 3n], demands: demands }, noBudget())), { isFeasible: true })
  t.match(runToEnd(allocate({ supplies: [1n, 3n], demands: demands }, noBudget())), {
    isFeasible: false,
    unmet: new Map([[1, { numerator: 1n, denominator: 1n }]]),
  })
})

tap.test('needs no search budget if items with a single user decide', async (t) => {
  const demands = [demand(7n, [0, 2n], [1, 3n]), demand(4n, [1, 1n], [2, 1n])]
  t.strictSame(runToEnd(allocate({ supplies: [4n, 1n, 3n], demands: demands }, noBudget())), { isFeasible: true })
  t.match(runToEnd(allocate({ supplies: [3n, 0n, 4n], demands: demands }, noBudget())), {
    isFeasible: false,
    unmet: new Map([[0, { numerator: 1n, denominator: 3n }]]),
    allocations: [
      { demand: 0, item: 0, amount: 3n },
      { demand: 1, item: 2, amount: 4n },
    ],
  })
})

tap.test('needs no search budget if supplies are ample, or too small even at the largest weights', async (t) => {
  const demands = [demand(6n, [0, 2n], [1, 3n]), demand(6n, [0, 3n], [1, 2n])]
  t.strictSame(
    runToEnd(allocate({ supplies: [3n, 3n], demands: demands }, noBudget())),
    { isFeasible: true },
    'at the smallest weights',
  )
  t.strictSame(
    runToEnd(allocate({ supplies: [2n, 2n], demands: demands }, noBudget())),
    { isFeasible: true },
    'at the largest weights',
  )
  t.match(runToEnd(allocate({ supplies: [2n, 1n], demands: demands }, noBudget())), { isFeasible: false })
  const three = [demand(4n, [0, 2n], [1, 4n]), demand(4n, [0, 2n], [1, 4n]), demand(4n, [0, 2n], [1, 4n])]
  t.strictSame(
    runToEnd(allocate({ supplies: [4n, 1n], demands: three }, noBudget())),
    { isFeasible: true },
    'largest weights first',
  )
})

tap.test('searches the remaining demands in integer amounts', async (t) => {
  const demands = [demand(4n, [0, 4n], [1, 2n]), demand(6n, [0, 6n], [1, 2n]), demand(6n, [0, 6n], [1, 2n])]
  t.strictSame(runToEnd(allocate({ supplies: [2n, 2n], demands: demands }, ampleBudget())), { isFeasible: true })
  t.strictSame(runToEnd(allocate({ supplies: [2n, 2n], demands: demands }, { left: 20 })), { isFeasible: undefined })
  t.match(runToEnd(allocate({ supplies: [2n, 1n], demands: demands }, ampleBudget())), { isFeasible: false })
  const odd = [demand(4n, [0, 3n], [1, 2n]), demand(4n, [0, 3n], [1, 2n])]
  t.strictSame(runToEnd(allocate({ supplies: [2n, 1n], demands: odd }, ampleBudget())), {
    isFeasible: false,
    unmet: new Map([
      [0, { numerator: 0n, denominator: 1n }],
      [1, { numerator: 0n, denominator: 1n }],
    ]),
    allocations: [],
  })
  t.strictSame(runToEnd(allocate({ supplies: [2n, 2n], demands: odd }, ampleBudget())), { isFeasible: true })
})
