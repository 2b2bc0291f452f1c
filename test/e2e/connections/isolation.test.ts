import fc from 'fast-check'
import tap from 'tap'
import { startConnections } from '../../connections-service.js'
import { EventStream } from '../../event-stream.js'
import { eventually } from '../../harness.js'

/** Words that occur nowhere else: a connection's name, its token, its id, and the names of all of its records contain one. */
const names = ['kiwi', 'plum', 'quince'] as const
type Name = (typeof names)[number]

const groups = { garden: ['kiwi', 'plum'], orchard: ['quince', 'plum'] } as const
type GroupName = keyof typeof groups
type Bound = Name | GroupName

const isGroup = (name: string | undefined): name is GroupName => name !== undefined && Object.hasOwn(groups, name)
/** The connections of groups. */
const membersOf = (given: readonly (string | undefined)[]): readonly string[] =>
  given.flatMap((name) => (isGroup(name) ? groups[name] : []))

/** A key for each set of connections and groups, none included. */
const all: readonly Bound[] = [...names, 'garden', 'orchard']
const bindings = Array.from({ length: 2 ** all.length }, (_, bits) => all.filter((_name, n) => bits & (1 << n)))
const keyOf = (bound: readonly Bound[]) =>
  `key-of-${bindings.findIndex((one) => one.join() === bound.join())}-in-the-list`

const environment = {
  AUTH_MODE: 'api-key',
  API_KEYS: bindings
    .map((bound) => `k${bound.length}:${keyOf(bound)}:read+write:${bound.length === 0 ? 'none' : bound.join('+')}`)
    .join(),
  // Nothing is read in the background while the test runs.
  CATALOG_MODE: 'mirror',
  SYNC_INTERVAL_SECONDS: '86400',
  FULL_COMPARE_HOURS: '8760',
}

async function start(t: Parameters<typeof startConnections>[0]) {
  const given = Object.fromEntries(names.map((name, seed) => [name, { sandbox: { seed }, mark: name }]))
  const service = await startConnections(t, given, { environment, groups })
  const { app, get, keyed, sandbox } = service
  await app.listen({ host: '127.0.0.1', port: 0 })
  const every = keyed(keyOf(names))
  const status = async () => (await get('/status', every)).json().connections
  const isCompared = (one: { readonly mirror: { readonly state: string; readonly pages_left: number | null } }) =>
    one.mirror.state === 'live' && one.mirror.pages_left === 0
  await eventually(async () => (await status()).every(isCompared))
  await eventually(async () => (await get('/stock/low?below=0&connection=kiwi', every)).statusCode === 200)
  return {
    ...service,
    port: Number(Object(app.server.address()).port),
    callsOf: (name: Name) => sandbox(name).calls.length,
  }
}

const skus = ['CUP', 'GONGFU-SET', 'SENCHA-100', 'HONEY-1', 'NO-SUCH-SKU', 'LIVE-JASMINE']
const ids = ['inv_cup', 'inv_tray', 'inv_nowhere']
const routes = [
  ...(['stock', 'many', 'query', 'check', 'low', 'products', 'inventory', 'warehouses', 'product', 'item'] as const),
  ...(['warehouse', 'search', 'uses', 'adjust', 'connections', 'status', 'ticket', 'events'] as const),
]
/** The routes that also ask groups. */
const groupRoutes: readonly (typeof routes)[number][] = ['stock', 'many', 'query', 'check', 'low', 'events', 'ticket']
const request = fc.record({
  bound: fc.constantFrom(...bindings),
  connection: fc.constantFrom(undefined, ...all, 'unknown', 'Kiwi', '__proto__'),
  sku: fc.constantFrom(...skus),
  id: fc.constantFrom(...ids),
  route: fc.constantFrom(...routes),
  cacheControl: fc.constantFrom(undefined, 'no-cache', 'max-age=0', 'only-if-cached'),
  tag: fc.nat(30),
})
type Given = typeof request extends fc.Arbitrary<infer T> ? T : never
const example = { sku: 'CUP', id: 'inv_cup', cacheControl: undefined, tag: 0 }

function targetOf({ connection, sku, id, route }: Given) {
  const query = connection === undefined ? '' : `connection=${connection}`
  const field = connection === undefined ? {} : { connection }
  const path = encodeURIComponent(sku)
  const targets = {
    stock: { url: `/products/${path}/stock?include=lots&${query}` },
    many: { url: `/stock?sku=${path}&sku=CUP&${query}` },
    query: { method: 'POST', url: '/stock/query', payload: { skus: [sku, 'CUP'], ...field } },
    check: { method: 'POST', url: '/stock/check', payload: { lines: [{ sku, quantity: 9 }], ...field } },
    low: { url: `/stock/low?below=1000&limit=5&${query}` },
    products: { url: `/products?limit=3&${query}` },
    inventory: { url: `/inventory?limit=3&${query}` },
    warehouses: { url: `/warehouses?limit=3&${query}` },
    product: { url: `/products/${path}?${query}` },
    item: { url: `/inventory/${id}?${query}` },
    warehouse: { url: `/warehouses/wh_oslo?${query}` },
    search: { url: `/search?q=${path}&${query}` },
    uses: { url: `/inventory/${id}/products?${query}` },
    adjust: {
      method: 'PUT',
      url: `/inventory/${id}/adjust?${query}`,
      payload: { quantity: 1, adjustment_type: 'increase' },
    },
    connections: { url: '/connections' },
    status: { url: '/status' },
    ticket: { method: 'POST', url: `/stock/events/tickets?${query}` },
    // A stream that is answered does not end: it is tested below. Without a key's connections it is an error.
    events: { method: 'HEAD', url: `/stock/events?${query}` },
  } as const
  return targets[route]
}

tap.test('nothing of a connection reaches a key that may not use it, and nothing is asked of it', async (t) => {
  const { app, keyed, callsOf, sandbox } = await start(t)
  for (const name of names) t.ok(sandbox(name).calls.length > 0, 'it has been loaded')
  /** Tags and page tokens of earlier replies, of any connection. */
  const tags: string[] = ['W/"none"']
  const answered = new Set<string>()
  await fc.assert(
    fc.asyncProperty(request, async (given) => {
      const { bound, connection, route, cacheControl, tag } = given
      const { url, ...rest } = targetOf(given)
      const calls = new Map(names.map((name) => [name, callsOf(name)]))
      const reply = await app.inject({
        url,
        method: 'GET',
        ...rest,
        headers: {
          ...keyed(keyOf(bound)),
          ...(cacheControl && { 'cache-control': cacheControl }),
          'if-none-match': tags[tag % tags.length],
        },
      })
      if (typeof reply.headers['etag'] === 'string' && tags.length < 30) tags.push(reply.headers['etag'])
      answered.add(`${route} ${reply.statusCode}`)
      if (bound.length === 1 && isGroup(bound[0])) answered.add(`${route} of a group ${reply.statusCode}`)
      // The name that the request gave comes back in the problem.
      const bytes = `${JSON.stringify(reply.headers)}${reply.body}`.replaceAll(`\\"${connection}\\"`, '')
      // What is asked: what the request names, or all that the key may use.
      const own = connection ?? (bound.length === 1 ? bound[0] : undefined)
      const isUsable = bound.some((name) => name === own) && (!isGroup(own) || groupRoutes.includes(route))
      // A group gives its connections to the routes that ask groups, and their names to the list.
      const ofGroups = isUsable ? membersOf([own]) : []
      const named = route === 'connections' ? membersOf(bound) : ofGroups
      for (const name of names.filter((one) => !bound.includes(one))) {
        if (bytes.includes(name) && !named.includes(name)) {
          throw new Error(`${name} in the reply to ${url}: ${reply.body}`)
        }
        if (callsOf(name) !== calls.get(name) && !ofGroups.includes(name))
          throw new Error(`a call to ${name} for ${url}`)
      }
      const needsNone =
        route === 'connections' || route === 'status' || (route === 'ticket' && connection === undefined)
      if (!isUsable && !needsNone && reply.statusCode !== 400 && reply.statusCode !== 404) {
        throw new Error(`${reply.statusCode} for ${url}`)
      }
      // What is answered is the connection's or the group's own.
      if (route === 'stock' && reply.statusCode === 200 && reply.json().connection !== own) {
        throw new Error(`expected ${own}, but got ${reply.body}`)
      }
    }),
    {
      numRuns: 600,
      // Each route is answered at least once, for a connection and for a group.
      examples: [
        ...routes.map((route): [Given] => [{ ...example, bound: [...names], connection: 'plum', route }]),
        ...groupRoutes.map((route): [Given] => [{ ...example, bound: ['orchard'], connection: undefined, route }]),
      ],
    },
  )
  for (const route of routes) {
    t.ok(answered.has(`${route} 200`), `${route} was answered`)
  }
  for (const route of groupRoutes) t.ok(answered.has(`${route} of a group 200`), `${route} was answered for a group`)
})

tap.test('events, tickets and positions are of one connection', async (t) => {
  const { app, port, keyed, post, sandbox } = await start(t)
  const open = (target: string, bound: readonly Bound[], headers = {}) =>
    EventStream.open(t, port, target, { ...(bound.length > 0 && keyed(keyOf(bound))), ...headers })
  const [kiwi, plum] = [await open('/stock/events', ['kiwi']), await open('/stock/events?connection=plum', names)]
  await eventually(() => kiwi.lastEventId !== '' && plum.lastEventId !== '')
  const adjusted = await app.inject({
    method: 'PUT',
    url: '/inventory/inv_cup/adjust?connection=kiwi',
    headers: keyed(keyOf(names)),
    payload: { quantity: 5, adjustment_type: 'increase', warehouse_id: 'wh_oslo' },
  })
  t.equal(adjusted.statusCode, 200)
  t.ok((await kiwi.data(1)).some(({ sku }) => sku === 'CUP'))
  t.strictSame(plum.events, [], 'nothing for the readers of another connection')

  const resumed = await open('/stock/events', ['plum'], { 'last-event-id': kiwi.events[0]?.id })
  await eventually(() => resumed.events.length > 0)
  t.match(resumed.events, [{ event: 'reset', data: '{}' }], 'a position of another connection is unknown')

  const take = async (bound: readonly Bound[], query = '') =>
    (await post(`/stock/events/tickets${query}`, {}, keyed(keyOf(bound)))).json().ticket
  const statusOf = async (query: string) => (await open(`/stock/events?${query}`, [])).response.statusCode
  t.equal(await statusOf(`connection=plum&ticket=${await take(['kiwi'])}`), 404)
  t.equal(await statusOf(`ticket=${await take(['kiwi'])}`), 200)
  t.equal(await statusOf(`connection=plum&ticket=${await take(names, '?connection=kiwi')}`), 404)
  t.equal(await statusOf(`ticket=${await take(names, '?connection=kiwi')}`), 200, 'it is for that one')
  t.equal(await statusOf(`ticket=${await take(names)}`), 400)
  t.equal(await statusOf(`connection=plum&ticket=${await take(names)}`), 200)
  t.equal((await post('/stock/events/tickets?connection=plum', {}, keyed(keyOf(['kiwi'])))).statusCode, 404)
  t.equal(sandbox('plum').data.inventory.get('inv_cup')?.onhand, 44, 'nothing was written to it')
})
