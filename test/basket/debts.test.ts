import tap from 'tap'
import { allocatePool } from '../../src/basket/debts.js'
import type { Pool } from '../../src/basket/demands.js'
import { runToEnd } from '../../src/steps.js'

/** Demands for an amount of items, given by index and weight (1 by default). */
const pool = (amounts: bigint[], ...demands: [amount: bigint, ...members: (number | [number, bigint])[]][]): Pool => ({
  scale: 1n,
  items: amounts.map((amount, index) => ({ inventoryItemId: `${index}`, amount })),
  demands: demands.map(([amount, ...members]) => ({
    amount,
    members: members.map((member) =>
      typeof member === 'number' ? { item: member, weight: 1n } : { item: member[0], weight: member[1] },
    ),
    skus: new Set(),
  })),
})
const ampleBudget = () => ({ left: 1e6 })

tap.test('adds a debt to the demand that holds it', async (t) => {
  t.strictSame(runToEnd(allocatePool(pool([-3n, 10n], [7n, 0, 1]), ampleBudget())), { isFeasible: true })
  t.match(runToEnd(allocatePool(pool([-3n, 10n], [8n, 0, 1]), ampleBudget())), { isFeasible: false })
  t.strictSame(runToEnd(allocatePool(pool([-3n, 10n], [4n, [0, 2n], [1, 1n]]), ampleBudget())), { isFeasible: true })
  t.match(runToEnd(allocatePool(pool([-3n, 10n], [5n, [0, 2n], [1, 1n]]), ampleBudget())), { isFeasible: false })
})

tap.test('charges a debt once, to the demand with the fewest members that can pay it', async (t) => {
  const nested = (amount: bigint) => pool([-3n, 5n, 9n], [2n, 0, 1], [amount, 0, 1, 2])
  t.strictSame(runToEnd(allocatePool(nested(9n), { left: 0 })), { isFeasible: true })
  t.match(runToEnd(allocatePool(nested(10n), { left: 0 })), { isFeasible: false })
})

tap.test('tries each choice of payers and reports the worst', async (t) => {
  const shared = (...supplies: [bigint, bigint, bigint]) => pool([-4n, ...supplies], [5n, 0, 1, 3], [5n, 0, 2, 3])
  t.strictSame(runToEnd(allocatePool(shared(5n, 5n, 8n), { left: 0 })), { isFeasible: true }, 'both can pay')
  t.strictSame(runToEnd(allocatePool(shared(5n, 5n, 4n), ampleBudget())), { isFeasible: true }, 'either can pay')
  t.strictSame(runToEnd(allocatePool(shared(5n, 5n, 4n), { left: 0 })), { isFeasible: undefined })
  t.match(runToEnd(allocatePool(shared(9n, 1n, 2n), ampleBudget())), {
    isFeasible: false,
    unmet: new Map([[1, { numerator: 6n, denominator: 1n }]]),
  })
})
