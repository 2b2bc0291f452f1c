import fc from 'fast-check'
import t from 'tap'
import { problem, problemBody } from '../../src/errors.js'
import {
  type ConnectionAnswer,
  combineStocks,
  type FailedAnswer,
  failureOf,
  sumQuantities,
} from '../../src/stock/group-stock.js'
import type { Stock } from '../../src/stock/stock.js'
import { compose, item, kit, plain, quantities, reference } from './fixtures.js'

const names = ['onhand', 'committed', 'unfulfillable', 'fulfillable', 'sellable', 'awaiting'] as const
const lists = ['warehouses', 'components', 'issues', 'lots', 'locations'] as const

/** In hundredths, so that a sum can be checked with integers. */
const hundredths = fc.integer({ min: -20_000, max: 90_000 })
const stated = fc.record(Object.fromEntries(names.map((name) => [name, fc.option(hundredths)])))
const warehouseId = fc.constantFrom('wh_a', 'wh_b', 'wh_c')
const day = fc.constantFrom('2026-12-01', '2027-01-01', '2027-06-30', 'soon', undefined)

const scaled = (amounts: Record<string, number | null>) =>
  Object.fromEntries(Object.entries(amounts).map(([name, value]) => [name, value === null ? null : value / 100]))

/** A stock as one connection composes it. */
const stock = fc
  .record({
    amounts: stated,
    parts: fc.dictionary(warehouseId, stated, { maxKeys: 3 }),
    lots: fc.array(fc.record({ warehouse_id: warehouseId, expiration_date: day }), { maxLength: 3 }),
    needed: fc.constantFrom<unknown>(1, 2, 0.5, 0),
    isKit: fc.boolean(),
    asOf: fc.integer({ min: 0, max: 99 }),
    stale: fc.boolean(),
    selected: fc.constantFrom(undefined, ['wh_a', 'wh_z']),
  })
  .map(({ amounts, parts, lots, needed, isKit, asOf, stale, selected }) => {
    const breakdown = Object.fromEntries(Object.entries(parts).map(([id, part]) => [id, scaled(part)]))
    const items = [
      item('a', { ...scaled(amounts), inventory_by_warehouse_id: breakdown, lots } as Parameters<typeof item>[1]),
      item('b', {
        fulfillable: 7,
        onhand: 9,
        locations: [{ location_id: 'A-1', quantity: 0.5, warehouse_id: 'wh_a' }],
      }),
    ]
    return compose((isKit ? kit : plain)(reference('a', 'A', needed), reference('b', 'B')), items, {
      include: { lots: true, locations: true },
      asOf: `2026-11-23T10:00:${String(asOf % 60).padStart(2, '0')}.000Z`,
      stale,
      warehouseIds: selected,
      toleratesUnknownWarehouses: true,
      source: { synced_at: null, errors: [] },
    })
  })

const failures = {
  not_found: problem('product_not_found', 'There is none'),
  ambiguous: problem('sku_ambiguous', 'There are two', { candidates: [] }),
  down: problem('upstream_unavailable', 'It is down', { retryAfter: 1 }),
  refused: problem('upstream_auth_failed', 'It refuses'),
  slow: problem('upstream_timeout', 'It is slow'),
}
type Failure = keyof typeof failures
const statusOf = (failure: Failure): FailedAnswer['status'] =>
  failure === 'not_found' || failure === 'ambiguous' ? failure : 'unavailable'
const failed = (failure: Failure) => ({
  status: statusOf(failure),
  problem: problemBody(failures[failure], 'request', undefined),
})
const failure = fc.constantFrom(...(Object.keys(failures) as Failure[])).map(failed)
const having = stock.map((one) => ({ status: 'ok' as const, stock: one }))
const answersOf = (outcomes: readonly (object & { readonly status: string })[]) =>
  outcomes.map((outcome, index) => ({ ...outcome, connection: `c${index}` })) as ConnectionAnswer[]
const answers = fc
  .array(fc.oneof({ weight: 3, arbitrary: having }, failure), { minLength: 1, maxLength: 5 })
  .map(answersOf)
const stocksIn = (given: readonly ConnectionAnswer[]) =>
  given.flatMap((answer) => (answer.status === 'ok' ? [answer.stock] : []))

t.test('sums exactly, over the connections that have the SKU', async (t) => {
  fc.assert(
    fc.property(answers, (given) => {
      const stocks = stocksIn(given)
      const combined = combineStocks('group', given)
      if (combined === undefined) return stocks.length === 0
      for (const name of names) {
        const values = stocks.flatMap(({ quantities: own }) => own[name] ?? [])
        const expected =
          values.length === 0 ? null : values.reduce((sum, value) => sum + Math.round(value * 100), 0) / 100
        t.equal(combined.quantities[name], expected)
      }
      t.equal(
        combined.available,
        stocks.reduce((sum, { available }) => sum + available, 0),
      )
      return true
    }),
  )
  t.equal(sumQuantities([quantities({ onhand: 0.1 }), quantities({ onhand: 0.2 })]).onhand, 0.3)
})

t.test('has all entries of all connections, each with its connection, in the order of the group', async (t) => {
  fc.assert(
    fc.property(answers, (given) => {
      const combined = combineStocks('group', given)
      if (combined === undefined) return
      for (const list of lists) {
        const entries: readonly { readonly connection?: string }[] = combined[list] ?? []
        if (list !== 'lots') {
          const order = entries.map(({ connection }) => connection)
          t.strictSame(order, order.toSorted())
        }
        for (const answer of given) {
          if (answer.status !== 'ok') continue
          const own = entries.filter(({ connection }) => connection === answer.connection)
          t.strictSame(
            own,
            (answer.stock[list] ?? []).map((entry) => ({ ...entry, connection: answer.connection })),
          )
        }
      }
      const dates = (combined.lots ?? []).map(
        (lot) => Date.parse(lot.expiration_date ?? '') || Number.POSITIVE_INFINITY,
      )
      t.strictSame(
        dates,
        dates.toSorted((a, b) => (a < b ? -1 : Number(a > b))),
        'first-expiring first, whosever it is',
      )
      t.strictSame(
        combined.connections?.map(({ connection }) => connection),
        given.map(({ connection }) => connection),
      )
    }),
  )
})

t.test('is complete only if all connections have answered and are complete', async (t) => {
  fc.assert(
    fc.property(answers, fc.subarray(['wh_y', 'wh_z']), (given, unknown) => {
      const combined = combineStocks('group', given, unknown)
      if (combined === undefined) return
      const unanswered = given.filter(({ status }) => status === 'ambiguous' || status === 'unavailable')
      const stocks = stocksIn(given)
      const isComplete = unanswered.length + unknown.length === 0 && stocks.every(({ complete }) => complete)
      t.equal(combined.complete, isComplete)
      t.equal(
        combined.complete,
        combined.connections?.every(({ complete }) => complete),
      )
      const codesOf = (code: string) => combined.issues.filter((issue) => issue.code === code)
      t.strictSame(
        codesOf('connection_unanswered').map(({ connection }) => connection),
        unanswered.map(({ connection }) => connection),
      )
      t.equal(codesOf('warehouse_unknown').length, stocks.length * unknown.length)
      t.equal(
        combined.stale,
        stocks.some(({ stale }) => stale),
      )
      t.equal(combined.as_of, stocks.map(({ as_of }) => as_of).toSorted()[0])
    }),
  )
})

t.test('one connection alone is that connection, but for the names and the added fields', async (t) => {
  fc.assert(
    fc.property(having, fc.array(fc.constant(failed('not_found')), { maxLength: 2 }), (own, others) => {
      const combined = combineStocks('group', answersOf([own, ...others]))
      const { connections, ...rest } = combined as Stock
      const unnamed = Object.fromEntries(
        lists.map((list) => [list, (rest[list] ?? []).map(({ connection: _, ...entry }) => entry)]),
      )
      const { limiting, source } = connections?.[0] ?? {}
      t.strictSame({ ...rest, ...unnamed, limiting, source, connection: own.stock.connection }, own.stock)
    }),
  )
})

t.test('another order of the connections changes nothing but orders, and which product is named', async (t) => {
  const text = (value: unknown) => JSON.stringify(value)
  const unordered = (stock: Stock | undefined) =>
    stock && {
      ...stock,
      product: null,
      ...Object.fromEntries(
        [...lists, 'connections' as const].map((list) => [list, (stock[list] ?? []).map(text).toSorted()]),
      ),
    }
  fc.assert(
    fc.property(answers, fc.array(fc.nat(), { minLength: 5, maxLength: 5 }), (given, keys) => {
      const shuffled = given
        .map((answer, index) => ({ answer, key: keys[index] ?? 0 }))
        .toSorted((a, b) => a.key - b.key)
        .map(({ answer }) => answer)
      t.strictSame(unordered(combineStocks('group', shuffled)), unordered(combineStocks('group', given)))
    }),
  )
})

t.test('without a stock, the problem is that of a connection that may answer later', async (t) => {
  const problemOf = (...given: Failure[]) => failureOf(given.map(failed))?.problem.code
  t.equal(problemOf('not_found', 'not_found'), 'product_not_found')
  t.equal(problemOf('not_found', 'ambiguous'), 'sku_ambiguous')
  t.equal(problemOf('ambiguous', 'not_found', 'down'), 'upstream_unavailable', '503 before 409')
  t.equal(problemOf('ambiguous', 'refused', 'slow'), 'upstream_auth_failed')
  t.equal(problemOf('refused', 'slow', 'down'), 'upstream_unavailable')
  t.equal(combineStocks('group', answersOf([failed('down'), failed('not_found')])), undefined)
})
