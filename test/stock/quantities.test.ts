import t from 'tap'
import { addAmounts, noAmounts, toAmounts, toQuantities } from '../../src/stock/quantities.js'
import { quantities } from './fixtures.js'

const read = (stated: Parameters<typeof toAmounts>[0], derivable = true) => {
  const amounts = toAmounts(stated, derivable)
  return { known: amounts.isFulfillableKnown, ...toQuantities(amounts) }
}

t.test('reads what is stated, null and absent being unstated', async (t) => {
  t.strictSame(read({ onhand: 5, fulfillable: -3, sellable: null }), {
    known: true,
    ...quantities({ onhand: 5, fulfillable: -3 }),
  })
  t.strictSame(read({}), { known: false, ...quantities() })
})

t.test('takes what is not finite for unstated, and -0 for 0', async (t) => {
  t.strictSame(
    read({ onhand: Number.POSITIVE_INFINITY, fulfillable: Number.NEGATIVE_INFINITY, awaiting: Number.NaN }),
    {
      known: false,
      ...quantities(),
    },
  )
  t.ok(Object.is(read({ fulfillable: -0 }).fulfillable, 0))
  t.ok(Object.is(read({ fulfillable: 1, awaiting: -0 }).awaiting, 0))
})

t.test('derives fulfillable where upstream states all the rest, exactly', async (t) => {
  t.strictSame(read({ onhand: 10, committed: 3, unfulfillable: 2 }), {
    known: true,
    ...quantities({ onhand: 10, committed: 3, unfulfillable: 2, fulfillable: 5 }),
  })
  t.equal(read({ onhand: 0.3, committed: 0.1, unfulfillable: 0 }).fulfillable, 0.2)
  t.equal(read({ onhand: 1, committed: 3, unfulfillable: 0 }).fulfillable, -2)
  t.equal(
    read({ onhand: 10, committed: 3, unfulfillable: 2, fulfillable: 0 }).fulfillable,
    0,
    'but not over a stated 0',
  )
})

t.test('derives nothing where something is missing or substitutes are involved', async (t) => {
  for (const [name, value] of Object.entries({
    onhand: { committed: 3, unfulfillable: 2 },
    committed: { onhand: 10, unfulfillable: 2 },
    unfulfillable: { onhand: 10, committed: 3 },
  })) {
    t.match(read(value), { known: false, fulfillable: 0 }, `without ${name}`)
  }
  t.match(read({ onhand: 10, committed: 3, unfulfillable: 2 }, false), { known: false, fulfillable: 0 })
})

t.test('pools what is stated', async (t) => {
  const a = toAmounts({ onhand: 1, fulfillable: 0.1, committed: 4 }, true)
  const b = toAmounts({ onhand: 2, fulfillable: 0.2, awaiting: 8 }, true)
  t.strictSame(toQuantities(addAmounts(a, b)), quantities({ onhand: 3, fulfillable: 0.3, committed: 4, awaiting: 8 }))
  t.strictSame(toQuantities(addAmounts(noAmounts, noAmounts)), quantities())
})

t.test('shows no more than the largest safe integers', async (t) => {
  t.strictSame(
    toQuantities(toAmounts({ onhand: 1e300, fulfillable: -1e300 }, true)),
    quantities({ onhand: Number.MAX_SAFE_INTEGER, fulfillable: Number.MIN_SAFE_INTEGER }),
  )
})
