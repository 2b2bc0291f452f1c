import tap from 'tap'
import { ReadContext } from '../../src/cache/read-context.js'
import { type Problem, problem } from '../../src/errors.js'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'
import type { SyncState } from '../../src/records/sync-state.js'
import { StockCache } from '../../src/services/stock-cache.js'
import { getStocks, type StockOptions, type StockRecords } from '../../src/services/stocks.js'
import { item, reference } from '../stock/fixtures.js'

const kit = (id: string, ...ids: string[]): Product => ({
  id,
  is_kit: true,
  inventory_items: ids.map((itemId) => reference(itemId, itemId)),
})

const warehouses = new Map([['w', { id: 'w', name: 'West' }]])

const context = new ReadContext('caller', Number.POSITIVE_INFINITY)

interface Given {
  readonly products?: Record<string, readonly Product[] | Problem>
  readonly items?: Record<string, InventoryItem | Problem>
  readonly readAt?: Record<string, number>
  readonly stale?: readonly string[]
  readonly connection?: SyncState
}

function ask(
  { products = {}, items = {}, readAt = {}, stale = [], connection }: Given,
  options: StockOptions = {},
  cache?: StockCache,
) {
  const calls: string[][] = []
  const read =
    <T>(from: Record<string, T | Problem>) =>
    async (keys: Iterable<string>, context: ReadContext) => {
      calls.push([context.caller, ...keys])
      const known = (key: string) => {
        const value = from[key]
        if (value instanceof Error) return value
        return { value, readAt: readAt[key] ?? 5000, stale: stale.includes(key) }
      }
      return new Map(Array.from(keys, (key) => [key, known(key)]))
    }
  const records: StockRecords = {
    connection: 'default',
    productsBySku: read(products),
    itemsById: read(items),
    warehouses: async () => warehouses,
    connectionState: () => connection,
    confirmProducts: async () => false,
    incomplete: () => connection?.incomplete ?? [],
  }
  const result = (...skus: string[]) => getStocks(records, new Set(skus), options, context, cache && { cache })
  return { calls, result }
}

tap.test('reads all products first, then all of their items in one batch', async (t) => {
  const { calls, result } = ask({
    products: { A: [kit('p1', 'i1', 'i2')], B: [kit('p2', 'i2', 'i3')] },
    items: {
      i1: item('i1', { fulfillable: 3 }),
      i2: item('i2', { fulfillable: 2 }),
      i3: item('i3', { fulfillable: 9 }),
    },
  })
  const outcomes = await result('B', 'A')
  t.strictSame(calls, [
    ['caller', 'B', 'A'],
    ['caller', 'i2', 'i3', 'i1'],
  ])
  t.strictSame([...outcomes.keys()], ['B', 'A'])
  t.match(outcomes.get('A'), { status: 'ok', stock: { sku: 'A', available: 2 } })
})

tap.test('is as old as its oldest record, and stale if any record is', async (t) => {
  const given = {
    products: { A: [kit('p1', 'i1', 'i2')] },
    items: { i1: item('i1'), i2: item('i2') },
    readAt: { A: 3000, i1: 2000, i2: 4000 },
  }
  t.match((await ask(given).result('A')).get('A'), {
    readAt: 2000,
    stock: { as_of: '1970-01-01T00:00:02.000Z', stale: false },
  })
  t.match((await ask({ ...given, stale: ['i2'] }).result('A')).get('A'), { stock: { stale: true } })
  t.match((await ask({ ...given, stale: ['A'] }).result('A')).get('A'), { stock: { stale: true } })
  const missing = { ...given, items: { i1: item('i1') }, readAt: { A: 3000, i1: 4000, i2: 1000 } }
  t.match((await ask(missing).result('A')).get('A'), {
    readAt: 1000,
    stock: { complete: false, issues: [{}, { code: 'inventory_item_missing' }] },
  })
})

tap.test('reports the outcome of each SKU and when it was read', async (t) => {
  const gone = problem('upstream_unavailable', 'gone')
  const products = {
    none: [],
    two: [
      { id: 'p1', warehouse_customer_id: 'a' },
      { id: 'p2', warehouse_customer_id: 'b' },
    ],
    broken: gone,
    half: [kit('p3', 'i1', 'bad')],
  }
  const { result } = ask({ products, items: { i1: item('i1'), bad: gone }, readAt: { none: 1, two: 2 } })
  const outcomes = await result('none', 'unheard', 'two', 'broken', 'half')
  t.strictSame(outcomes.get('none'), { status: 'not_found', readAt: 1 })
  t.strictSame(outcomes.get('unheard'), { status: 'not_found', readAt: 5000 })
  t.match(outcomes.get('two'), {
    status: 'ambiguous',
    products: [{ id: 'p1' }, { id: 'p2' }],
    readAt: 2,
  })
  t.strictSame(outcomes.get('broken'), { status: 'unavailable', error: gone })
  t.strictSame(outcomes.get('half'), { status: 'unavailable', error: gone })
})

tap.test('applies the merchant, the warehouses and the included details', async (t) => {
  const tea = item('i1', {
    fulfillable: 5,
    inventory_by_warehouse_id: { w: { fulfillable: 3 }, x: { fulfillable: 2 } },
    lots: [{ lot_id: 'l', warehouse_id: 'w' }],
  })
  const product = (id: string, merchant: string): Product => ({
    ...kit(id, 'i1'),
    is_kit: false,
    warehouse_customer_id: merchant,
  })
  const given = { products: { A: [product('p1', 'a'), product('p2', 'b')] }, items: { i1: tea } }
  const options = { warehouseCustomerId: 'b', warehouseIds: ['w'], include: { lots: true } }
  t.match((await ask(given, options).result('A')).get('A'), {
    stock: {
      product: { id: 'p2' },
      available: 3,
      warehouses: [{ warehouse_id: 'w', name: 'West' }],
      lots: [{ lot_id: 'l' }],
    },
  })
})

tap.test('passes on the sync state of Trackstar', async (t) => {
  const connection: SyncState = { syncedAt: 'then', errors: [], incomplete: ['inventory'] }
  const products = { A: [kit('p1', 'i1')] }
  t.match((await ask({ products, connection }).result('A')).get('A'), {
    stock: { source: { synced_at: 'then', errors: [] }, complete: false },
  })
  t.match((await ask({ products }).result('A')).get('A'), { stock: { source: null } })
})

tap.test('treats a key without a result as unavailable', async (t) => {
  const nothing: StockRecords = {
    connection: 'default',
    productsBySku: async () => new Map(),
    itemsById: async () => new Map(),
    warehouses: async () => new Map(),
    connectionState: () => undefined,
    confirmProducts: async () => false,
    incomplete: () => [],
  }
  t.match((await getStocks(nothing, new Set(['A']), {}, context)).get('A'), {
    status: 'unavailable',
    error: { message: 'the catalog returned no result for a key' },
  })
})

tap.test('caches only stocks without further options', async (t) => {
  const cache = new StockCache(10)
  const given = { products: { A: [kit('p', 'i')] }, items: { i: item('i', { fulfillable: 3 }) } }
  const stockOf = async (records: Given, options: StockOptions = {}) => {
    const outcome = (await ask(records, options, cache).result('A')).get('A')
    return outcome?.status === 'ok' ? outcome.stock : undefined
  }
  const first = await stockOf(given)
  t.equal(first?.available, 3)
  t.equal(
    await stockOf(given, { warehouseIds: [], include: { lots: false } }),
    first,
    'an empty list includes no details',
  )
  t.equal((await stockOf(given, { warehouseIds: ['w'] }))?.available, 0)
  t.ok((await stockOf(given, { include: { lots: true } }))?.lots)
  t.ok((await stockOf(given, { include: { locations: true } }))?.locations)
  const connection = { syncedAt: null, incomplete: ['products'], errors: [] }
  t.notOk((await stockOf({ ...given, connection }))?.complete)
  t.equal(
    (await stockOf({ ...given, items: { i: item('i', { fulfillable: 4 }) } }))?.available,
    4,
    'the record is newer',
  )
  t.equal((await stockOf({ ...given, readAt: { i: 4000 } }))?.as_of, '1970-01-01T00:00:04.000Z')
  t.ok((await stockOf({ ...given, stale: ['i'] }))?.stale)
})
