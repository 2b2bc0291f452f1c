import tap, { type Test } from 'tap'
import { MockAgent } from 'undici'
import { type Directives, ReadContext } from '../../src/cache/read-context.js'
import { createConnection } from '../../src/connection.js'
import { problem } from '../../src/errors.js'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'
import type { MalformedRecord } from '../../src/records/record.js'
import type { Adjusted } from '../../src/trackstar/adjustments.js'
import type { Batch, TrackstarClient } from '../../src/trackstar/client.js'
import type { Filters } from '../../src/trackstar/query.js'
import { createRateLimiter } from '../../src/trackstar/rate-limiter.js'
import { problemOf, settle, TestClock } from '../harness.js'

function start(maxBytes = 1_000_000, isMirrored = false) {
  const clock = new TestClock()
  const limiter = createRateLimiter(1000, clock)
  const told: unknown[] = []
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
    adjust: (): Promise<Adjusted> => Promise.reject(new Error('nothing is written here')),
  }
  const asked: string[] = []
  /** Resources whose first copy is not finished. */
  const incomplete: string[] = []
  const trackstar = {
    async productsBySku(keys, { permit }) {
      permit?.sent()
      asked.push(`products ${keys.join(' ')}`)
      return { records: [], malformed: [], ...(await upstream.products(keys)) }
    },
    productsByIds: async (keys) => ({ records: [], malformed: [], ...(await upstream.productsByIds(keys)) }),
    async inventoryByIds(keys, { permit }) {
      permit?.sent()
      asked.push(`items ${keys.join(' ')}`)
      return { records: [], malformed: [], ...(await upstream.items(keys)) }
    },
    warehouses: async () => [{ id: 'wh' }],
    connection: async () => ({ syncedAt: null, errors: [], incomplete: [...incomplete] }),
    list: (resource, filters) => upstream.list(resource, filters),
  } as TrackstarClient
  const connection = createConnection(
    {
      trackstarBaseUrl: 'http://127.0.0.1:9',
      trackstarApiKey: 'key',
      trackstarAccessToken: 'token',
      trackstarConnectionId: 'conn',
      trackstarWebhookSecrets: undefined,
      trackstarReadRate: 10,
      trackstarWriteRate: 1,
      trackstarTimeoutMs: 5000,
      requestTimeoutMs: 10_000,
      cacheTtlSeconds: 60,
      cacheRevalidateSeconds: 300,
      cacheMaxStaleSeconds: 1000,
      cacheNegativeTtlSeconds: 30,
      cacheMaxMb: maxBytes / 1_000_000,
      catalogMode: isMirrored ? 'mirror' : 'on-demand',
      syncIntervalSeconds: 30,
      syncOverlapSeconds: 300,
      fullCompareHours: 1,
    },
    {
      clock,
      dispatcher: new MockAgent(),
      upstream: {
        trackstar,
        adjust: () => upstream.adjust(),
        limiter,
        breaker: { state: 'closed' },
        credentials: 'unknown',
        condition: async () => 'well',
      },
      log: {
        debug() {},
        info() {},
        warn: (fields: object) => void ('name' in fields && told.push(fields.name)),
        error() {},
      },
      metrics: {
        upstreamCall() {},
        batch: (resource, keys) => told.push(`${resource} ${keys}`),
        malformed: (resource) => told.push(`${resource} malformed`),
        webhookDelivery() {},
      },
    },
  )
  const { catalog, feed } = connection
  if (feed) feed.update = (ids) => told.push([...ids])
  const reading = (directives: Directives = {}, timeoutMs = 10_000) =>
    new ReadContext('a', clock.elapsed() + timeoutMs, directives)
  return { clock, catalog, connection, upstream, asked, told, reading, incomplete }
}

const malformed = (fields: Partial<MalformedRecord>): MalformedRecord => ({
  path: '/data/0/name',
  message: 'must be string',
  id: undefined,
  sku: undefined,
  ...fields,
})

tap.test('matches records to keys by SKU and by id, never by position', async (t) => {
  const { catalog, upstream, reading, told } = start()
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
  const products = await catalog.productsBySku(['A', 'B', 'C'], reading())
  const ids = (sku: string) => {
    const found = products.get(sku)
    return found instanceof Error ? found : found?.value?.map(({ id }) => id)
  }
  t.strictSame([ids('A'), ids('B'), ids('C')], [['p1', 'p3'], ['p2'], undefined])
  upstream.items = async () => ({ records: [{ id: 'i2' }, { id: 'stray' }, { id: 'i1' }] })
  const items = await catalog.itemsById(['i1', 'i2', 'i3'], reading())
  t.match(items.get('i1'), { value: { id: 'i1' } })
  t.match(items.get('i2'), { value: { id: 'i2' } })
  t.match(items.get('i3'), { value: undefined, stale: false })
  t.strictSame(told, ['products 3', 'inventory 3'])
})

tap.test('concludes nothing from a malformed record', async (t) => {
  const { catalog, upstream, reading, told } = start()
  const own = malformed({ id: 'i1', sku: 'A' })
  upstream.items = async () => ({ records: [{ id: 'i2' }], malformed: [own] })
  const items = await catalog.itemsById(['i1', 'i2', 'i3'], reading())
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
  const products = await catalog.productsBySku(['A', 'B'], reading())
  t.match(products.get('A'), { problem: 'upstream_invalid_response' }, 'one of its products cannot be read')
  t.match(products.get('B'), { value: [{ id: 'p2' }] })
  t.ok(told.includes('inventory malformed'))
})

tap.test('takes a malformed record that does not say whose it is for anybody who got nothing', async (t) => {
  const { catalog, upstream, reading } = start()
  upstream.products = async () => ({ records: [{ id: 'p1', sku: 'A' }], malformed: [malformed({})] })
  const products = await catalog.productsBySku(['A', 'B'], reading())
  t.match(products.get('A'), { value: [{ id: 'p1' }] })
  t.match(products.get('B'), { problem: 'upstream_invalid_response' })
})

tap.test('takes in the records of a list', async (t) => {
  const { catalog, upstream, asked, reading, told } = start()
  const page = { records: [{ id: 'i1', onhand: 7 }], malformed: [malformed({})], nextToken: 'more' }
  upstream.list = async () => page
  const given = reading()
  t.strictSame(await catalog.list('inventory', {}, given), page)
  t.equal(given.calls.size, 1)
  t.strictSame(told, ['inventory malformed'])
  t.match((await catalog.itemsById(['i1'], reading())).get('i1'), { value: { onhand: 7 } })
  t.strictSame(asked, [])
})

tap.test('gives a list up when its time is over, or when upstream does', async (t) => {
  const { catalog, upstream, reading } = start()
  let fail = (_error: Error) => {}
  upstream.list = () =>
    new Promise((_resolve, reject) => {
      fail = reject
    })
  t.match(await problemOf(catalog.list('products', {}, reading({}, 5))), { problem: 'upstream_timeout' })
  fail(new Error('nobody waits for this any more'))
  await settle()
  upstream.list = () => Promise.reject(problem('upstream_unavailable', 'gone'))
  t.match(await problemOf(catalog.list('products', {}, reading())), { problem: 'upstream_unavailable' })
})

tap.test('lets a read begun before the held copy was there not overwrite a newer one', async (t) => {
  const { clock, catalog, upstream, reading } = start()
  let answer = (_batch: Partial<Batch<InventoryItem>>) => {}
  upstream.items = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  const slow = catalog.itemsById(['i1'], reading())
  await settle()
  clock.advance(100)
  const newer = { id: 'i1', onhand: 1, trackstar_updated_date: '2026-01-02T00:00:00Z' }
  upstream.list = async () => ({ records: [newer], malformed: [], nextToken: null })
  await catalog.list('inventory', {}, reading())
  clock.advance(100)
  answer({ records: [{ id: 'i1', onhand: 2, trackstar_updated_date: '2026-01-01T00:00:00Z' }] })
  t.match((await slow).get('i1'), { value: { onhand: 1 } })
})

tap.test('answers whoever asked for a key that was evicted before it could be kept', async (t) => {
  const { catalog, connection, asked, reading } = start(10)
  t.match((await catalog.itemsById(['a-rather-long-id'], reading())).get('a-rather-long-id'), { value: {} })
  t.match((await catalog.productsBySku(['A'], reading())).get('A'), { value: [{ id: 'p-A' }] })
  await catalog.productsBySku(['A'], reading())
  t.strictSame(asked, ['items a-rather-long-id', 'products A', 'products A'])
  t.equal(connection.state.stores.records.entries, 1, 'but the small index, nothing fits')
})

tap.test('tells how it fares', async (t) => {
  const { catalog, connection, reading } = start()
  const load = catalog.itemsById(['i1'], reading())
  t.equal(connection.state.keysWaiting, 1)
  await load
  await catalog.itemsById(['i1'], reading())
  t.match(connection.state, { keysWaiting: 0, lookups: { hit: 1, miss: 1 }, stores: { records: { entries: 1 } } })
})

tap.test('knows the warehouses and the connection', async (t) => {
  const { catalog, reading } = start()
  t.equal((await catalog.warehouses(reading())).size, 1)
  t.match(await catalog.warehouse('wh', reading()), { value: { id: 'wh' } })
  t.equal(catalog.connectionState(reading({ onlyIfCached: true })), undefined)
  t.equal(catalog.connectionState(reading()), undefined)
  await settle()
  t.match(catalog.connectionState(), { incomplete: [] })
})

/** The mirror live, with a product of one item. */
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

tap.test('is the whole truth once it is mirrored, and asks for nothing', async (t) => {
  const { catalog, connection, reading, asked, live } = await mirrored(t)
  t.equal(connection.state.mirror?.state, 'loading')
  await live()
  t.match(connection.state.mirror, {
    state: 'live',
    products: 1,
    inventory: 1,
    warehouses: 1,
    pages: 6,
    unreliableResources: [],
  })
  t.match((await catalog.productsBySku(['A'], reading())).get('A'), { value: [{ id: 'p1' }], stale: false })
  t.match((await catalog.productsBySku(['none'], reading())).get('none'), { value: undefined, stale: false })
  t.match((await catalog.itemsById(['i1', 'none'], reading())).get('none'), { value: undefined })
  t.strictSame(asked, [])
  connection.stop()
  await settle()
  t.equal(connection.state.mirror?.state, 'off')
})

tap.test('is read through while it loads', async (t) => {
  const { catalog, connection, upstream, reading, asked } = await mirrored(t)
  upstream.list = () => new Promise(() => {})
  connection.start()
  t.match((await catalog.productsBySku(['A'], reading())).get('A'), { value: [{ id: 'p-A' }] })
  t.strictSame(catalog.incomplete(reading()), [])
  t.strictSame(asked, ['products A'])
})

tap.test('serves a mirrored record that a forced read does not find as stale, until that is confirmed', async (t) => {
  const { catalog, connection, upstream, reading, asked, live } = await mirrored(t)
  await live()
  upstream.products = async () => ({})
  upstream.items = async () => ({})
  for (const context of [reading({ noCache: true }), reading()]) {
    t.match((await catalog.productsBySku(['A'], context)).get('A'), { value: [{ id: 'p1' }], stale: true })
    t.match((await catalog.itemsById(['i1'], context)).get('i1'), { value: { id: 'i1' }, stale: true })
  }
  t.strictSame(asked, ['products A', 'items i1'])
  connection.stop()
})

tap.test('says that a list is doubtful', async (t) => {
  const { catalog, lists, reading, live } = await mirrored(t)
  lists.inventory = []
  await live()
  t.strictSame(catalog.incomplete(reading()), ['inventory'])
})

tap.test('regression: what an unfinished first copy does not have yet was taken for absent', async (t) => {
  const { catalog, incomplete, reading, asked, live } = await mirrored(t)
  incomplete.push('products', 'inventory')
  await live()
  t.match((await catalog.productsBySku(['A', 'B'], reading())).get('B'), { value: [{ id: 'p-B' }] })
  t.match((await catalog.itemsById(['i1', 'i2'], reading())).get('i2'), { value: { id: 'i2' } })
  t.strictSame(asked, ['products B', 'items i2'], 'what is there is not read')
})

tap.test('regression: everything was taken for absent where a list is empty', async (t) => {
  const { catalog, lists, reading, asked, live } = await mirrored(t)
  lists.products = []
  await live()
  t.match((await catalog.productsBySku(['A'], reading())).get('A'), { value: [{ id: 'p-A' }] })
  t.match((await catalog.itemsById(['none'], reading())).get('none'), { value: undefined })
  t.strictSame(asked, ['products A'])
})

tap.test('regression: a late delivery brought back to the mirror what is gone', async (t) => {
  const { catalog, upstream, reading, asked, live } = await mirrored(t)
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
  t.strictSame(asked, ['items gone'])
  t.match((await catalog.productsBySku(['GONE'], reading())).get('GONE'), { value: undefined })
  t.match((await catalog.itemsById(['gone'], reading())).get('gone'), { value: undefined })
})

tap.test('regression: a product that is malformed upstream was unknown to a mirror', async (t) => {
  const { catalog, malformedOnes, upstream, reading, told, live } = await mirrored(t)
  malformedOnes.push(malformed({ id: 'p2', sku: 'B' }))
  await live()
  t.ok(told.includes('products malformed'), 'it is told')
  upstream.products = async () => ({ malformed: malformedOnes })
  t.match((await catalog.productsBySku(['B'], reading())).get('B'), { problem: 'upstream_invalid_response' })
})

tap.test('takes an adjusted item in, and that of a replay only where it is news', async (t) => {
  const { clock, catalog, upstream, reading } = start()
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
    await catalog.adjust('i1', five, 'key', reading())
    const found = (await catalog.itemsById(['i1'], reading({ onlyIfCached: true }))).get('i1')
    return found instanceof Error ? found.problem : found?.value?.onhand
  }
  t.equal(await onhand(adjusted(1, 1, true)), 'not_cached', 'what is not held may have changed since')
  t.equal(await onhand(adjusted(5, 5, false)), 5)
  t.equal(await onhand(adjusted(3, 3, true)), 5)
  t.equal(await onhand(adjusted(6, 6, true)), 6, 'the first reply was lost on its way')
  t.equal(await onhand(async () => ({ body: {}, item: undefined, isReplay: false })), 6)
})

tap.test('regression: an older read of the same second undid an adjustment', async (t) => {
  const { clock, catalog, upstream, reading } = start()
  const record = (onhand: number) => ({
    id: 'i1',
    onhand,
    fulfillable: onhand,
    trackstar_updated_date: '2026-01-01T00:00:01Z',
  })
  let answer = (_batch: Partial<Batch<InventoryItem>>) => {}
  upstream.items = () => new Promise((resolve) => (answer = resolve))
  const slow = catalog.itemsById(['i1'], reading())
  await settle()
  clock.advance(10)
  upstream.adjust = async () => ({ body: {}, item: record(5), isReplay: false })
  await catalog.adjust('i1', { quantity: 4, adjustment_type: 'increase' }, 'key', reading())
  clock.advance(10)
  answer({ records: [record(1)] })
  t.match((await slow).get('i1'), { value: { onhand: 5 } })
  t.match((await catalog.itemsById(['i1'], reading())).get('i1'), { value: { onhand: 5 } })
})

tap.test('reads a truncated item again after a read that was under way', async (t) => {
  const { clock, catalog, upstream, asked, reading } = start()
  const answers: ((onhand: number) => void)[] = []
  upstream.items = () =>
    new Promise((resolve) => {
      const date = (onhand: number) => ({ trackstar_updated_date: `2026-01-01T00:00:0${onhand}Z` })
      answers.push((onhand) => resolve({ records: [{ id: 'i1', onhand, ...date(onhand) }] }))
    })
  const read = catalog.itemsById(['i1'], reading())
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
  t.match((await catalog.itemsById(['i1'], reading())).get('i1'), { value: { onhand: 2 } })
  t.strictSame(asked, ['items i1', 'items i1'])
  catalog.receive(event)
  await settle()
  answers[2]?.(3)
  await settle()
  t.equal(asked.length, 3, 'where none was under way, one is enough')
})

tap.test('reads a truncated product by its id, and reports a failure', async (t) => {
  const { catalog, connection, upstream, told } = start()
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
  t.ok(told.includes('record'))
  connection.stop()
})

tap.test('probes once in 5 s, however often it is asked to, and bears a refusal', async (t) => {
  const { clock, connection, upstream } = start()
  const calls: unknown[] = []
  upstream.list = (...call) => {
    calls.push(call)
    return Promise.reject(problem('upstream_auth_failed', 'no'))
  }
  const probes = () => {
    for (let n = 0; n < 3; n++) connection.probe()
    return calls.length
  }
  t.equal(probes(), 1)
  clock.advance(4999)
  t.equal(probes(), 1)
  clock.advance(1)
  t.equal(probes(), 2)
  t.strictSame(calls[0], ['products', { limit: '1' }])
  await settle()
})

tap.test('regression: a list was read for only-if-cached', async (t) => {
  const { catalog, upstream, reading } = start()
  const calls: string[] = []
  upstream.list = async (resource) => calls.push(resource)
  for (const resource of ['products', 'inventory', 'warehouses'] as const) {
    const given = reading({ onlyIfCached: true })
    t.match(await problemOf(catalog.list(resource, {}, given)), { problem: 'not_cached' })
    t.equal(given.calls.size, 0)
  }
  t.strictSame(calls, [])
})
