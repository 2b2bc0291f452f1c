import t from 'tap'
import { toItemAmounts, toQuantities } from '../../src/stock/quantities.js'
import { item, quantities } from './fixtures.js'

const inTwo = item('a', {
  onhand: 9,
  fulfillable: 8,
  inventory_by_warehouse_id: { wh_a: { onhand: 4, fulfillable: 3 }, wh_b: { onhand: 5, fulfillable: 5, awaiting: 1 } },
})

t.test("counts the item's own numbers where no warehouse is asked for", async (t) => {
  t.strictSame(toQuantities(toItemAmounts(inTwo, undefined).selected), quantities({ onhand: 9, fulfillable: 8 }))
})

t.test('counts the warehouses asked for, pooled', async (t) => {
  const counted = (...asked: string[]) => toQuantities(toItemAmounts(inTwo, new Set(asked)).selected)
  t.strictSame(counted('wh_a'), quantities({ onhand: 4, fulfillable: 3 }))
  t.strictSame(counted('wh_b', 'wh_a', 'wh_c'), quantities({ onhand: 9, fulfillable: 8, awaiting: 1 }))
  t.strictSame(counted('wh_c'), quantities())
})

t.test('reads a breakdown that is null, absent or empty as none', async (t) => {
  for (const fields of [{}, { inventory_by_warehouse_id: null }, { inventory_by_warehouse_id: {} }]) {
    t.equal(toItemAmounts(item('a', { onhand: 9, ...fields }), undefined).byWarehouse.size, 0)
  }
})

t.test('takes a warehouse that is null for one that states nothing', async (t) => {
  const { byWarehouse } = toItemAmounts(item('a', { inventory_by_warehouse_id: { wh_a: null } }), undefined)
  t.match(byWarehouse.get('wh_a'), { fulfillableKnown: false, onhand: null })
})

t.test('derives only where the list of substitutes is empty, in warehouses as well', async (t) => {
  const numbers = { onhand: 4, committed: 1, unfulfillable: 1 }
  const known = (substitute_skus?: string[] | null) => {
    const holding = toItemAmounts(
      item('a', {
        ...numbers,
        inventory_by_warehouse_id: { wh_a: numbers },
        ...(substitute_skus !== undefined && { substitute_skus }),
      }),
      undefined,
    )
    return [holding.overall.isFulfillableKnown, holding.byWarehouse.get('wh_a')?.isFulfillableKnown]
  }
  for (const none of [undefined, null, []]) t.strictSame(known(none), [true, true])
  t.strictSame(known(['B']), [false, false])
})

t.test('keeps warehouses apart that are called like what objects have of their own', async (t) => {
  const breakdown = JSON.parse('{"__proto__": {"fulfillable": 3}, "constructor": {"fulfillable": 4}}')
  const { byWarehouse, selected: counted } = toItemAmounts(
    item('a', { inventory_by_warehouse_id: breakdown }),
    new Set(['__proto__', 'toString']),
  )
  t.strictSame([...byWarehouse.keys()], ['__proto__', 'constructor'])
  t.equal(counted.fulfillable, 3)
})
