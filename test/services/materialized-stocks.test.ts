import fc from 'fast-check'
import tap from 'tap'
import type { FreshnessPolicy } from '../../src/cache/freshness.js'
import { type Directives, ReadContext } from '../../src/cache/read-context.js'
import { createCacheMemory, RecordCache } from '../../src/cache/record-cache.js'
import { SharedMemory } from '../../src/cache/shared-memory.js'
import { CatalogRecords } from '../../src/mirror/catalog-records.js'
import { MirrorStore } from '../../src/mirror/mirror-store.js'
import type { Product } from '../../src/records/product.js'
import type { SyncState } from '../../src/records/sync-state.js'
import type { Warehouse } from '../../src/records/warehouse.js'
import { MaterializedStocks, type MaterializedStocksOptions } from '../../src/services/materialized-stocks.js'
import { StockJson } from '../../src/services/stock-json.js'
import { composeStock } from '../../src/stock/compose.js'
import { TestClock } from '../harness.js'
import { item, kit, reference } from '../stock/fixtures.js'
import { simple } from '../stock/view.js'

const policy: FreshnessPolicy = { ttlMs: 60_000, revalidateMs: 1000, maxStaleMs: 3600_000, negativeTtlMs: 1000 }

/** A live mirror of these products, and the stocks that are made of it. */
function mirrorOf(
  products: readonly Product[],
  items: readonly ReturnType<typeof item>[],
  options: Partial<MaterializedStocksOptions> = {},
) {
  const clock = new TestClock()
  const cache = new RecordCache(createCacheMemory(10_000_000), policy, clock)
  const unsettled = new Set<string>()
  const state = {
    warehouses: new Map<string, Warehouse>() as ReadonlyMap<string, Warehouse> | undefined,
    connection: undefined as SyncState | undefined,
    incomplete: [] as string[],
    composed: 0,
  }
  const store = new MirrorStore({
    cache,
    policy,
    clock,
    warehouses: () => new Map(),
    onRecordsChanged: () => {},
    onStateChange: () => {},
    onMalformed: () => {},
    onSharedSku: () => {},
    log: { warn() {} },
  })
  const storeAll = () => {
    const times = { begunAt: clock.elapsed(), readAt: clock.elapsed() }
    for (const product of products) cache.store('product', product, times)
    for (const one of items) cache.store('item', one, times)
  }
  storeAll()
  store.confirm(clock.elapsed())
  store.setCompared('inventory', true)
  store.setState('live')
  const records = new CatalogRecords({
    cache,
    store,
    incomplete: () => state.incomplete,
    isUnsettled: (_kind, id) => unsettled.has(id),
    hasUnsettled: () => unsettled.size > 0,
    clock,
  })
  const lookups = { hit: 0, stale: 0, negative: 0, miss: 0 }
  const stocks = new MaterializedStocks({
    store,
    records,
    warehouses: () => state.warehouses,
    knownWarehouses: () => state.warehouses ?? new Map(),
    connectionState: () => state.connection,
    incomplete: () => state.incomplete,
    clock,
    policy,
    lookups,
    connection: 'default',
    memory: new SharedMemory(() => 1_000_000),
    compose(input) {
      state.composed++
      return composeStock(input)
    },
    ...options,
  })
  const json = new StockJson((stock) => JSON.stringify(stock))
  const read = (sku: string, directives: Directives = {}, merchant?: string) =>
    stocks.reader(new ReadContext('shop', Number.POSITIVE_INFINITY, directives))?.read(sku, merchant, json)
  const change = (id: string, fields: Parameters<typeof item>[1]) => {
    clock.advance(1)
    cache.store('item', item(id, fields), { begunAt: clock.elapsed(), readAt: clock.elapsed() })
  }
  const textOf = (sku: string) => {
    const found = read(sku)
    return found && found.body.text + json.tail(found.age).text
  }
  const stockOf = (sku: string) => JSON.parse(textOf(sku) ?? 'null')
  const newlyComposed = () => {
    const { composed } = state
    state.composed = 0
    return composed
  }
  return {
    clock,
    cache,
    store,
    records,
    stocks,
    state,
    unsettled,
    lookups,
    json,
    read,
    change,
    storeAll,
    stockOf,
    newlyComposed,
  }
}

const tea = simple('tea', { name: 'Tea' })

tap.test('composes a stock once, for readers and for events', async (t) => {
  const { stocks, change, stockOf, newlyComposed } = mirrorOf([tea], [item('tea', { fulfillable: 5 })])
  t.match(stockOf('TEA'), { sku: 'TEA', available: 5, components: [{ inventory_item_id: 'tea' }] })
  t.equal(stocks.summarise(tea).available, 5)
  stockOf('TEA')
  t.equal(newlyComposed(), 1)
  change('tea', { fulfillable: 4 })
  t.equal(stocks.summarise(tea).available, 4)
  t.equal(stockOf('TEA').available, 4)
  t.equal(newlyComposed(), 1, 'an event first')
  change('tea', { fulfillable: 3 })
  t.equal(stockOf('TEA').available, 3)
  t.equal(stocks.summarise(tea).available, 3)
  t.equal(newlyComposed(), 1, 'a reader first')
})

tap.test('composes nothing when all records are confirmed or read again unchanged', async (t) => {
  const { clock, store, storeAll, stockOf, read, json, newlyComposed } = mirrorOf(
    [tea],
    [item('tea', { fulfillable: 5 })],
  )
  const before = stockOf('TEA')
  const etag = read('TEA')?.body.hash
  newlyComposed()
  clock.advance(30_000)
  store.confirm(clock.elapsed())
  const later = new Date(clock.now()).toISOString()
  t.strictSame(stockOf('TEA'), { ...before, as_of: later })
  clock.advance(5000)
  storeAll()
  t.strictSame(stockOf('TEA'), { ...before, as_of: new Date(clock.now()).toISOString() }, 'each read again')
  t.equal(read('TEA')?.body.hash, etag)
  t.equal(
    json.tail({ readAt: 1, stale: false, connection: undefined }).hash,
    json.tail({ readAt: 2, stale: false, connection: undefined }).hash,
  )
  t.equal(newlyComposed(), 0)
})

tap.test('looks at the records of a stock again only after a change of the mirror', async (t) => {
  const { read, change, records, store, clock, stockOf } = mirrorOf([tea], [item('tea'), item('jam')])
  let lookups = 0
  const { mirroredItem } = records
  Object.assign(records, {
    mirroredItem(id: string) {
      lookups++
      return mirroredItem(id)
    },
  })
  const lookupsOf = (use: () => unknown) => {
    lookups = 0
    use()
    return lookups
  }
  t.equal(
    lookupsOf(() => read('TEA')),
    1,
  )
  t.equal(
    lookupsOf(() => read('TEA')),
    0,
  )
  clock.advance(5)
  store.confirm(clock.elapsed())
  t.equal(
    lookupsOf(() => read('TEA')),
    0,
    'a confirmation is no change',
  )
  change('jam', { fulfillable: 3 })
  t.equal(
    lookupsOf(() => read('TEA')),
    1,
    'another record may be one of its own',
  )
  change('tea', { fulfillable: 77 })
  t.equal(stockOf('TEA').available, 77)
})

tap.test('is as old as the oldest record', async (t) => {
  const set = { ...kit(reference('cup', 'CUP'), reference('tray', 'TRAY')), id: 'set', sku: 'SET' }
  const { clock, cache, store, change, stockOf } = mirrorOf([set], [item('cup', {}), item('tray', {})])
  const asOf = () => Date.parse(stockOf('SET').as_of) - 1_700_000_000_000
  clock.advance(10)
  change('cup', { fulfillable: 1 })
  t.equal(asOf(), 0, 'the others were confirmed before')
  change('tray', { fulfillable: 1 })
  cache.store('product', { ...set, name: 'Set' }, { begunAt: clock.elapsed(), readAt: clock.elapsed() })
  t.equal(asOf(), 11, 'all were read since')
  clock.advance(10)
  store.confirm(clock.elapsed())
  t.equal(asOf(), 22)
})

tap.test('shows what changes without a record in the tail alone', async (t) => {
  const { clock, state, stockOf, read, json, newlyComposed, lookups } = mirrorOf(
    [tea],
    [item('tea', { fulfillable: 5 })],
  )
  const tags = new Set<string>()
  const tag = () => {
    const found = read('TEA')
    if (found) tags.add(json.tail(found.age).hash)
  }
  t.match(stockOf('TEA'), { stale: false, source: null })
  tag()
  state.connection = { syncedAt: '2026-11-23T10:00:00Z', errors: [], incomplete: [] }
  t.match(stockOf('TEA'), { source: { synced_at: '2026-11-23T10:00:00Z', errors: [] } })
  tag()
  clock.advance(60_000)
  t.match(stockOf('TEA'), { stale: true })
  tag()
  t.equal(tags.size, 3, 'and in the ETag')
  t.equal(newlyComposed(), 1)
  t.ok(lookups.hit > 0 && lookups.stale > 0)
})

tap.test('composes again when a record, the warehouses or what is incomplete is another', async (t) => {
  const breakdown = { inventory_by_warehouse_id: { w: { fulfillable: 5 } } }
  const { cache, clock, state, stockOf, newlyComposed } = mirrorOf(
    [tea],
    [item('tea', { fulfillable: 5, ...breakdown }), item('cup')],
  )
  stockOf('TEA')
  newlyComposed()
  state.warehouses = new Map([['w', { id: 'w', name: 'West' }]])
  t.match(stockOf('TEA'), { warehouses: [{ name: 'West' }] })
  state.incomplete = ['inventory']
  t.match(stockOf('TEA'), { complete: false, issues: [{ code: 'upstream_sync_incomplete' }] })
  state.incomplete = []
  clock.advance(1)
  cache.store('product', { ...tea, name: 'Green tea' }, { begunAt: clock.elapsed(), readAt: clock.elapsed() })
  t.match(stockOf('TEA'), { complete: true, product: { name: 'Green tea' } })
  clock.advance(1)
  cache.remove('item', 'tea')
  t.match(stockOf('TEA'), { available: 0, components: [{ status: 'missing' }] })
  t.equal(newlyComposed(), 4)
})

tap.test('leaves to other ways what the records in memory do not settle', async (t) => {
  const chai = (id: string, active: boolean) => simple(id, { sku: 'CHAI', active, warehouse_customer_id: 'm1' })
  const { clock, cache, store, state, unsettled, read } = mirrorOf(
    [tea, chai('old', false), chai('new', true), simple('gone')],
    [item('tea', {}), item('old', {}), item('new', {})],
  )
  const isRead = (sku: string, directives?: Directives, merchant?: string) =>
    read(sku, directives, merchant) !== undefined
  t.ok(isRead('TEA'))
  for (const directives of [{ noCache: true }, { maxAgeMs: 1e9 }, { onlyIfCached: true }])
    t.notOk(isRead('TEA', directives))
  t.notOk(isRead('UNKNOWN'))
  t.ok(isRead('CHAI'))
  t.ok(isRead('CHAI', {}, 'm1'))
  t.notOk(isRead('CHAI', {}, 'm2'))
  clock.advance(1)
  cache.store('product', chai('old', true), { begunAt: clock.elapsed(), readAt: clock.elapsed() })
  t.notOk(isRead('CHAI'), 'ambiguous')
  unsettled.add('tea')
  t.notOk(isRead('TEA'), 'a read of a record is pending')
  unsettled.clear()
  t.ok(isRead('GONE'), 'an item that is known to be absent')
  state.incomplete.push('inventory')
  t.notOk(isRead('GONE'), 'an item whose absence is not certain')
  state.incomplete.pop()
  state.warehouses = undefined
  t.notOk(isRead('TEA'), 'the first list of warehouses is awaited')
  state.warehouses = new Map()
  clock.advance(policy.ttlMs + policy.maxStaleMs)
  t.notOk(isRead('TEA'), 'not confirmed for too long')
  store.confirm(clock.elapsed())
  t.ok(isRead('TEA'))
  store.setState('off')
  t.notOk(isRead('TEA'), 'there is no mirror any more')
})

tap.test('knows that there is no product with a SKU once the products were compared', async (t) => {
  const { clock, store, state, stocks, lookups } = mirrorOf([tea], [item('tea', {})])
  const context = new ReadContext('shop', Number.POSITIVE_INFINITY)
  const absenceOf = (sku: string) => stocks.reader(context)?.absence(sku)
  t.equal(absenceOf('UNKNOWN'), undefined)
  store.setCompared('products', true)
  t.match(absenceOf('UNKNOWN'), { readAt: clock.now(), stale: false })
  t.equal(absenceOf('TEA'), undefined)
  t.match([lookups.negative, context.outcomeCounts.hit], [1, 1])
  state.incomplete.push('products')
  t.equal(absenceOf('UNKNOWN'), undefined)
})

tap.test(
  'drops the least recently requested stocks first, within its own bound and what the records leave',
  async (t) => {
    const ids = ['a', 'b', 'c', 'd']
    const wide = (id: string) => simple(id, { name: 'x'.repeat(1000) })
    let free = 7000
    const { stocks, stockOf, newlyComposed } = mirrorOf(
      ids.map(wide),
      ids.map((id) => item(id, {})),
      { memory: new SharedMemory(() => free) },
    )
    for (const sku of ['A', 'B', 'C', 'A', 'D']) stockOf(sku)
    t.ok(stocks.bytes > 4000 && stocks.bytes <= 7000, `${stocks.bytes} bytes`)
    newlyComposed()
    for (const sku of ['A', 'C', 'D']) stockOf(sku)
    t.equal(newlyComposed(), 0)
    stockOf('B')
    t.equal(newlyComposed(), 1)
    free = 3000
    stockOf('A')
    t.ok(stocks.bytes <= 3000, 'as soon as another stock is kept')
    free = 0
    t.equal(stockOf('B').sku, 'B', 'with no room at all')
    t.equal(stocks.bytes, 0)
  },
)

tap.test('keeps no stock that was never requested, however many change', async (t) => {
  const { stocks, change, newlyComposed } = mirrorOf([tea], [item('tea', {})])
  change('tea', { fulfillable: 4 })
  t.equal(stocks.summarise(tea).available, 4)
  t.equal(stocks.bytes, 0)
  t.equal(newlyComposed(), 1)
})

tap.test('a stock in two parts is the whole stock, whatever its texts are', async (t) => {
  const names = fc.string({ unit: 'binary', maxLength: 40 })
  const odd = fc.constantFrom('","as_of":"', ',"as_of":', '"stale":', '\ud800', 'Ü', '茶')
  fc.assert(
    fc.property(fc.oneof(names, odd), fc.oneof(names, odd), (name, message) => {
      const { state, stockOf, read, json } = mirrorOf(
        [simple('tea', { name })],
        [item('tea', { name, fulfillable: 5 })],
      )
      const error = { message, preventing_sync: true, first_seen: null, last_seen: null }
      state.connection = { syncedAt: message, errors: [error], incomplete: [] }
      const stock = stockOf('TEA')
      const found = read('TEA')
      if (found === undefined) return false
      const tail = json.tail(found.age)
      const [body, end] = json.parts(stock)
      return (
        body.text === found.body.text &&
        body.hash === found.body.hash &&
        end.text === tail.text &&
        end.hash === tail.hash
      )
    }),
    { numRuns: 60 },
  )
  t.end()
})
