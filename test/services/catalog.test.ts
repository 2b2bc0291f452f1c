import tap, { type Test } from 'tap'
import { MockAgent } from 'undici'
import { ConcurrencyLimit } from '../../src/cache/concurrency-limit.js'
import { type Directives, ReadContext } from '../../src/cache/read-context.js'
import { createCacheMemory } from '../../src/cache/record-cache.js'
import { SharedMemory } from '../../src/cache/shared-memory.js'
import { createConnection } from '../../src/connection.js'
import { problem } from '../../src/errors.js'
import { LoadTurns } from '../../src/mirror/load-turns.js'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'
import type { MalformedRecord } from '../../src/records/record.js'
import { createInProcessState } from '../../src/shared-state/shared-state.js'
import type { Adjusted } from '../../src/trackstar/adjustments.js'
import type { Batch, CallOptions, Resource, TrackstarClient } from '../../src/trackstar/client.js'
import type { UpstreamCondition } from '../../src/trackstar/neutral-check.js'
import type { Filters } from '../../src/trackstar/query.js'
import { createRateLimiter } from '../../src/trackstar/rate-limiter.js'
import { problemOf, settle, TestClock } from '../harness.js'

function start(maxBytes = 1_000_000, isMirrored = false) {
  const clock = new TestClock()
  const limiter = createRateLimiter(1000, clock)
  const reports: unknown[] = []
  const upstream = {
    products: async (skus: readonly string[]): Promise<Partial<Batch<Product>>> => ({
      records: skus.map((sku) => ({ id: `p-${sku}`, sku })),
    }),
    items: async (ids: readonly string[]): Promise<Partial<Batch<InventoryItem>>> => ({
      records: ids.map((id) => ({ id })),
    }),
    productsByIds: async (_ids: readonly string[]): Promise<Partial<Batch<Product>>> => ({}),
    list: async (_resource: string, _filters: Filters): Promise<unknown> => ({
      records: [],
      malformed: [],
      nextToken: null,
    }),
    condition: async (): Promise<UpstreamCondition> => 'well',
    adjust: (): Promise<Adjusted> => Promise.reject(new Error('nothing is written here')),
  }
  const calls: string[] = []
  /** Resources whose first sync is not finished. */
  const incomplete: string[] = []
  const trackstar = {
    async productsBySku(keys, { permit }) {
      permit?.sent()
      calls.push(`products ${keys.join(' ')}`)
      return { records: [], malformed: [], ...(await upstream.products(keys)) }
    },
    async recordsByIds(resource: Resource, keys: readonly string[], { permit }: CallOptions) {
      if (resource === 'products') return { records: [], malformed: [], ...(await upstream.productsByIds(keys)) }
      permit?.sent()
      calls.push(`items ${keys.join(' ')}`)
      return { records: [], malformed: [], ...(await upstream.items(keys)) }
    },
    warehouses: async () => [{ id: 'wh' }],
    connection: async () => ({
      ...{ syncedAt: null, errors: [], incomplete: [...incomplete] },
      ...{ schedules: [], date: undefined },
    }),
    list: (resource, filters) => upstream.list(resource, filters),
  } as TrackstarClient
  const connection = createConnection(
    {
      trackstarBaseUrl: 'http://127.0.0.1:9',
      trackstarApiKey: 'key',
      trackstarWebhookSecrets: undefined,
      trackstarTimeoutMs: 5000,
      requestTimeoutMs: 10_000,
      cacheTtlSeconds: 60,
      cacheRevalidateSeconds: 300,
      cacheMaxStaleSeconds: 1000,
      cacheNegativeTtlSeconds: 30,
      syncIntervalSeconds: 30,
      syncOverlapSeconds: 300,
      fullCompareHours: 1,
    },
    {
      name: 'default',
      accessToken: 'token',
      connectionId: 'conn',
      readRate: 10,
      writeRate: 1,
      catalogMode: isMirrored ? 'mirror' : 'on-demand',
    },
    {
      clock,
      dispatcher: new MockAgent(),
      sharedState: createInProcessState(clock).forConnection({ name: 'default', readRate: 10, writeRate: 1 }),
      upstream: {
        trackstar,
        adjust: () => upstream.adjust(),
        limiter,
        breaker: { state: 'closed' },
        credentials: 'unknown',
        setAccessToken() {},
        condition: () => upstream.condition(),
      },
      log: {
        debug() {},
        info() {},
        warn: (fields: object) => void ('name' in fields && reports.push(fields.name)),
        error() {},
      },
      shared: {
        memory: createCacheMemory(maxBytes),
        stockMemory: new SharedMemory(() => maxBytes / 8),
        waiting: new ConcurrencyLimit(2000),
        loadTurns: new LoadTurns(4),
        readers: { total: 0 },
      },
      metrics: {
        upstreamCall() {},
        batch: (resource, keys) => reports.push(`${resource} ${keys}`),
        malformed: (resource) => reports.push(`${resource} malformed`),
        webhookDelivery() {},
      },
    },
  )
  const { catalog, feed } = connection
  if (feed) feed.update = (ids) => reports.push([...ids])
  const context = (directives: Directives = {}, timeoutMs = 10_000) =>
    new ReadContext('a', clock.elapsed() + timeoutMs, directives)
  return { clock, catalog, connection, upstream, calls, reports, context, incomplete }
}

const malformed = (fields: Partial<MalformedRecord>): MalformedRecord => ({
  path: '/data/0/name',
  message: 'must be string',
  id: undefined,
  sku: undefined,
  ...fields,
})

tap.test('matches records to keys by SKU and by id, never by position', async (t) => {
  const { catalog, upstream, context, reports } = start()
  upstream.products = async () => ({
    records: [
      { id: 'p2', sku: 'B' },
      { id: 'stray', sku: 'Z' },
      { id: 'none' },
      { id: 'p1', sku: 'A' },
      { id: 'p2', sku: 'B' },
      { id: 'p3', sku: 'A' },
    ],
  })
  const products = await catalog.productsBySku(['A', 'B', 'C'], context())
  const ids = (sku: string) => {
    const found = products.get(sku)
    return found instanceof Error ? found : found?.value?.map(({ id }) => id)
  }
  t.strictSame([ids('A'), ids('B'), ids('C')], [['p1', 'p3'], ['p2'], undefined])
  upstream.items = async () => ({ records: [{ id: 'i2' }, { id: 'stray' }, { id: 'i1' }] })
  const items = await catalog.itemsById(['i1', 'i2', 'i3'], context())
  t.match(items.get('i1'), { value: { id: 'i1' } })
  t.match(items.get('i2'), { value: { id: 'i2' } })
  t.match(items.get('i3'), { value: undefined, stale: false })
  t.strictSame(reports, ['products 3', 'inventory 3'])
})

tap.test('does not conclude that a record is absent from a malformed one', async (t) => {
  const { catalog, upstream, context, reports } = start()
  const own = malformed({ id: 'i1', sku: 'A' })
  upstream.items = async () => ({ records: [{ id: 'i2' }], malformed: [own] })
  const items = await catalog.itemsById(['i1', 'i2', 'i3'], context())
  t.match(items.get('i1'), { problem: 'upstream_invalid_response' })
  t.match(items.get('i2'), { value: { id: 'i2' } })
  t.match(items.get('i3'), { value: undefined })
  upstream.products = async () => ({
    records: [
      { id: 'p1', sku: 'A' },
      { id: 'p2', sku: 'B' },
    ],
    malformed: [own],
  })
  const products = await catalog.productsBySku(['A', 'B'], context())
  t.match(products.get('A'), { problem: 'upstream_invalid_response' }, 'one of its products is malformed')
  t.match(products.get('B'), { value: [{ id: 'p2' }] })
  t.ok(reports.includes('inventory malformed'))
})

tap.test('attributes a malformed record without id and SKU to every key without a result', async (t) => {
  const { catalog, upstream, context } = start()
  upstream.products = async () => ({ records: [{ id: 'p1', sku: 'A' }], malformed: [malformed({})] })
  const products = await catalog.productsBySku(['A', 'B'], context())
  t.match(products.get('A'), { value: [{ id: 'p1' }] })
  t.match(products.get('B'), { problem: 'upstream_invalid_response' })
})

tap.test('stores the records of a list', async (t) => {
  const { catalog, upstream, calls, context, reports } = start()
  const page = { records: [{ id: 'i1', onhand: 7 }], malformed: [malformed({})], nextToken: 'more' }
  upstream.list = async () => page
  const passed = context()
  t.strictSame(await catalog.list('inventory', {}, passed), page)
  t.equal(passed.calls.size, 1)
  t.strictSame(reports, ['inventory malformed'])
  t.match((await catalog.itemsById(['i1'], context())).get('i1'), { value: { onhand: 7 } })
  t.strictSame(calls, [])
})

tap.test('rejects a list that takes too long or that upstream fails', async (t) => {
  const { catalog, upstream, context } = start()
  let fail = (_error: Error) => {}
  upstream.list = () =>
    new Promise((_resolve, reject) => {
      fail = reject
    })
  t.match(await problemOf(catalog.list('products', {}, context({}, 5))), { problem: 'upstream_timeout' })
  fail(new Error('nobody waits for this any more'))
  await settle()
  upstream.list = () => Promise.reject(problem('upstream_unavailable', 'gone'))
  t.match(await problemOf(catalog.list('products', {}, context())), { problem: 'upstream_unavailable' })
})

tap.test('does not replace a newer record by a read that began before it was cached', async (t) => {
  const { clock, catalog, upstream, context } = start()
  let answer = (_batch: Partial<Batch<InventoryItem>>) => {}
  upstream.items = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  const slow = catalog.itemsById(['i1'], context())
  await settle()
  clock.advance(100)
  const newer = { id: 'i1', onhand: 1, trackstar_updated_date: '2026-01-02T00:00:00Z' }
  upstream.list = async () => ({ records: [newer], malformed: [], nextToken: null })
  await catalog.list('inventory', {}, context())
  clock.advance(100)
  answer({ records: [{ id: 'i1', onhand: 2, trackstar_updated_date: '2026-01-01T00:00:00Z' }] })
  t.match((await slow).get('i1'), { value: { onhand: 1 } })
})

tap.test('answers every request of a key that is evicted at once', async (t) => {
  const { catalog, connection, calls, context } = start(10)
  t.match((await catalog.itemsById(['a-rather-long-id'], context())).get('a-rather-long-id'), { value: {} })
  t.match((await catalog.productsBySku(['A'], context())).get('A'), { value: [{ id: 'p-A' }] })
  await catalog.productsBySku(['A'], context())
  t.strictSame(calls, ['items a-rather-long-id', 'products A', 'products A'])
  t.equal(connection.state.stores.records.entries, 1, 'nothing fits into the cache but its index')
})

tap.test('reports the state of the cache and the limiter', async (t) => {
  const { catalog, connection, context } = start()
  const load = catalog.itemsById(['i1'], context())
  t.equal(connection.state.keysWaiting, 1)
  await load
  await catalog.itemsById(['i1'], context())
  t.match(connection.state, { keysWaiting: 0, lookups: { hit: 1, miss: 1 }, stores: { records: { entries: 1 } } })
})

tap.test('reads the warehouses and the connection', async (t) => {
  const { catalog, context } = start()
  t.equal((await catalog.warehouses(context())).size, 1)
  t.match(await catalog.warehouse('wh', context()), { value: { id: 'wh' } })
  t.equal(catalog.connectionState(context({ onlyIfCached: true })), undefined)
  t.equal(catalog.connectionState(context()), undefined)
  await settle()
  t.match(catalog.connectionState(), { incomplete: [] })
})

/** A live mirror with a product of one item. */
async function mirrored(t: Test) {
  const service = start(1_000_000, true)
  const { upstream, connection, clock } = service
  const lists: Record<string, unknown[]> = {
    products: [{ id: 'p1', sku: 'A', inventory_items: [{ inventory_item_id: 'i1' }] }],
    inventory: [{ id: 'i1', onhand: 1 }],
  }
  const malformedOnes: MalformedRecord[] = []
  upstream.list = async (resource) => ({
    records: lists[resource],
    malformed: resource === 'products' ? malformedOnes : [],
    nextToken: null,
    date: clock.now(),
  })
  t.teardown(() => connection.stop())
  const live = async () => {
    connection.start()
    await settle()
    clock.advance(5000)
    return { lists, ...service }
  }
  return { lists, malformedOnes, live, ...service }
}

tap.test('answers for every key without a call once it is mirrored', async (t) => {
  const { catalog, connection, context, calls, live } = await mirrored(t)
  t.equal(connection.state.mirror?.state, 'loading')
  await live()
  t.match(connection.state.mirror, {
    state: 'live',
    products: 1,
    inventory: 1,
    warehouses: 1,
    pages: 6,
    unreliableResources: [],
    unreadResources: [],
  })
  t.match((await catalog.productsBySku(['A'], context())).get('A'), { value: [{ id: 'p1' }], stale: false })
  t.match((await catalog.productsBySku(['none'], context())).get('none'), { value: undefined, stale: false })
  t.match((await catalog.itemsById(['i1', 'none'], context())).get('none'), { value: undefined })
  t.strictSame(calls, [])
  connection.stop()
  await settle()
  t.equal(connection.state.mirror?.state, 'off')
})

tap.test('is read through while the mirror loads', async (t) => {
  const { catalog, connection, upstream, context, calls } = await mirrored(t)
  upstream.list = () => new Promise(() => {})
  connection.start()
  t.match((await catalog.productsBySku(['A'], context())).get('A'), { value: [{ id: 'p-A' }] })
  t.strictSame(catalog.incomplete(context()), [])
  t.strictSame(calls, ['products A'])
})

tap.test(
  'serves a mirrored record that a forced read does not find as stale until the absence is confirmed',
  async (t) => {
    const { catalog, connection, upstream, context, calls, live } = await mirrored(t)
    await live()
    upstream.products = async () => ({})
    upstream.items = async () => ({})
    for (const passed of [context({ noCache: true }), context()]) {
      t.match((await catalog.productsBySku(['A'], passed)).get('A'), { value: [{ id: 'p1' }], stale: true })
      t.match((await catalog.itemsById(['i1'], passed)).get('i1'), { value: { id: 'i1' }, stale: true })
    }
    t.strictSame(calls, ['products A', 'items i1'])
    connection.stop()
  },
)

tap.test('reports a list that is unreliable as incomplete', async (t) => {
  const { catalog, lists, context, live } = await mirrored(t)
  lists.inventory = []
  await live()
  t.strictSame(catalog.incomplete(context()), ['inventory'])
})

tap.test('regression: a record that the unfinished first sync did not contain was absent', async (t) => {
  const { catalog, incomplete, context, calls, live } = await mirrored(t)
  incomplete.push('products', 'inventory')
  await live()
  t.match((await catalog.productsBySku(['A', 'B'], context())).get('B'), { value: [{ id: 'p-B' }] })
  t.match((await catalog.itemsById(['i1', 'i2'], context())).get('i2'), { value: { id: 'i2' } })
  t.strictSame(calls, ['products B', 'items i2'], 'the mirrored records are not read')
})

tap.test('regression: every record was absent while a list was empty', async (t) => {
  const { catalog, lists, context, calls, live } = await mirrored(t)
  lists.products = []
  await live()
  t.match((await catalog.productsBySku(['A'], context())).get('A'), { value: [{ id: 'p-A' }] })
  t.match((await catalog.itemsById(['none'], context())).get('none'), { value: undefined })
  t.strictSame(calls, ['products A'])
})

tap.test('regression: a late delivery restored a removed record to the mirror', async (t) => {
  const { catalog, upstream, context, calls, live } = await mirrored(t)
  await live()
  const read: string[] = []
  upstream.items = async () => ({})
  upstream.productsByIds = async (ids) => {
    read.push(...ids)
    return {}
  }
  catalog.receive({ event_type: 'product.updated', data: { id: 'gone', sku: 'GONE', inventory_items: [] } })
  catalog.receive({ event_type: 'inventory.updated', data: { id: 'gone', fulfillable: 1 } })
  await settle()
  t.strictSame(read, ['gone'])
  t.strictSame(calls, ['items gone'])
  t.match((await catalog.productsBySku(['GONE'], context())).get('GONE'), { value: undefined })
  t.match((await catalog.itemsById(['gone'], context())).get('gone'), { value: undefined })
})

tap.test('regression: a product that is malformed upstream was absent from the mirror', async (t) => {
  const { catalog, malformedOnes, upstream, context, reports, live } = await mirrored(t)
  malformedOnes.push(malformed({ id: 'p2', sku: 'B' }))
  await live()
  t.ok(reports.includes('products malformed'), 'it is reported')
  upstream.products = async () => ({ malformed: malformedOnes })
  t.match((await catalog.productsBySku(['B'], context())).get('B'), { problem: 'upstream_invalid_response' })
})

tap.test('stores an adjusted item, and that of a replay only if it is newer', async (t) => {
  const { clock, catalog, upstream, context } = start()
  const adjusted = (onhand: number, second: number, isReplay: boolean) => async () => ({
    body: {},
    item: { id: 'i1', onhand, fulfillable: onhand, trackstar_updated_date: `2026-01-01T00:00:0${second}Z` },
    isReplay,
  })
  upstream.items = () => new Promise(() => {})
  const five = { quantity: 5, adjustment_type: 'increase' } as const
  const onhand = async (adjust: typeof upstream.adjust) => {
    upstream.adjust = adjust
    clock.advance(1)
    await catalog.adjust('i1', five, 'key', context())
    const found = (await catalog.itemsById(['i1'], context({ onlyIfCached: true }))).get('i1')
    return found instanceof Error ? found.problem : found?.value?.onhand
  }
  t.equal(await onhand(adjusted(1, 1, true)), 'not_cached', 'an uncached record may have changed since')
  t.equal(await onhand(adjusted(5, 5, false)), 5)
  t.equal(await onhand(adjusted(3, 3, true)), 5)
  t.equal(await onhand(adjusted(6, 6, true)), 6, 'the response to the first request was lost')
  t.equal(await onhand(async () => ({ body: {}, item: undefined, isReplay: false })), 6)
})

tap.test('regression: an older read of the same second replaced an adjustment', async (t) => {
  const { clock, catalog, upstream, context } = start()
  const record = (onhand: number) => ({
    id: 'i1',
    onhand,
    fulfillable: onhand,
    trackstar_updated_date: '2026-01-01T00:00:01Z',
  })
  let answer = (_batch: Partial<Batch<InventoryItem>>) => {}
  upstream.items = () => new Promise((resolve) => (answer = resolve))
  const slow = catalog.itemsById(['i1'], context())
  await settle()
  clock.advance(10)
  upstream.adjust = async () => ({ body: {}, item: record(5), isReplay: false })
  await catalog.adjust('i1', { quantity: 4, adjustment_type: 'increase' }, 'key', context())
  clock.advance(10)
  answer({ records: [record(1)] })
  t.match((await slow).get('i1'), { value: { onhand: 5 } })
  t.match((await catalog.itemsById(['i1'], context())).get('i1'), { value: { onhand: 5 } })
})

tap.test('reads a truncated item again after a read that was in progress', async (t) => {
  const { clock, catalog, upstream, calls, context } = start()
  const answers: ((onhand: number) => void)[] = []
  upstream.items = () =>
    new Promise((resolve) => {
      const date = (onhand: number) => ({ trackstar_updated_date: `2026-01-01T00:00:0${onhand}Z` })
      answers.push((onhand) => resolve({ records: [{ id: 'i1', onhand, ...date(onhand) }] }))
    })
  const read = catalog.itemsById(['i1'], context())
  await settle()
  clock.advance(10)
  const event = { event_type: 'inventory.updated', data: { id: 'i1' }, data_truncated: true }
  t.equal(catalog.receive(event), 'read_back')
  await settle()
  answers[0]?.(1)
  await read
  await settle()
  clock.advance(10)
  answers[1]?.(2)
  await settle()
  t.match((await catalog.itemsById(['i1'], context())).get('i1'), { value: { onhand: 2 } })
  t.strictSame(calls, ['items i1', 'items i1'])
  catalog.receive(event)
  await settle()
  answers[2]?.(3)
  await settle()
  t.equal(calls.length, 3, 'one read is enough if none was in progress')
})

tap.test('reads a truncated product by its id, and reports a failure', async (t) => {
  const { catalog, connection, upstream, reports } = start()
  const read: (readonly string[])[] = []
  upstream.productsByIds = async (ids) => {
    read.push(ids)
    return { records: [{ id: 'p1', sku: 'A' }] }
  }
  const event = { event_type: 'product.updated', data: { id: 'p1' }, data_truncated: true }
  catalog.receive(event)
  await settle()
  t.strictSame(read, [['p1']])
  t.equal(connection.state.stores.records.entries, 1)
  upstream.productsByIds = () => Promise.reject(problem('upstream_unavailable', 'gone'))
  catalog.receive(event)
  await settle()
  t.ok(reports.includes('record'))
  connection.stop()
})

tap.test('checks upstream at most once in 5 s', async (t) => {
  const { clock, connection, upstream } = start()
  let calls = 0
  upstream.condition = async () => {
    calls++
    return 'refusing'
  }
  const probes = () => {
    for (let n = 0; n < 3; n++) connection.probe()
    return calls
  }
  t.equal(probes(), 1)
  clock.advance(4999)
  t.equal(probes(), 1)
  clock.advance(1)
  t.equal(probes(), 2)
})

tap.test('regression: only-if-cached read a list', async (t) => {
  const { catalog, upstream, context } = start()
  const calls: string[] = []
  upstream.list = async (resource) => calls.push(resource)
  for (const resource of ['products', 'inventory', 'warehouses'] as const) {
    const passed = context({ onlyIfCached: true })
    t.match(await problemOf(catalog.list(resource, {}, passed)), { problem: 'not_cached' })
    t.equal(passed.calls.size, 0)
  }
  t.strictSame(calls, [])
})
