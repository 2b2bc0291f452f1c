import { createHash } from 'node:crypto'
import tap from 'tap'
import { sandboxWebhookSecret, signWebhook } from '../../../src/sandbox/sandbox.js'
import { eventually, getOverSocket, overSocket, startService } from '../../harness.js'
import { startMirrored } from '../mirror/mirrored.js'
import { exchange } from './wire.js'

const reader = 'key-that-reads'
const writer = 'key-that-writes'
const hashed = createHash('sha256').update('key-that-is-hashed').digest('hex')
const environment = {
  AUTH_MODE: 'api-key',
  API_KEYS: `reader:${reader},writer:${writer}:read+write,hashed:sha256:${hashed}`,
}
const readsBy = { 'x-api-key': reader }
const adjustment = { quantity: 1, adjustment_type: 'increase' }
const json = { 'content-type': 'application/json' }

/** A mirrored service with keys, after its load. */
async function startGuarded(t: Parameters<typeof startMirrored>[0], options: Parameters<typeof startMirrored>[1] = {}) {
  const service = await startMirrored(t, {
    ...options,
    environment: { ...environment, ...options.environment },
    waits: false,
  })
  await eventually(async () => (await service.get('/stock/low?below=0', readsBy)).statusCode === 200)
  const ticket = async (headers = readsBy) =>
    String((await service.app.inject({ method: 'POST', url: '/stock/events/tickets', headers })).json().ticket)
  const port = await service.listen()
  /** The status of an event stream, which is closed at once. */
  const eventsBy = async (query: string, headers = '') => {
    const { answers } = await exchange(
      port,
      `GET /stock/events${query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`,
    )
    return answers[0]?.status
  }
  return { ...service, port, ticket, eventsBy }
}

tap.test('accepts valid keys and nothing similar', async (t) => {
  const { listen, sandbox } = await startService(t, { environment })
  const port = await listen()
  const statusBy = async (...headers: string[]) =>
    (await getOverSocket(port, '/status', headers.map((header) => `${header}\r\n`).join(''))).status
  const good = [
    [`X-API-Key: ${reader}`],
    [`Authorization: Bearer ${reader}`],
    [`authorization: bearer  ${reader}`],
    ['X-API-Key: key-that-is-hashed'],
    [`Authorization: Bearer ${reader}`, 'X-API-Key: wrong'],
    [`Authorization: Basic YTpi`, `X-API-Key: ${reader}`],
    ['Authorization: Bearer wrong', `X-API-Key: ${reader}`],
  ]
  for (const headers of good) t.equal(await statusBy(...headers), 200, headers.join())
  const bad = [
    ['X-API-Key:'],
    ['X-API-Key: wrong'],
    [`X-API-Key: ${reader}x`],
    [`X-API-Key: ${reader.slice(0, -1)}`],
    [`X-API-Key: ${reader.toUpperCase()}`],
    [`X-API-Key: reader:${reader}`],
    [`X-API-Key: ${reader}:read+write`],
    [`X-API-Key: "${reader}"`],
    [`X-API-Key: ${reader.replaceAll('-', '%2d')}`],
    [`X-API-Key: ${hashed}`],
    [`X-API-Key: sha256:${hashed}`],
    ['X-API-Key: anonymous'],
    ['X-API-Key: __proto__'],
    ['X-API-Key: \xff\x00'.replace('\x00', '')],
    [`X-API-Key: ${'k'.repeat(20_000)}`],
    [`X-API-Key: ${reader}`, `X-API-Key: ${reader}`],
    [`X-API-Key: wrong`, `X-API-Key: ${reader}`],
    [`Authorization: ${reader}`],
    [`Authorization: Bearer${reader}`],
    [`Authorization: Bearer ${reader} x`],
    [`Authorization: Bearer ${reader},`],
    [`Authorization: Basic ${Buffer.from(`${reader}:`).toString('base64')}`],
    [`Authorization: Basic ${Buffer.from(`reader:${reader}`).toString('base64')}`],
    [`Authorization: Token ${reader}`],
    [`Authorization: Bearer ${reader}`, `Authorization: Bearer ${reader}`],
    [`Authorization: Bearer ${reader}`, 'Authorization: Bearer wrong'],
    ['Authorization: Bearer wrong', `Authorization: Bearer ${reader}`],
    [`Proxy-Authorization: Bearer ${reader}`],
    [`X-Api-Token: ${reader}`],
    [`X_API_Key: ${reader}`],
    [`Cookie: x-api-key=${reader}; authorization=Bearer ${reader}`],
    [`Sec-WebSocket-Protocol: ${reader}`],
  ]
  for (const headers of bad) t.equal(await statusBy(...headers), 401, headers.join().slice(0, 80))
  for (const query of [`x-api-key=${reader}`, `api_key=${reader}`, `access_token=${reader}`, `ticket=${reader}`]) {
    t.equal((await getOverSocket(port, `/status?${query}`)).status, 401, query)
  }
  t.equal(sandbox.calls.length, 0)
})

tap.test('rejects writes with a read key', async (t) => {
  const { app, sandbox } = await startService(t, { environment })
  const url = '/inventory/inv_cup/adjust'
  const adjust = (headers: Record<string, string>, at = url, method: 'PUT' | 'POST' = 'PUT') =>
    app.inject({ method, url: at, headers: { ...json, ...headers }, payload: adjustment })
  for (const headers of [
    readsBy,
    { authorization: `Bearer ${reader}` },
    { authorization: `Bearer ${reader}`, 'x-api-key': writer },
    { ...readsBy, 'idempotency-key': 'mine' },
    { ...readsBy, 'x-scope': 'write' },
  ]) {
    const reply = await adjust(headers)
    t.strictSame([reply.statusCode, reply.json().code], [403, 'forbidden'])
    t.notMatch(reply.body, /key-that/)
  }
  t.equal((await adjust({ ...readsBy, 'x-http-method-override': 'PUT' }, url, 'POST')).statusCode, 405)
  for (const other of [
    `/${url}`,
    `${url}/`,
    '/INVENTORY/inv_cup/adjust',
    '/inventory/inv_cup/../inv_cup/adjust',
    '/x/..%2finventory/inv_cup/adjust',
  ]) {
    const { statusCode } = await adjust(readsBy, other)
    t.ok([400, 403, 404].includes(statusCode), `${other}: ${statusCode}`)
  }
  t.strictSame(
    sandbox.calls.filter(({ method }) => method !== 'GET'),
    [],
  )
  t.equal((await adjust({ 'x-api-key': writer })).statusCode, 200)
  t.equal((await app.inject({ method: 'GET', url: '/status', headers: { 'x-api-key': writer } })).statusCode, 200)
})

tap.test('accepts a ticket once, even for simultaneous requests, and nothing similar', async (t) => {
  const { ticket, eventsBy } = await startGuarded(t)
  const [raced, twice, kept] = [await ticket(), await ticket(), await ticket()]
  const race = await Promise.all(Array.from({ length: 10 }, () => eventsBy(`?ticket=${raced}`)))
  t.strictSame(race.toSorted(), [200, ...Array.from({ length: 9 }, () => 401)])
  t.equal(await eventsBy(`?ticket=${twice}&ticket=${twice}`), 401)
  t.equal(await eventsBy(`?ticket[]=${kept}`), 401)
  for (const headers of [`X-API-Key: ${kept}`, `Authorization: Bearer ${kept}`, `Ticket: ${kept}`]) {
    t.equal(await eventsBy('', `${headers}\r\n`), 401, headers)
  }
  const odd = ['', 'unknown', '__proto__', 'constructor', 'undefined', '%00', kept.toUpperCase(), 'x'.repeat(5000)]
  for (const other of odd) t.equal(await eventsBy(`?ticket=${other}`), 401, other.slice(0, 20))
  t.equal(await eventsBy(`?ticket=${kept}`), 200, 'the original ticket is still valid')
})

const path = '/webhooks/trackstar'

tap.test('ignores forged webhook deliveries', async (t) => {
  const { listen, get, deliver, sandbox, app } = await startMirrored(t)
  const port = await listen()
  const other = `whsec_${Buffer.from('another secret altogether').toString('base64')}`
  const body = (fulfillable: number, connection_id = 'conn_sandbox') =>
    JSON.stringify({
      connection_id,
      event_type: 'inventory.updated',
      data: {
        id: 'inv_cup',
        sku: 'CUP',
        onhand: fulfillable,
        fulfillable,
        trackstar_updated_date: '2031-01-01T00:00:00Z',
      },
    })
  const now = () => Math.floor(Date.now() / 1000)
  const forged = body(999)
  const good = signWebhook(sandboxWebhookSecret, 'msg_good', now(), body(7, 'conn_other'))
  const [, mac = ''] = good['svix-signature'].split(',')
  const standardNames = (headers: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.replace('svix', 'webhook'), value]))
  const lines = (headers: Readonly<Record<string, string>>) =>
    Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const own = signWebhook(sandboxWebhookSecret, 'msg_own', now(), forged)
  const attempts: [name: string, headers: string[]][] = [
    ['unsigned', []],
    ['with a key', [`X-API-Key: ${writer}`, 'Authorization: Bearer x']],
    ['signed with another secret', lines(signWebhook(other, 'msg_1', now(), forged))],
    ['with the signature of another body', lines(good)],
    ['with the signature of another time', lines({ ...own, 'svix-timestamp': String(now() + 1) })],
    ['signed too long ago', lines(signWebhook(sandboxWebhookSecret, 'msg_2', now() - 301, forged))],
    ['signed for later', lines(signWebhook(sandboxWebhookSecret, 'msg_3', now() + 330, forged))],
    ['by the names of Standard Webhooks', lines(standardNames(signWebhook(other, 'msg_named', now(), forged)))],
    [
      'with half of the names of Standard Webhooks',
      lines({ ...standardNames(own), 'webhook-signature': '', 'svix-signature': own['svix-signature'] }),
    ],
    ['of version 1a', lines({ ...own, 'svix-signature': own['svix-signature'].replace('v1', 'v1a') })],
    ['of version 2', lines({ ...own, 'svix-signature': own['svix-signature'].replace('v1', 'v2') })],
    ['with the id of another beside its own', [...lines(own), 'Svix-Id: msg_other']],
    ['with the time of another before its own', [`Svix-Timestamp: ${now() + 1}`, ...lines(own)]],
    [
      'with signatures of others',
      ['Svix-Signature: v1,AAAA', ...lines({ ...good, 'svix-signature': `v1,${mac} v1,${mac}` })],
    ],
  ]
  for (const [name, headers] of attempts) {
    const head = [
      'POST /webhooks/trackstar HTTP/1.1',
      'Host: localhost',
      'Connection: close',
      'Content-Type: application/json',
    ]
    const request = [...head, `Content-Length: ${forged.length}`, ...headers, '', forged].join('\r\n')
    const reply = await overSocket(port, request)
    t.strictSame([reply.status, JSON.parse(reply.body).code], [401, 'unauthorized'], name)
  }
  const post = (payload: string, headers: Record<string, string>, url = path) =>
    app.inject({ method: 'POST', url, headers: { ...json, ...headers }, payload })
  t.equal(
    (await post(body(999, 'conn_other'), signWebhook(sandboxWebhookSecret, 'msg_4', now(), body(999, 'conn_other'))))
      .statusCode,
    204,
    'of another connection',
  )
  t.equal(
    (await post('not JSON', signWebhook(sandboxWebhookSecret, 'msg_5', now(), 'not JSON'))).statusCode,
    400,
    'not JSON',
  )
  t.equal(
    (await post(forged, {}, `${path}?svix-signature=${encodeURIComponent(own['svix-signature'])}`)).statusCode,
    401,
  )
  t.equal((await post(forged, { ...own, 'content-encoding': 'gzip', 'svix-id': 'msg_6' })).statusCode, 415)
  t.equal((await get('/products/CUP/stock')).json().available, 40, 'nothing was applied')
  t.equal(sandbox.calls.filter(({ path }) => path.includes('inv_cup')).length, 0)
  const real = {
    ...sandbox.data.inventory.get('inv_cup'),
    onhand: 30,
    fulfillable: 30,
    trackstar_updated_date: '2030-01-01T00:00:00Z',
  }
  t.equal((await deliver('inventory.updated', real, {}, 'msg_real')).statusCode, 204)
  const newer = { ...real, onhand: 20, fulfillable: 20, trackstar_updated_date: '2030-01-02T00:00:00Z' }
  t.equal((await deliver('inventory.updated', newer, {}, 'msg_newer')).statusCode, 204)
  t.equal((await deliver('inventory.updated', real, {}, 'msg_real')).statusCode, 204, 'a replay is answered')
  t.equal(
    (await deliver('inventory.updated', real, {}, 'msg_again')).statusCode,
    204,
    'with the other header names too',
  )
  t.equal((await get('/products/CUP/stock')).json().available, 20, 'it changes nothing')
})
