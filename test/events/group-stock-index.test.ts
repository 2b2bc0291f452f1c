import fc from 'fast-check'
import tap from 'tap'
import { GroupStockIndex } from '../../src/events/group-stock-index.js'
import { StockIndex } from '../../src/events/stock-index.js'
import { merchantOf, skuOf } from '../../src/records/fields.js'
import type { Product } from '../../src/records/product.js'
import {
  fromCursor,
  type LowStockQuery,
  listGroupLowStock,
  listLowStock,
  toCursor,
} from '../../src/services/low-stock.js'
import { runToEnd, type Steps } from '../../src/steps.js'
import { combineStocks } from '../../src/stock/group-stock.js'
import { selectProduct } from '../../src/stock/selection.js'
import { compose, item } from '../stock/fixtures.js'
import { simple, type TestView, viewOf } from '../stock/view.js'

/** Connections without a product, and their group. */
function start(...names: string[]) {
  const members = names.map((connection) => {
    const view = viewOf([], [])
    return { connection, view, index: new StockIndex(view) }
  })
  const group = new GroupStockIndex(members)
  const steps = (query: Partial<LowStockQuery> = {}) => listGroupLowStock(group, { below: 1e9, limit: 1000, ...query })
  const rows = (query: Partial<LowStockQuery> = {}) => runToEnd(steps(query)).entries
  return {
    members,
    group,
    steps,
    rows,
    low: (query: Partial<LowStockQuery> = {}) => rows(query).map(({ sku, available }) => [sku, available]),
    /** Sets what a connection has of a product, or removes it. */
    set: (n: number, id: string, units: Units | null, fields: Partial<Product> = {}) => {
      const member = members[n]
      if (member) change(member, id, units, fields)
    },
  }
}

type Units = number | Readonly<Record<string, number>>

function change(
  { view, index }: { readonly view: TestView; readonly index: StockIndex },
  id: string,
  units: Units | null,
  fields: Partial<Product>,
) {
  const sku = String(fields.sku ?? id)
  const before = view.products.get(id)
  if (units === null) view.products.delete(id)
  else view.products.set(id, simple(id, { sku, ...fields }))
  if (typeof units === 'number') view.items.set(id, item(id, { fulfillable: units }))
  else if (units !== null) {
    const breakdown = Object.entries(units).map(([warehouse, fulfillable]) => [warehouse, { fulfillable }])
    const fulfillable = Object.values(units).reduce((sum, one) => sum + one, 0)
    view.items.set(id, item(id, { fulfillable, inventory_by_warehouse_id: Object.fromEntries(breakdown) }))
  }
  // As the stock feed does: all products that share a SKU with it, or did.
  const skus = new Set([sku, before ? String(skuOf(before)) : sku])
  for (const one of new Set([id, ...[...skus].flatMap((shared) => index.idsOf(shared))])) index.update(one)
}

tap.test('lists a SKU by its sum over the connections that have it, lowest first', async (t) => {
  const { rows, low, set } = start('au', 'us', 'ca')
  set(0, 'tea', 3)
  set(1, 'tea', 9)
  set(1, 'cup', 5)
  set(2, 'cup', -4)
  t.strictSame(low(), [
    ['cup', 5],
    ['tea', 12],
  ])
  t.strictSame(low({ below: 12 }), [['cup', 5]])
  t.match(rows()[0], {
    quantities: { fulfillable: 1 },
    first: { connection: 'us', productId: 'cup' },
    members: [
      { connection: 'au', status: 'not_found' },
      { connection: 'us', status: 'ok', available: 5 },
      { connection: 'ca', status: 'ok', available: 0, quantities: { fulfillable: -4 } },
    ],
  })
})

tap.test('follows changes of stock, of products and of SKUs', async (t) => {
  const { low, set } = start('au', 'us')
  set(0, 'tea', 3)
  t.strictSame(low(), [['tea', 3]])
  set(1, 'tea', 4)
  set(1, 'cup', 1)
  t.strictSame(low(), [
    ['cup', 1],
    ['tea', 7],
  ])
  set(1, 'cup', 1, { sku: 'tea2' })
  set(0, 'tea', null)
  t.strictSame(low(), [
    ['tea2', 1],
    ['tea', 4],
  ])
})

tap.test('a connection for which the SKU is ambiguous is named, and no merchant is counted for another', async (t) => {
  const { rows, low, set } = start('au', 'us')
  set(0, 'tea', 3, { warehouse_customer_id: 'm1', active: true })
  set(1, 'a', 5, { sku: 'tea', warehouse_customer_id: 'm2', active: true })
  t.strictSame(low(), [['tea', 8]], 'each connection has its own ids of merchants')
  set(1, 'b', 7, { sku: 'tea', warehouse_customer_id: 'm2', active: true })
  t.match(rows(), [{ available: 3, members: [{ status: 'ok' }, { connection: 'us', status: 'ambiguous' }] }])
  set(1, 'b', 7, { sku: 'tea', warehouse_customer_id: 'm1', active: true })
  t.match(rows(), [
    { sku: 'tea', available: 5, first: { warehouseCustomerId: 'm2' } },
    { sku: 'tea', available: 10, first: { warehouseCustomerId: 'm1' } },
  ])
  t.strictSame(low({ warehouseCustomerId: 'm1' }), [['tea', 10]])
  set(1, 'b', null, { sku: 'tea' })
  t.strictSame(low(), [['tea', 8]])
})

const anyChange = fc.record({
  connection: fc.nat({ max: 2 }),
  id: fc.constantFrom('p1', 'p2', 'p3', 'p4'),
  sku: fc.constantFrom('A', 'B', 'C'),
  units: fc.option(fc.record({ w: fc.integer({ min: -2, max: 6 }), x: fc.integer({ min: -2, max: 6 }) })),
  warehouse_customer_id: fc.constantFrom(null, 'm1', 'm2'),
  active: fc.boolean(),
  isAsked: fc.boolean(),
})
const anySelection = fc.record({
  warehouseIds: fc.constantFrom(undefined, ['w'], ['x', 'n']),
  warehouseCustomerId: fc.constantFrom(undefined, 'm1'),
})

/** What the stock of a group says of a SKU, with `merchant` for an ambiguous one. */
function sumOf(
  members: ReturnType<typeof start>['members'],
  sku: string,
  merchant: string | null | undefined,
  warehouseIds: readonly string[] | undefined,
) {
  const answers = members.map(({ connection, view }) => {
    const all = (view.findProducts(sku).value ?? []).filter(
      (product) => merchant === undefined || merchantOf(product) === merchant,
    )
    const selection = selectProduct(all)
    const problem = {} as never
    if (selection.status !== 'ok') return { connection, status: selection.status, problem }
    const stock = compose(selection.product, [...view.items.values()], warehouseIds ? { warehouseIds } : {})
    return { connection, status: 'ok' as const, stock: { ...stock, sku } }
  })
  return combineStocks('group', answers)
}

tap.test('agrees with the stock of the group after any changes', async () => {
  fc.assert(
    fc.property(fc.array(anyChange, { maxLength: 25 }), anySelection, (changes, selection) => {
      const { members, rows, set } = start('au', 'us', 'ca')
      for (const { connection, id, units, isAsked, ...fields } of changes) {
        set(connection, id, units, fields)
        if (isAsked) rows(selection)
      }
      const { warehouseIds, warehouseCustomerId } = selection
      const expected = ['A', 'B', 'C'].flatMap((sku) => {
        const ofMembers = members.map(({ view }) => (view.findProducts(sku).value ?? []).map(merchantOf))
        const isShared = ofMembers.some((merchants) => new Set(merchants).size > 1)
        const merchants =
          warehouseCustomerId === undefined
            ? isShared
              ? [...new Set(ofMembers.flat())]
              : [undefined]
            : [warehouseCustomerId]
        return merchants.flatMap((merchant) => {
          const stock = sumOf(members, sku, merchant, warehouseIds)
          return stock ? [JSON.stringify([sku, stock.available, stock.quantities, stock.product.id])] : []
        })
      })
      const listed = rows(selection)
      const isSorted = listed.every((row, n) => n === 0 || (listed[n - 1]?.available ?? 0) <= row.available)
      const found = listed.map((row) => JSON.stringify([row.sku, row.available, row.quantities, row.first.productId]))
      return isSorted && JSON.stringify(found.toSorted()) === JSON.stringify(expected.toSorted())
    }),
  )
})

tap.test('one connection alone is that connection', async () => {
  fc.assert(
    fc.property(fc.array(anyChange, { maxLength: 25 }), anySelection, (changes, selection) => {
      const { members, rows, set } = start('au')
      for (const { id, units, isAsked, connection: _, ...fields } of changes) {
        set(0, id, units, fields)
        if (isAsked) rows(selection)
      }
      const index = members[0]?.index
      if (index === undefined) return false
      const own = runToEnd(listLowStock(index, { below: 1e9, limit: 1000, ...selection })).entries
      const lineOf = ({ available, quantities, sku }: (typeof own)[number], productId: string) =>
        JSON.stringify([productId, sku, available, quantities])
      const ofGroup = rows(selection).map((row) =>
        JSON.stringify([row.first.productId, row.sku, row.available, row.quantities]),
      )
      return (
        JSON.stringify(ofGroup.toSorted()) === JSON.stringify(own.map((one) => lineOf(one, one.productId)).toSorted())
      )
    }),
  )
})

tap.test('pages list each SKU that does not change once and in order while others change', async () => {
  const units = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })), { maxLength: 25 })
  const moves = fc.array(
    fc.array(fc.tuple(fc.nat({ max: 1 }), fc.nat({ max: 24 }), fc.nat({ max: 6 })), { maxLength: 5 }),
  )
  fc.assert(
    fc.property(units, moves, fc.integer({ min: 1, max: 6 }), (counts, rounds, limit) => {
      const { set, steps } = start('au', 'us')
      for (const [n, [au, us]] of counts.entries()) {
        set(0, `s${n}`, au)
        set(1, `s${n}`, us)
      }
      const moved = new Set<string>()
      const seen: { sku: string; available: number }[] = []
      let after: LowStockQuery['after']
      for (let round = 0; ; round++) {
        const { entries, next } = runToEnd(steps({ below: 6, limit, after }))
        if (entries.length > limit) return false
        seen.push(...entries)
        if (next === undefined) break
        after = fromCursor(toCursor(next))
        for (const [connection, n, count] of rounds[round] ?? []) {
          if (n >= counts.length) continue
          set(connection, `s${n}`, count)
          moved.add(`s${n}`)
        }
      }
      const expected = counts.flatMap(([au, us], n) => (au + us < 6 && !moved.has(`s${n}`) ? [`s${n}`] : []))
      const isSorted = seen.every((one, n) => n === 0 || (seen[n - 1]?.available ?? 0) <= one.available)
      return isSorted && expected.every((sku) => seen.filter((one) => one.sku === sku).length === 1)
    }),
  )
})

tap.test('computes each SKU once for requests at the same time, and then only what has changed', async (t) => {
  const { members, group, steps, set } = start('au', 'us')
  for (let n = 0; n < 300; n++) for (const connection of [0, 1]) set(connection, `s${n}`, n)
  let looks = 0
  for (const { view } of members) {
    const { findProducts } = view
    view.findProducts = (sku) => {
      looks++
      return findProducts(sku)
    }
  }
  const requests: Steps<unknown>[] = Array.from({ length: 20 }, () => group.orderIn({}).current())
  while (requests.some((one) => !one.next().done));
  t.equal(looks, 600)
  looks = 0
  t.equal(runToEnd(steps({ limit: 10 })).entries.length, 10)
  t.equal(looks, 20, 'one for each connection and entry')
  set(1, 's7', 900)
  looks = 0
  t.match(runToEnd(steps({ limit: 1 })).entries, [{ sku: 's0' }])
  t.equal(looks, 4, 'and the SKU that has changed')
  t.ok(Array.from(steps({ warehouseIds: ['w'] })).length > 300, 'can be interrupted')
})

tap.test('takes note of nothing after it was closed', async (t) => {
  const { group, low, set } = start('au')
  set(0, 'tea', 3)
  t.strictSame(low(), [['tea', 3]])
  group.close()
  set(0, 'cup', 1)
  t.strictSame(low(), [['tea', 3]])
})
