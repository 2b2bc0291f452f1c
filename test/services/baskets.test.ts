import tap from 'tap'
import { ReadContext } from '../../src/cache/read-context.js'
import { type Problem, problem } from '../../src/errors.js'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'
import { checkBasketLines, type RequestedLine } from '../../src/services/baskets.js'
import type { StockRecords } from '../../src/services/stocks.js'
import { item, reference } from '../stock/fixtures.js'
import { simple } from '../stock/view.js'

const context = new ReadContext('caller', Number.POSITIVE_INFINITY)

interface Given {
  readonly products?: Record<string, readonly Product[] | Problem>
  readonly items?: Record<string, InventoryItem | Problem>
  readonly readAt?: Record<string, number>
  readonly stale?: readonly string[]
  readonly incomplete?: readonly string[]
}

/** Checks a basket against records that are as given. */
function start({ products = {}, items = {}, readAt = {}, stale = [], incomplete = [] }: Given) {
  const calls: string[][] = []
  const read =
    <T>(from: Record<string, T | Problem>) =>
    async (keys: Iterable<string>, context: ReadContext) => {
      calls.push([context.caller, ...keys])
      const known = (key: string) => {
        const value = from[key]
        return value instanceof Error ? value : { value, readAt: readAt[key] ?? 5000, stale: stale.includes(key) }
      }
      return new Map(Array.from(keys, (key) => [key, known(key)]))
    }
  const records: StockRecords = {
    connection: 'default',
    productsBySku: read(products),
    itemsById: read(items),
    warehouses: async () => new Map([['w', { id: 'w' }]]),
    connectionState: () => undefined,
    confirmProducts: async () => false,
    incomplete: () => incomplete,
  }
  const check = (lines: readonly RequestedLine[], warehouseIds?: readonly string[]) =>
    checkBasketLines(records, lines, warehouseIds, context)
  return { calls, check }
}

const line = (sku: string, quantity = 1, warehouseCustomerId?: string): RequestedLine => ({
  sku,
  quantity,
  warehouseCustomerId,
})
const tea = { A: [simple('a')], B: [simple('b', { inventory_items: [reference('a'), reference('b')] })] }
const teaItems = { a: item('a', { fulfillable: 5 }), b: item('b', { fulfillable: 2 }) }

tap.test('reads all products first, then all of their items in one batch', async (t) => {
  const { calls, check } = start({ products: tea, items: teaItems })
  const { result, failures } = await check([line('B', 2), line('A', 3), line('B', 1)])
  t.strictSame(calls, [
    ['caller', 'B', 'A'],
    ['caller', 'a', 'b'],
  ])
  t.equal(failures.size, 0)
  t.match(result, {
    fulfillable: true,
    complete: true,
    lines: [
      { sku: 'B', requested: 2, available: 7, fulfillable: true },
      { sku: 'A', requested: 3, available: 5, fulfillable: true },
      { sku: 'B', requested: 1, available: 7, fulfillable: true },
    ],
  })
})

tap.test('is as old as its oldest record, and stale if any record is', async (t) => {
  const readAt = { A: 3000, a: 2000, B: 4000, b: 4000 }
  const lines = [line('A'), line('B')]
  t.match(await start({ products: tea, items: teaItems, readAt }).check(lines), { readAt: 2000, stale: false })
  for (const key of ['A', 'a', 'b']) {
    const { check } = start({ products: tea, items: teaItems, readAt, stale: [key] })
    t.match(await check(lines), { stale: true }, key)
  }
  const missing = start({ products: tea, items: { a: teaItems.a }, readAt: { ...readAt, b: 1000 } })
  t.match(await missing.check(lines), { readAt: 1000, result: { complete: false } })
})

tap.test('reports why a line has no product, and is not fulfillable', async (t) => {
  const gone = problem('upstream_unavailable', 'gone')
  const two = [
    simple('x', { sku: 'T', warehouse_customer_id: 'm1' }),
    simple('y', { sku: 'T', warehouse_customer_id: 'm2' }),
  ]
  const { check } = start({
    products: { ...tea, none: [], T: two, broken: gone },
    items: { ...teaItems, x: item('x', { fulfillable: 1 }) },
    readAt: { none: 2000, T: 3000 },
  })
  const { result, failures, readAt } = await check([
    line('none', 7),
    line('A', 5),
    line('T'),
    line('T', 1, 'm1'),
    line('T', 1, 'm3'),
    line('broken'),
    line('A', 6),
  ])
  t.strictSame([...failures.keys()], [0, 2, 4, 5])
  t.match(failures.get(0), { status: 'not_found' })
  t.match(failures.get(2), { status: 'ambiguous', products: [{ id: 'x' }, { id: 'y' }] })
  t.match(failures.get(4), { status: 'not_found' })
  t.match(failures.get(5), { status: 'unavailable', error: gone })
  t.strictSame(
    result.lines.map(({ sku, requested, available, fulfillable }) => [sku, requested, available, fulfillable]),
    [
      ['none', 7, 0, false],
      ['A', 5, 5, true],
      ['T', 1, 0, false],
      ['T', 1, 1, true],
      ['T', 1, 0, false],
      ['broken', 1, 0, false],
      ['A', 6, 5, false],
    ],
  )
  t.match(result, { fulfillable: false, complete: false })
  t.equal(readAt, 2000)
})

tap.test('is complete without a SKU that does not exist, but not without one that is unavailable', async (t) => {
  const lines = [line('A'), line('none')]
  t.match((await start({ products: tea, items: teaItems }).check(lines)).result, {
    fulfillable: false,
    complete: true,
  })
  const down = start({ products: { ...tea, none: problem('upstream_unavailable', 'down') }, items: teaItems })
  t.match((await down.check(lines)).result, { fulfillable: false, complete: false })
})

tap.test('fails only the lines with an item that is unavailable', async (t) => {
  const gone = problem('upstream_unavailable', 'gone')
  const { check } = start({ products: tea, items: { ...teaItems, b: gone }, readAt: { B: 1000 } })
  const { result, failures, readAt } = await check([line('B'), line('A')])
  t.strictSame([...failures], [[0, { status: 'unavailable', error: gone }]])
  t.match(result, {
    fulfillable: false,
    complete: false,
    lines: [{ available: 0 }, { available: 5, fulfillable: true }],
  })
  t.equal(readAt, 5000, 'a record that is not in the answer does not make it older')
})

tap.test('has no read time if no line is available', async (t) => {
  const { check } = start({ products: { A: problem('upstream_unavailable', 'down') } })
  t.match(await check([line('A')]), { readAt: Number.POSITIVE_INFINITY, stale: false })
})

tap.test('counts the selected warehouses and reports an unfinished first sync', async (t) => {
  const split = item('a', {
    fulfillable: 5,
    inventory_by_warehouse_id: { w: { fulfillable: 3 }, x: { fulfillable: 2 } },
  })
  const { check } = start({ products: tea, items: { a: split }, incomplete: ['inventory'] })
  t.match(await check([line('A', 4)]), {
    result: { fulfillable: true, complete: false, issues: [{ code: 'upstream_sync_incomplete' }] },
  })
  t.match(await check([line('A', 4)], ['w']), { result: { fulfillable: false, lines: [{ available: 3 }] } })
})

tap.test('treats a key without a result as unavailable', async (t) => {
  const nothing: StockRecords = {
    connection: 'default',
    productsBySku: async (keys) => new Map(Array.from(keys, (key) => [key, { value: tea.A, readAt: 1, stale: false }])),
    itemsById: async () => new Map(),
    warehouses: async () => new Map(),
    connectionState: () => undefined,
    confirmProducts: async () => false,
    incomplete: () => [],
  }
  const { failures } = await checkBasketLines(nothing, [line('A')], undefined, context)
  t.match(failures.get(0), { status: 'unavailable', error: { message: 'the catalog returned no result for a key' } })
})
