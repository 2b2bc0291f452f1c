import tap from 'tap'
import { meetClaims } from '../../src/basket/debts.js'
import type { Pool } from '../../src/basket/demands.js'

/** Claims of an amount each, on items by their index and with what they are worth. */
const pool = (amounts: bigint[], ...claims: [amount: bigint, ...members: (number | [number, bigint])[]][]): Pool => ({
  scale: 1n,
  items: amounts.map((amount, index) => ({ inventoryItemId: `${index}`, amount })),
  claims: claims.map(([amount, ...members]) => ({
    amount,
    members: members.map((member) =>
      typeof member === 'number' ? { item: member, worth: 1n } : { item: member[0], worth: member[1] },
    ),
    skus: new Set(),
  })),
})
const plenty = () => ({ left: 1e6 })

tap.test('adds a debt to the claim that holds it', async (t) => {
  t.strictSame(meetClaims(pool([-3n, 10n], [7n, 0, 1]), plenty()), { coverable: true })
  t.match(meetClaims(pool([-3n, 10n], [8n, 0, 1]), plenty()), { coverable: false })
  t.strictSame(meetClaims(pool([-3n, 10n], [4n, [0, 2n], [1, 1n]]), plenty()), { coverable: true })
  t.match(meetClaims(pool([-3n, 10n], [5n, [0, 2n], [1, 1n]]), plenty()), { coverable: false })
})

tap.test('lets a debt be paid once, by the claim with the fewest members that can', async (t) => {
  const nested = (amount: bigint) => pool([-3n, 5n, 9n], [2n, 0, 1], [amount, 0, 1, 2])
  t.strictSame(meetClaims(nested(9n), { left: 0 }), { coverable: true })
  t.match(meetClaims(nested(10n), { left: 0 }), { coverable: false })
})

tap.test('tries each choice of who pays, and reports the worst', async (t) => {
  const shared = (...supplies: [bigint, bigint, bigint]) => pool([-4n, ...supplies], [5n, 0, 1, 3], [5n, 0, 2, 3])
  t.strictSame(meetClaims(shared(5n, 5n, 8n), { left: 0 }), { coverable: true }, 'both could pay')
  t.strictSame(meetClaims(shared(5n, 5n, 4n), plenty()), { coverable: true }, 'either could')
  t.strictSame(meetClaims(shared(5n, 5n, 4n), { left: 0 }), { coverable: undefined })
  t.match(meetClaims(shared(9n, 1n, 2n), plenty()), {
    coverable: false,
    lacking: new Map([[1, { numerator: 6n, denominator: 1n }]]),
  })
})
