import t from 'tap'
import { addAmounts, noAmounts, toAmounts, toItemAmounts, toQuantities } from '../../src/stock/quantities.js'
import { item, quantities } from './fixtures.js'

const read = (stated: Parameters<typeof toAmounts>[0], derivable = true) => {
  const amounts = toAmounts(stated, derivable)
  return { known: amounts.isFulfillableKnown, ...toQuantities(amounts) }
}

t.test('treats null and absent quantities as not stated', async (t) => {
  t.strictSame(read({ onhand: 5, fulfillable: -3, sellable: null }), {
    known: true,
    ...quantities({ onhand: 5, fulfillable: -3 }),
  })
  t.strictSame(read({}), { known: false, ...quantities() })
})

t.test('treats non-finite quantities as not stated, and -0 as 0', async (t) => {
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

t.test('derives fulfillable exactly if all other quantities are stated', async (t) => {
  t.strictSame(read({ onhand: 10, committed: 3, unfulfillable: 2 }), {
    known: true,
    ...quantities({ onhand: 10, committed: 3, unfulfillable: 2, fulfillable: 5 }),
  })
  t.equal(read({ onhand: 0.3, committed: 0.1, unfulfillable: 0 }).fulfillable, 0.2)
  t.equal(read({ onhand: 1, committed: 3, unfulfillable: 0 }).fulfillable, -2)
  t.equal(
    read({ onhand: 10, committed: 3, unfulfillable: 2, fulfillable: 0 }).fulfillable,
    0,
    'a stated 0 is not replaced',
  )
})

t.test('derives nothing if a quantity is missing or substitutes are involved', async (t) => {
  for (const [name, value] of Object.entries({
    onhand: { committed: 3, unfulfillable: 2 },
    committed: { onhand: 10, unfulfillable: 2 },
    unfulfillable: { onhand: 10, committed: 3 },
  })) {
    t.match(read(value), { known: false, fulfillable: 0 }, `without ${name}`)
  }
  t.match(read({ onhand: 10, committed: 3, unfulfillable: 2 }, false), { known: false, fulfillable: 0 })
})

t.test('adds stated quantities', async (t) => {
  const a = toAmounts({ onhand: 1, fulfillable: 0.1, committed: 4 }, true)
  const b = toAmounts({ onhand: 2, fulfillable: 0.2, awaiting: 8 }, true)
  t.strictSame(toQuantities(addAmounts(a, b)), quantities({ onhand: 3, fulfillable: 0.3, committed: 4, awaiting: 8 }))
  t.strictSame(toQuantities(addAmounts(noAmounts, noAmounts)), quantities())
})

t.test('limits quantities to safe integers', async (t) => {
  t.strictSame(
    toQuantities(toAmounts({ onhand: 1e300, fulfillable: -1e300 }, true)),
    quantities({ onhand: Number.MAX_SAFE_INTEGER, fulfillable: Number.MIN_SAFE_INTEGER }),
  )
})

const inTwo = item('a', {
  onhand: 9,
  fulfillable: 8,
  inventory_by_warehouse_id: { wh_a: { onhand: 4, fulfillable: 3 }, wh_b: { onhand: 5, fulfillable: 5, awaiting: 1 } },
})

t.test("counts the item's own quantities if no warehouse is selected", async (t) => {
  t.strictSame(toQuantities(toItemAmounts(inTwo, undefined).selected), quantities({ onhand: 9, fulfillable: 8 }))
})

t.test('adds up the selected warehouses', async (t) => {
  const counted = (...selected: string[]) => toQuantities(toItemAmounts(inTwo, new Set(selected)).selected)
  t.strictSame(counted('wh_a'), quantities({ onhand: 4, fulfillable: 3 }))
  t.strictSame(counted('wh_b', 'wh_a', 'wh_c'), quantities({ onhand: 9, fulfillable: 8, awaiting: 1 }))
  t.strictSame(counted('wh_c'), quantities())
})

t.test('treats a null, absent or empty breakdown as none', async (t) => {
  for (const fields of [{}, { inventory_by_warehouse_id: null }, { inventory_by_warehouse_id: {} }]) {
    t.equal(toItemAmounts(item('a', { onhand: 9, ...fields }), undefined).byWarehouse.size, 0)
  }
})

t.test('treats a null warehouse as one without stated quantities', async (t) => {
  const { byWarehouse } = toItemAmounts(item('a', { inventory_by_warehouse_id: { wh_a: null } }), undefined)
  t.match(byWarehouse.get('wh_a'), { isFulfillableKnown: false, onhand: null })
})

t.test('derives fulfillable only without substitutes, in a warehouse too', async (t) => {
  const numbers = { onhand: 4, committed: 1, unfulfillable: 1 }
  const known = (substitute_skus?: string[] | null) => {
    const amounts = toItemAmounts(
      item('a', {
        ...numbers,
        inventory_by_warehouse_id: { wh_a: numbers },
        ...(substitute_skus !== undefined && { substitute_skus }),
      }),
      undefined,
    )
    return [amounts.overall.isFulfillableKnown, amounts.byWarehouse.get('wh_a')?.isFulfillableKnown]
  }
  for (const none of [undefined, null, []]) t.strictSame(known(none), [true, true])
  t.strictSame(known(['B']), [false, false])
})

t.test('keeps warehouses named like Object.prototype members apart', async (t) => {
  const breakdown = JSON.parse('{"__proto__": {"fulfillable": 3}, "constructor": {"fulfillable": 4}}')
  const { byWarehouse, selected: counted } = toItemAmounts(
    item('a', { inventory_by_warehouse_id: breakdown }),
    new Set(['__proto__', 'toString']),
  )
  t.strictSame([...byWarehouse.keys()], ['__proto__', 'constructor'])
  t.equal(counted.fulfillable, 3)
})
