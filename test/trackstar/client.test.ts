import tap, { type Test } from 'tap'
import { Agent } from 'undici'
import { createSandbox } from '../../src/sandbox/sandbox.js'
import { createUpstreamCaller, type UpstreamCall } from '../../src/trackstar/call.js'
import { CircuitBreaker } from '../../src/trackstar/circuit-breaker.js'
import { type CallOptions, createTrackstarClient, type TrackstarClient } from '../../src/trackstar/client.js'
import { KeyList } from '../../src/trackstar/query.js'
import { createRateLimiter } from '../../src/trackstar/rate-limiter.js'
import { httpTransport } from '../../src/trackstar/transport.js'
import { TestClock } from '../harness.js'

const options: CallOptions = {
  permitRequest: { priority: 'caller', caller: 'anna', deadline: () => Number.POSITIVE_INFINITY },
  cause: 'miss',
}

async function start(t: Test, products = 40) {
  const clock = new TestClock()
  const sandbox = createSandbox({ products, readRate: 0, now: clock.now })
  const base = await sandbox.listen()
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.close())
  t.teardown(() => sandbox.close())
  t.intercept(Math, 'random', { value: () => 0 })
  const limiter = createRateLimiter(1000, clock)
  const upstream = createUpstreamCaller({
    transport: httpTransport(dispatcher, base, sandbox.credentials),
    limiter,
    breaker: new CircuitBreaker(clock),
    clock,
    timeoutMs: 5000,
    onCall: () => {},
  })
  const reads: UpstreamCall[] = []
  const client = createTrackstarClient((read) => {
    reads.push(read)
    return upstream(read)
  })
  return { client, clock, sandbox, reads, limiter, urls: () => sandbox.calls.map((call) => call.url) }
}

const list = (client: TrackstarClient): Promise<unknown> => client.list('products', {}, options)
const batch = (client: TrackstarClient): Promise<unknown> => client.productsBySku(['A'], options)

const idsOf = (records: readonly { id: unknown }[] | undefined) => records?.map(({ id }) => id)

tap.test('returns one page of a list, with the filters unchanged', async (t) => {
  const { client, clock, urls, reads } = await start(t)
  const page = await client.list('products', { limit: '2', 'sku[contains]': 'A&B=#', sku: undefined }, options)
  t.strictSame(page, { records: [], bytes: [], malformed: [], nextToken: null, date: clock.now() })
  t.strictSame(urls(), ['/wms/products?limit=2&sku%5Bcontains%5D=A%26B%3D%23'])
  t.match(reads, [{ ...options, route: '/wms/products' }])

  const first = await client.list('inventory', { limit: '1' }, options)
  t.equal(first.records.length, 1)
  const second = await client.list('inventory', { limit: '1', page_token: first.nextToken ?? '' }, options)
  t.notSame(idsOf(second.records), idsOf(first.records))
  t.match(await client.list('warehouses', {}, options), { records: [{ id: 'wh_oslo' }, {}, {}, {}] })
})

tap.test('has no date if upstream sends none', async (t) => {
  const answer = { status: 200, headers: {}, body: { data: [] } }
  const page = await createTrackstarClient(async () => answer).list('products', {}, options)
  t.strictSame(page, { records: [], malformed: [], nextToken: null, date: undefined })
})

tap.test('omits malformed records, and reports each with the reason', async (t) => {
  const { client, sandbox } = await start(t)
  const data = [{ id: 'sound', sku: 'A' }, { sku: 'B' }, 7]
  sandbox.fault('/wms/products', { body: { data, next_token: null } })
  for (const page of [await client.list('products', {}, options), await client.productsBySku(['A'], options)]) {
    t.strictSame(idsOf(page?.records), ['sound'])
    t.match(page?.malformed, [
      { path: '/data/1/id', id: undefined, sku: 'B' },
      { path: '/data/2', id: undefined, sku: undefined },
    ])
  }
})

tap.test('rejects a body that is not a list', async (t) => {
  const { client, sandbox } = await start(t)
  const table: [unknown, string][] = [
    [[], "In Trackstar's response, the body must be object"],
    [null, "In Trackstar's response, the body must be object"],
    [{ data: {} }, "In Trackstar's response, /data must be array"],
    [{ data: [], next_token: 7 }, "In Trackstar's response, /next_token must"],
  ]
  for (const [body, message] of table) {
    sandbox.fault('/wms/products', { body: JSON.stringify(body) })
    for (const read of [list, batch]) {
      await t.rejects(read(client), { message: new RegExp(message), problem: 'upstream_invalid_response' })
    }
  }
})

tap.test('rejects a list that upstream does not support', async (t) => {
  const { client, sandbox } = await start(t)
  sandbox.fault('/wms/products', { status: 404 })
  for (const read of [list, batch]) {
    await t.rejects(read(client), { message: /unexpected status \(404\)/, problem: 'upstream_invalid_response' })
  }
})

tap.test('reads products by SKU: a list, or a single one with a comma', async (t) => {
  const { client, urls } = await start(t)
  const listed = ['CUP', 'MINT/LEMON 50%', '抹茶 30g', '__proto__', 'a+b&c=d#e?f', 'nowhere']
  const batch = await client.productsBySku(listed, options)
  t.strictSame(idsOf(batch.records), ['prod_cup', 'prod/mint 50%', 'prod_抹茶', '__proto__'])
  const alone = await client.productsBySku(['GREEN, BLACK + WHITE'], options)
  t.strictSame(idsOf(alone.records), ['prod_mix,3'])
  t.strictSame(urls(), [
    '/wms/products?sku%5Bin%5D=CUP%2CMINT%2FLEMON%2050%25%2C%E6%8A%B9%E8%8C%B6%2030g%2C__proto__%2Ca%2Bb%26c%3Dd%23e%3Ff%2Cnowhere',
    '/wms/products?sku=GREEN%2C%20BLACK%20%2B%20WHITE',
  ])
})

tap.test('reads items by id: a list, or the path of a single one with a comma', async (t) => {
  const { client, urls, reads } = await start(t)
  const listed = ['inv/mint 50%', 'inv_抹茶', 'constructor', 'nowhere', '..']
  const batch = await client.recordsByIds('inventory', listed, options)
  t.strictSame(idsOf(batch.records), ['inv/mint 50%', 'inv_抹茶', 'constructor'])
  const alone = await client.recordsByIds('inventory', ['inv_mix,3'], options)
  t.match(alone, { malformed: [] })
  t.strictSame(idsOf(alone.records), ['inv_mix,3'])
  t.match(await client.recordsByIds('inventory', ['../a?b#c,d'], options), { records: [], malformed: [] })
  t.match(await client.recordsByIds('inventory', ['\ud800,'], options), { records: [] })
  t.strictSame(urls(), [
    '/wms/inventory?ids%5Bin%5D=inv%2Fmint%2050%25%2Cinv_%E6%8A%B9%E8%8C%B6%2Cconstructor%2Cnowhere%2C..',
    '/wms/inventory/inv_mix%2C3',
    '/wms/inventory/..%2Fa%3Fb%23c%2Cd',
    '/wms/inventory/%EF%BF%BD%2C',
  ])
  t.ok(reads.every(({ route }) => route === '/wms/inventory'))
})

tap.test('rejects an item that is not the requested one', async (t) => {
  const { client, sandbox } = await start(t)
  sandbox.fault('/wms/inventory/inv_mix%2C3', { body: { data: { id: '', sku: 5 } } })
  await t.rejects(client.recordsByIds('inventory', ['inv_mix,3'], options), {
    message: /^In Trackstar's response, \/data\/id must/,
    cause: { message: 'malformed response of /wms/inventory/{id}' },
    problem: 'upstream_invalid_response',
  })
})

tap.test("fits the longest batch into upstream's limits", async (t) => {
  const { client, sandbox } = await start(t)
  for (const key of ['茶'.repeat(60), 'x']) {
    const list = new KeyList()
    for (let n = 0; list.add(`${key}${n}`); n++);
    t.match(await client.productsBySku(list.keys, options), { records: [] })
    t.ok((sandbox.calls.at(-1)?.url.length ?? 0) < 7168)
  }
})

tap.test('reads all pages of a batch with the same filters', async (t) => {
  const { client, sandbox, urls } = await start(t)
  const page = (id: string, next_token: string | null) => ({ body: { data: [{ id }], next_token }, times: 1 })
  for (const [read, path, filter] of [
    [() => client.productsBySku(['A', 'B'], options), '/wms/products', 'sku%5Bin%5D=A%2CB'],
    [() => client.productsBySku(['A,B'], options), '/wms/products', 'sku=A%2CB'],
    [() => client.recordsByIds('inventory', ['a', 'b'], options), '/wms/inventory', 'ids%5Bin%5D=a%2Cb'],
  ] as const) {
    sandbox.calls.length = 0
    sandbox.fault(path, page('three', null))
    sandbox.fault(path, page('two', 't&2'))
    sandbox.fault(path, page('one', 't=1'))
    const batch = await read()
    t.strictSame(idsOf(batch.records), ['one', 'two', 'three'])
    t.strictSame(urls(), [
      `${path}?${filter}`,
      `${path}?${filter}&page_token=t%3D1`,
      `${path}?${filter}&page_token=t%262`,
    ])
  }
})

tap.test('uses the given permit for the first page only', async (t) => {
  const { client, sandbox, reads, limiter } = await start(t)
  sandbox.fault('/wms/products', { body: { data: [], next_token: null } })
  sandbox.fault('/wms/products', { body: { data: [], next_token: 'more' }, times: 1 })
  const permit = await limiter.acquire(options.permitRequest)
  await client.productsBySku(['A'], { ...options, permit })
  t.strictSame(
    reads.map((read) => read.permit),
    [permit, undefined],
  )
})

tap.test('collects the malformed records of all pages', async (t) => {
  const { client, sandbox } = await start(t)
  sandbox.fault('/wms/products', { body: { data: [8], next_token: null } })
  sandbox.fault('/wms/products', { body: { data: [7], next_token: 'more' }, times: 1 })
  t.equal((await client.productsBySku(['A'], options)).malformed.length, 2)
})

tap.test('stops reading pages that never end', async (t) => {
  const endless = {
    message: "In Trackstar's response, /next_token must come to an end",
    problem: 'upstream_invalid_response',
  }
  const same = await start(t)
  same.sandbox.fault('/wms/products', { body: { data: [], next_token: 'again' } })
  await t.rejects(same.client.productsBySku(['A'], options), endless)
  t.equal(same.sandbox.calls.length, 2, 'the token leads to the same page')

  let calls = 0
  const client = createTrackstarClient(async () => {
    return { status: 200, headers: {}, body: { data: [], next_token: `t${++calls}` } }
  })
  await t.rejects(client.productsBySku(['A'], options), endless)
  t.equal(calls, 20, 'each page has another token')
})

tap.test('reads all warehouses', async (t) => {
  const { client, sandbox, urls } = await start(t)
  t.strictSame(idsOf(await client.warehouses(options)), ['wh_oslo', 'wh_porto', 'wh_graz', 'wh_quiet'])
  sandbox.fault('/wms/warehouses', { body: { data: [{ id: 'b' }, {}] } })
  sandbox.fault('/wms/warehouses', { body: { data: [{ id: 'a' }], next_token: 'more' }, times: 1 })
  t.strictSame(idsOf(await client.warehouses(options)), ['a', 'b'])
  t.strictSame(urls(), ['/wms/warehouses', '/wms/warehouses', '/wms/warehouses?page_token=more'])
})

tap.test('has no warehouses if upstream has none or does not support them', async (t) => {
  const { client, sandbox } = await start(t)
  for (const fault of [
    { status: 404 },
    { status: 501 },
    { status: 501, body: { error: 'no' } },
    { body: { data: [], next_token: null } },
    { body: { data: [] } },
  ]) {
    const before = sandbox.calls.length
    sandbox.fault('/wms/warehouses', fault)
    t.strictSame(await client.warehouses(options), [])
    t.equal(sandbox.calls.length, before + 1)
  }
})

tap.test('does not treat a failure as an absence of warehouses', async (t) => {
  const { client, sandbox } = await start(t)
  for (const [fault, code] of [
    [{ status: 500 }, 'upstream_unavailable'],
    [{ status: 401 }, 'upstream_auth_failed'],
    [{ body: { data: null } }, 'upstream_invalid_response'],
  ] as const) {
    sandbox.fault('/wms/warehouses', fault)
    await t.rejects(client.warehouses(options), { name: 'FastifyError', problem: code })
  }
})

tap.test('reads the connection with the API key alone, from any envelope', async (t) => {
  const { client, sandbox, urls, reads } = await start(t)
  const { schedules, date, ...state } = await client.connection('conn_sandbox', options)
  t.equal(schedules.length, 3)
  t.equal(date, Date.parse('2023-11-14T22:13:20Z'))
  t.strictSame(state, { syncedAt: '2023-11-14T22:13:20Z', errors: [], incomplete: [] })
  t.notOk(Object.hasOwn(sandbox.calls[0]?.headers ?? {}, 'x-trackstar-access-token'))
  t.equal(reads[0]?.route, '/connections/{connection_id}')
  const connection = { historical_sync_completed: { get_products: false } }
  for (const data of [connection, [connection]]) {
    sandbox.fault('/connections/a%2Fb%3Fc', { body: { data } })
    t.match(await client.connection('a/b?c', options), { syncedAt: null, incomplete: ['products'] })
  }
  t.strictSame(urls().slice(1), ['/connections/a%2Fb%3Fc', '/connections/a%2Fb%3Fc'])
})

tap.test('rejects a body that is not a connection', async (t) => {
  const { client, sandbox } = await start(t)
  const refused = {
    message: "In Trackstar's response, /data must be a connection",
    cause: { message: 'malformed response of /connections/{connection_id}' },
    problem: 'upstream_invalid_response',
  }
  await t.rejects(client.connection('nobody', options), refused, 'a 404')
  for (const body of [null, [], {}, { data: null }, { data: [] }, { data: 'x' }]) {
    sandbox.fault('*', { body: JSON.stringify(body) })
    await t.rejects(client.connection('conn_sandbox', options), refused)
  }
})

tap.test('reports the caller and the cause of each read', async (t) => {
  const { client, reads } = await start(t)
  const refresh: CallOptions = { permitRequest: { ...options.permitRequest, priority: 'refresh' }, cause: 'refresh' }
  await client.list('products', { limit: '1' }, refresh)
  await client.productsBySku(['CUP'], refresh)
  await client.recordsByIds('inventory', ['inv_cup'], refresh)
  await client.warehouses(refresh)
  await client.connection('conn_sandbox', refresh)
  t.equal(reads.length, 5)
  for (const read of reads) t.match(read, refresh)
})

tap.test('reads products by id, and a single one with a comma by its path', async (t) => {
  const { client, urls } = await start(t)
  const { records } = await client.recordsByIds('products', ['prod_cup', 'prod/mint 50%', '..', 'nowhere'], options)
  t.strictSame(idsOf(records), ['prod_cup', 'prod/mint 50%'])
  t.strictSame(idsOf((await client.recordsByIds('products', ['prod_mix,3'], options)).records), ['prod_mix,3'])
  t.strictSame((await client.recordsByIds('products', ['no,where'], options)).records, [])
  t.strictSame(urls(), [
    '/wms/products?ids%5Bin%5D=prod_cup%2Cprod%2Fmint%2050%25%2C..%2Cnowhere',
    '/wms/products/prod_mix%2C3',
    '/wms/products/no%2Cwhere',
  ])
})

tap.test('omits a record that is nested too deeply, and keeps the rest of its page', async (t) => {
  const { client, sandbox } = await start(t)
  const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
  const page = `{"data": [{"id": "p1", "sku": "A"}, {"id": "p2", "sku": "B", "additional_fields": ${deep(5000)}},
    {"id": "p3", "additional_fields": ${deep(90)}}], "next_token": null}`
  sandbox.fault('/wms/products', { body: page })
  for (const { records, malformed } of [
    await client.list('products', {}, options),
    await client.productsBySku(['A', 'B'], options),
  ]) {
    t.strictSame(idsOf(records), ['p1', 'p3'])
    t.strictSame(malformed, [
      { path: '/data/1', message: 'must not have more than 100 levels of nesting', id: 'p2', sku: 'B' },
    ])
  }
  sandbox.fault('/wms/products/*', { body: `{"data": {"id": "p,2", "additional_fields": ${deep(5000)}}}` })
  await t.rejects(client.recordsByIds('products', ['p,2'], options), {
    message: /nesting/,
    problem: 'upstream_invalid_response',
  })
  sandbox.fault('/wms/products', { body: deep(5000) })
  await t.rejects(client.list('products', {}, options), { message: /must/, problem: 'upstream_invalid_response' })
})
