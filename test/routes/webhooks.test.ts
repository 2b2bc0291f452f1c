import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import problemDetails from '../../src/http/problems.js'
import { InProcessSeenIds } from '../../src/http/seen-ids.js'
import type { ReceivedOutcome, WebhookDelivery, WebhookOutcome } from '../../src/mirror/webhook-deliveries.js'
import { webhookRoute } from '../../src/routes/webhooks.js'
import { sandboxWebhookSecret, signWebhook } from '../../src/sandbox/sandbox.js'
import type { Catalog } from '../../src/services/catalog.js'

const secret = sandboxWebhookSecret
const newSecret = `whsec_${Buffer.from('the secret that comes after it').toString('base64')}`
const seconds = () => Math.floor(Date.now() / 1000)

/** The route alone, with a catalog that records deliveries. */
async function start(
  t: Test,
  { secrets = [secret], outcome = 'applied' }: { secrets?: string[]; outcome?: ReceivedOutcome } = {},
) {
  const app = Fastify()
  const received: WebhookDelivery[] = []
  const outcomes: WebhookOutcome[] = []
  const catalog = <Catalog>{
    receive: (event: WebhookDelivery): ReceivedOutcome => {
      received.push(event)
      return event.event_type === 'broken.updated' ? 'malformed' : outcome
    },
  }
  await app.register(problemDetails)
  await app.register(webhookRoute, {
    findById: (id) =>
      id === 'conn_mine' ? { catalog, countDelivery: (counted) => outcomes.push(counted) } : undefined,
    secrets,
    seenIds: new InProcessSeenIds(),
    unassignedDelivery: (counted) => outcomes.push(counted),
  })
  t.teardown(() => app.close())
  const post = async (payload: string | Buffer, headers: Readonly<Record<string, string>>) => {
    const all = { 'content-type': 'application/json', ...headers }
    const reply = await app.inject({ method: 'POST', url: '/webhooks/trackstar', headers: all, payload })
    return { status: reply.statusCode, headers: reply.headers, code: reply.body && reply.json().code, body: reply.body }
  }
  /** A correctly signed delivery. */
  const send = (body: unknown, id = 'msg_1', at = seconds(), with_ = secret) => {
    const payload = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
    return post(payload, signWebhook(with_, id, at, payload))
  }
  return { post, send, received, outcomes }
}

const event = (more: object = {}) => ({
  connection_id: 'conn_mine',
  event_type: 'inventory.updated',
  data: { id: 'inv_1' },
  ...more,
})

tap.test('accepts a signed delivery', async (t) => {
  const { send, received } = await start(t)
  const reply = await send(event())
  t.equal(reply.status, 204)
  t.equal(reply.body, '')
  t.equal(reply.headers['cache-control'], 'no-store')
  t.match(received, [event()])
})

tap.test('rejects deliveries without a valid signature', async (t) => {
  const { post, received } = await start(t)
  const body = JSON.stringify(event())
  const good = signWebhook(secret, 'msg_1', seconds(), body)
  const [, mac = ''] = good['svix-signature'].split(',')
  const wrong: Record<string, Record<string, string>> = {
    unsigned: {},
    'without an id': { ...good, 'svix-id': '' },
    'without a time': { ...good, 'svix-timestamp': '' },
    'without a signature': { ...good, 'svix-signature': '' },
    'of another delivery': { ...good, 'svix-id': 'msg_2' },
    'of another time': { ...good, 'svix-timestamp': String(seconds() - 1) },
    'of no time': { ...good, 'svix-timestamp': 'yesterday' },
    'of another secret': signWebhook(newSecret, 'msg_1', seconds(), body),
    'of another body': signWebhook(secret, 'msg_1', seconds(), `${body} `),
    'of another version': { ...good, 'svix-signature': `v2,${mac}` },
    'of no version': { ...good, 'svix-signature': mac },
    'cut short': { ...good, 'svix-signature': good['svix-signature'].slice(0, -2) },
    lengthened: { ...good, 'svix-signature': `${good['svix-signature']}A` },
    'empty of content': { ...good, 'svix-signature': 'v1,' },
    'bare of content': { ...good, 'svix-signature': 'v1' },
    'a list of none that fits': { ...good, 'svix-signature': 'v1,AAAA v1,BBBB v1a,CCCC' },
    'a list with commas': { ...good, 'svix-signature': `v1,AAAA,${mac}` },
  }
  for (const [name, headers] of Object.entries(wrong)) {
    const reply = await post(body, headers)
    t.strictSame([reply.status, reply.code], [401, 'unauthorized'], name)
  }
  t.strictSame(received, [])
})

/** The headers of Svix with the names of Standard Webhooks. */
const standardNames = (headers: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.replace('svix-', 'webhook-'), value]))

tap.test('accepts the header names of Standard Webhooks, and either complete set', async (t) => {
  const { post, received } = await start(t)
  const body = JSON.stringify(event())
  const sign = (id: string) => signWebhook(secret, id, seconds(), body)
  t.equal((await post(body, standardNames(sign('msg_1')))).status, 204)
  t.equal((await post(body, sign('msg_1'))).status, 204)
  t.equal(received.length, 1, 'the same delivery with either header names')
  const wrong = signWebhook(newSecret, 'msg_9', seconds(), body)
  t.equal((await post(body, { ...sign('msg_2'), ...standardNames(wrong) })).status, 204)
  t.equal((await post(body, { ...wrong, ...standardNames(sign('msg_3')) })).status, 204)
  const { 'svix-signature': _, ...incomplete } = sign('msg_4')
  t.equal((await post(body, { ...incomplete, ...standardNames(sign('msg_4')) })).status, 204)
  t.equal(received.length, 4)
  for (const name of ['id', 'timestamp', 'signature']) {
    const { [`svix-${name}`]: taken = '', ...rest } = sign('msg_5') as Record<string, string>
    t.equal((await post(body, { ...rest, [`webhook-${name}`]: taken })).status, 401, `mixed by ${name}`)
  }
  t.equal(received.length, 4)
})

tap.test('rejects deliveries that were changed in transit', async (t) => {
  const { post, received } = await start(t)
  const body = JSON.stringify(event({ data: { id: 'inv_1', onhand: 5 } }))
  const headers = signWebhook(secret, 'msg_1', seconds(), body)
  t.equal((await post(body.replace('5', '6'), headers)).status, 401)
  t.equal((await post(`${body}\n`, headers)).status, 401)
  t.equal((await post(body.slice(0, -1), headers)).status, 401)
  t.equal((await post('', headers)).status, 401)
  t.strictSame(received, [])
  t.equal((await post(body, headers)).status, 204)
})

tap.test('verifies the bytes of the body, not its JSON value', async (t) => {
  const { send, post, received } = await start(t)
  const spaced = `  {\n "event_type" : "inventory.updated",\t"connection_id":"conn_mine", "data":{"id":"inv_抹茶 \\u00e9 é 🍵"}}\r\n`
  t.equal((await send(spaced, 'msg_1')).status, 204)
  t.equal((await send(Buffer.from(spaced), 'msg_2')).status, 204)
  t.match(received, [{ data: { id: 'inv_抹茶 é é 🍵' } }, {}])
  const again = JSON.stringify(JSON.parse(spaced))
  t.equal((await post(again, signWebhook(secret, 'msg_3', seconds(), spaced))).status, 401)
})

tap.test('accepts timestamps up to five minutes old or ahead', async (t) => {
  const { send, received } = await start(t)
  t.equal((await send(event(), 'msg_1', seconds() - 290)).status, 204)
  t.equal((await send(event(), 'msg_2', seconds() + 290)).status, 204)
  t.equal((await send(event(), 'msg_3', seconds() - 310)).status, 401)
  t.equal((await send(event(), 'msg_4', seconds() + 310)).status, 401)
  t.equal(received.length, 2)
})

tap.test('accepts any of several signatures by any of several secrets', async (t) => {
  const both = await start(t, { secrets: [newSecret, secret] })
  t.equal((await both.send(event(), 'msg_1', seconds(), secret)).status, 204)
  t.equal((await both.send(event(), 'msg_2', seconds(), newSecret)).status, 204)
  const body = JSON.stringify(event())
  const signed = signWebhook([newSecret, secret], 'msg_3', seconds(), body)
  for (const secrets of [[secret], [newSecret]]) {
    const { post, received } = await start(t, { secrets })
    const list = `v2,AAAA ${signed['svix-signature']}`
    t.equal((await post(body, { ...signed, 'svix-signature': list })).status, 204)
    t.equal(received.length, 1)
  }
})

tap.test('applies a repeated delivery once', async (t) => {
  const { send, received } = await start(t)
  for (const id of ['msg_1', 'msg_1', 'msg_2', 'msg_1']) t.equal((await send(event(), id)).status, 204)
  t.equal((await send(event({ event_type: 'product.updated' }), 'msg_2')).status, 204)
  t.equal(received.length, 2)
})

tap.test('reports the outcome of each delivery', async (t) => {
  const { post, send, outcomes } = await start(t, { outcome: 'older' })
  await post('{}', {})
  await send(event(), 'msg_1')
  await send(event(), 'msg_1')
  await send(event({ connection_id: 'conn_other' }), 'msg_2')
  await send(event({ event_type: 'broken.updated' }), 'msg_3')
  await send('not JSON', 'msg_4')
  t.strictSame(outcomes, ['unsigned', 'older', 'duplicate', 'other_connection', 'malformed', 'malformed'])
})

tap.test('an unsigned delivery does not block the id of a signed one', async (t) => {
  const { post, send, received } = await start(t)
  t.equal((await post('{}', { 'svix-id': 'msg_1', 'svix-timestamp': '1', 'svix-signature': 'v1,AAAA' })).status, 401)
  t.equal((await send(event(), 'msg_1')).status, 204)
  t.equal(received.length, 1)
})

tap.test('answers 204 to deliveries of other connections, and of none, and ignores them', async (t) => {
  const { send, received, outcomes } = await start(t)
  t.equal((await send(event({ connection_id: 'conn_other' }))).status, 204)
  t.equal((await send(event({ connection_id: 'conn_other', data: null }))).status, 204)
  t.equal((await send(event({ connection_id: '' }))).status, 204)
  // Not every event is of a connection.
  t.equal((await send({ event_type: 'install.failed', data: {} })).status, 204)
  t.equal((await send(event({ connection_id: null }))).status, 204)
  t.equal((await send(event({ connection_id: 7 }))).status, 204)
  t.strictSame(received, [])
  t.strictSame(outcomes, Array(6).fill('other_connection'))
  t.equal((await send(event())).status, 204, 'under the same id')
  t.equal(received.length, 1)
})

tap.test('answers 204 to event types that are ignored', async (t) => {
  const { send, received } = await start(t, { outcome: 'ignored' })
  t.equal((await send(event({ event_type: 'order.created' }))).status, 204)
  t.equal(received.length, 1)
})

tap.test('rejects signed bodies that are not a delivery', async (t) => {
  const { send, received } = await start(t)
  const wrong = [
    '',
    'not JSON',
    '{',
    '\ufeff{}',
    Buffer.from([0x22, 0xe6, 0x8a, 0x22]),
    'null',
    '[]',
    '7',
    '{}',
    { connection_id: 'conn_mine' },
    event({ event_type: 7 }),
    event({ event_type: null }),
    event({ connection_id: { id: 'conn_mine' } }),
    event({ connection_id: ['conn_mine'] }),
    event({ data_truncated: 'yes' }),
  ]
  for (const [n, body] of wrong.entries()) {
    const reply = await send(body, `msg_${n}`)
    // An invalid byte does not survive decoding, so the result is not what was signed; nor is an empty body ever
    // signed.
    const status = Buffer.isBuffer(body) ? 401 : 400
    t.equal(reply.status, status, String(body))
  }
  t.strictSame(received, [])
})

tap.test('rejects a malformed record, and accepts a valid one with the same id', async (t) => {
  const { send, received } = await start(t)
  const reply = await send(event({ event_type: 'broken.updated' }), 'msg_1')
  t.strictSame([reply.status, reply.code], [400, 'validation_failed'])
  t.match(JSON.parse(reply.body), { errors: [{ field: 'data' }], detail: /broken\.updated/ })
  t.equal((await send(event(), 'msg_1')).status, 204)
  t.equal(received.length, 2)
})

tap.test('accepts JSON up to one mebibyte, and no other type', async (t) => {
  const { send, post, received } = await start(t)
  const frame = JSON.stringify(event({ data: '' })).length
  const large = (bytes: number) => event({ data: 'x'.repeat(bytes - frame) })
  t.equal((await send(large(1024 * 1024), 'msg_1')).status, 204)
  const reply = await send(large(1024 * 1024 + 1), 'msg_2')
  t.strictSame([reply.status, reply.code], [413, 'content_too_large'])
  const body = JSON.stringify(event())
  const headers = signWebhook(secret, 'msg_3', seconds(), body)
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/octet-stream']) {
    const other = await post(body, { ...headers, 'content-type': type })
    t.strictSame([other.status, other.code], [415, 'unsupported_media_type'], type)
  }
  t.equal((await post(body, { ...headers, 'content-type': 'application/json; charset=utf-8' })).status, 204)
  t.equal(received.length, 2)
})

tap.test('reveals no secrets', async (t) => {
  const { post } = await start(t)
  const reply = await post('{}', {})
  t.notMatch(reply.body, secret.slice(6))
  t.match(JSON.parse(reply.body), { code: 'unauthorized', status: 401 })
})
