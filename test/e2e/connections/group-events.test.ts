import tap, { type Test } from 'tap'
import { sandboxWebhookSecret, signWebhook } from '../../../src/sandbox/sandbox.js'
import { type GivenConnection, startConnections } from '../../connections-service.js'
import { EventStream } from '../../event-stream.js'
import { eventually } from '../../harness.js'

const keys = [
  'all:key-of-all-of-them:read',
  'group:key-of-the-group-only:read:both',
  'au:key-of-one-connection:read:au',
]
const environment = {
  CATALOG_MODE: 'mirror',
  SYNC_INTERVAL_SECONDS: '86400',
  TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
}

/** Two mirrored connections, and a group of both. */
async function start(
  t: Test,
  { us = {}, more = {} }: { us?: GivenConnection; more?: Readonly<Record<string, string>> } = {},
) {
  const groups = { both: ['au', 'us'] }
  const given = { au: {}, us, ca: {} }
  const service = await startConnections(t, given, { groups, environment: { ...environment, ...more } })
  const { app, get, sandbox, write, entry } = service
  await app.listen({ host: '127.0.0.1', port: 0 })
  const port = Number(Object(app.server.address()).port)
  const headers = more['API_KEYS'] === undefined ? {} : service.keyed('key-of-all-of-them')
  const isLive = async (name: string) =>
    (await get(`/stock/low?below=0&connection=${name}`, headers)).statusCode === 200
  for (const name of ['au', 'ca']) await eventually(() => isLive(name))
  let deliveries = 0
  return {
    ...service,
    isLive,
    open: (target: string, sent: Readonly<Record<string, string>> = {}) => EventStream.open(t, port, target, sent),
    /** Changes the stock of an item of one connection, and delivers the webhook. */
    async move(name: string, item: string, by: number, warehouse_id = 'wh_oslo') {
      const { record } = sandbox(name).move(item, { by, warehouse_id })
      const payload = JSON.stringify({ connection_id: `conn_${name}`, event_type: 'inventory.updated', data: record })
      const { statusCode } = await app.inject({
        method: 'POST',
        url: '/webhooks/trackstar',
        headers: {
          'content-type': 'application/json',
          ...signWebhook(sandboxWebhookSecret, `msg_${++deliveries}`, Math.floor(Date.now() / 1000), payload),
        },
        payload,
      })
      if (statusCode !== 204) throw new Error(`expected 204 for a delivery, but got ${statusCode}`)
    },
    async reload(connections: readonly object[], members: readonly string[]) {
      await write({ connections, groups: [{ name: 'both', connections: members }] })
      app.reloadConnections()
    },
    entries: (...names: string[]) => names.map(entry),
  }
}

const shown = async (stream: EventStream, count: number) =>
  (await stream.data(count)).map(({ connection, sku, available }) => [connection, sku, available])

tap.test('a stream of a group has the events of its connections, with the numbers of each', async (t) => {
  const { open, move, isLive, get } = await start(t)
  await eventually(() => isLive('us'))
  const [group, single] = [
    await open('/stock/events?connection=both&sku=LIVE-JASMINE'),
    await open('/stock/events?connection=us&sku=LIVE-JASMINE'),
  ]
  await move('au', 'inv_jasmine', -3)
  await move('ca', 'inv_jasmine', -9)
  await move('us', 'inv_jasmine', -5)
  t.strictSame(await shown(group, 2), [
    ['au', 'LIVE-JASMINE', 37],
    ['us', 'LIVE-JASMINE', 35],
  ])
  t.strictSame(await shown(single, 1), [['us', 'LIVE-JASMINE', 35]])
  t.match((await get('/metrics')).body, 'stock_event_readers{connection="both"} 1')
})

tap.test('a reader that comes back receives what it missed of each connection, once', async (t) => {
  const { open, move, isLive } = await start(t)
  await eventually(() => isLive('us'))
  const target = '/stock/events?connection=both&sku=LIVE-JASMINE'
  const stream = await open(target)
  await move('au', 'inv_jasmine', -1)
  await stream.data(1)
  stream.leave()
  await move('us', 'inv_jasmine', -1)
  await move('au', 'inv_jasmine', -1)
  const back = await open(target, { 'last-event-id': stream.lastEventId })
  await move('us', 'inv_jasmine', -1)
  t.strictSame((await shown(back, 3)).toSorted(), [
    ['au', 'LIVE-JASMINE', 38],
    ['us', 'LIVE-JASMINE', 38],
    ['us', 'LIVE-JASMINE', 39],
  ])
  // The position of a connection is none of the group, and the other way round.
  const single = await open('/stock/events?connection=au', { 'last-event-id': back.lastEventId })
  await eventually(() => single.events.length > 0)
  t.match(single.events, [{ event: 'reset' }])
  const strange = await open(target, { 'last-event-id': single.lastEventId })
  await eventually(() => strange.events.length > 0)
  t.match(strange.events, [{ event: 'reset' }])
})

tap.test('a group needs the mirror of each connection, and says which is missing', async (t) => {
  const { get, isLive, sandbox } = await start(t, { us: { sandbox: { latencyMs: 300 } } })
  const loading = await get('/stock/events?connection=both')
  t.match([loading.statusCode, loading.json()], [503, { code: 'mirror_loading', detail: /of us is not ready/ }])
  t.ok(loading.headers['retry-after'])
  sandbox('us').options.latencyMs = 0
  await eventually(() => isLive('us'))
})

tap.test('a connection on demand has no events, and so has its group', async (t) => {
  const { get } = await start(t, { us: { fields: { catalog_mode: 'on-demand' } } })
  const reply = await get('/stock/events?connection=both')
  t.match([reply.statusCode, reply.json()], [501, { code: 'requires_mirror', detail: /us has no mirror/ }])
  const single = await get('/stock/events?connection=us')
  t.match([single.statusCode, single.json()], [501, { code: 'requires_mirror' }])
})

tap.test('a stream goes on while a connection gets another token, and ends when the group changes', async (t) => {
  const { open, move, isLive, reload, entry, entries, setToken } = await start(t)
  await eventually(() => isLive('us'))
  const target = '/stock/events?connection=both&sku=LIVE-JASMINE'
  const stream = await open(target)
  setToken('us', 'another-token-of-us')
  const rekeyed = { ...entry('us'), access_token: 'another-token-of-us' }
  await reload([...entries('au', 'ca'), rekeyed], ['au', 'us'])
  await move('us', 'inv_jasmine', -5)
  t.strictSame(await shown(stream, 1), [['us', 'LIVE-JASMINE', 35]])
  t.notOk(stream.isOver)

  // Of the new connection, the reader knows no stock.
  await reload([...entries('au', 'ca'), rekeyed], ['au', 'us', 'ca'])
  await eventually(() => stream.isOver)
  const larger = await open(target, { 'last-event-id': stream.lastEventId })
  await eventually(() => larger.events.length > 0)
  t.match(larger.events, [{ event: 'reset' }])

  await reload(entries('au', 'ca'), ['au', 'ca'])
  await eventually(() => larger.isOver)
  const smaller = await open(target, { 'last-event-id': larger.lastEventId })
  await move('ca', 'inv_jasmine', -2)
  await eventually(() => smaller.events.length > 1)
  t.match(smaller.events, [{ event: 'reset' }, { event: 'stock' }])

  // Made anew, the connection counts its events anew.
  await reload([...entries('au'), { ...entry('ca'), read_rate: 999 }], ['au', 'ca'])
  await eventually(() => smaller.isOver)
})

tap.test('a ticket for a group opens its stream, and no stream of its connections', async (t) => {
  const { open, post, keyed } = await start(t, { more: { AUTH_MODE: 'api-key', API_KEYS: keys.join() } })
  const take = async (key: string, query = '') =>
    (await post(`/stock/events/tickets${query}`, {}, keyed(key))).json().ticket
  const statusOf = async (query: string) => (await open(`/stock/events?${query}`)).response.statusCode
  await eventually(async () => (await statusOf(`ticket=${await take('key-of-the-group-only')}`)) === 200)
  t.equal(await statusOf(`connection=both&ticket=${await take('key-of-all-of-them', '?connection=both')}`), 200)
  t.equal(await statusOf(`ticket=${await take('key-of-all-of-them', '?connection=both')}`), 200)
  t.equal(await statusOf(`connection=au&ticket=${await take('key-of-all-of-them', '?connection=both')}`), 404)
  t.equal(await statusOf(`connection=us&ticket=${await take('key-of-the-group-only')}`), 404)
  t.equal(await statusOf(`connection=both&ticket=${await take('key-of-one-connection')}`), 404)
  t.equal(await statusOf(`connection=both&ticket=${await take('key-of-all-of-them', '?connection=au')}`), 404)
})
