import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import { apiKeys } from '../../src/config/formats.js'
import auth from '../../src/http/auth.js'
import clientLimit, { inProcessCountsByKind } from '../../src/http/client-limit.js'
import problemDetails from '../../src/http/problems.js'
import { overSocket, TestClock } from '../harness.js'

/** An application with this limit, on a test clock. */
async function start(t: Test, perMinute: number, { keys = '', trustProxy = false, maxClients = 10_000 } = {}) {
  const clock = new TestClock()
  const app = Fastify({ trustProxy })
  t.teardown(() => app.close())
  await app.register(problemDetails)
  await app.register(auth, { apiKeys: keys ? apiKeys.parse(keys) : undefined, tickets: { redeem: () => undefined } })
  await app.register(clientLimit, { perMinute, counts: inProcessCountsByKind(clock.elapsed, maxClients) })
  app.get('/things', (request) => ({ client: request.client }))
  app.post('/priced', { config: { cost: ({ body }) => Number(body) } }, () => ({}))
  app.get('/open', { config: { access: 'open' } }, () => ({}))
  app.post('/signed', { config: { access: 'signature' } }, () => ({}))
  const ask = async (headers: Record<string, string> = {}, remoteAddress = '10.0.0.1') => {
    const reply = await app.inject({ url: '/things', headers, remoteAddress })
    return [reply.statusCode, Number(reply.headers['ratelimit-remaining'])]
  }
  const clientAt = async (remoteAddress: string, headers: Record<string, string> = {}) =>
    (await app.inject({ url: '/things', headers, remoteAddress })).json().client
  const pay = async (cost: number) => {
    const headers = { 'content-type': 'application/json' }
    const reply = await app.inject({
      method: 'POST',
      url: '/priced',
      headers,
      payload: String(cost),
      remoteAddress: '10.0.0.1',
    })
    return [reply.statusCode, Number(reply.headers['ratelimit-remaining'])]
  }
  return { app, clock, ask, pay, clientAt }
}

tap.test('counts down and rejects requests beyond the limit', async (t) => {
  const { app, ask } = await start(t, 3)
  const first = await app.inject({ url: '/things', remoteAddress: '10.0.0.1' })
  t.equal(first.statusCode, 200)
  t.match(first.headers, { 'ratelimit-limit': '3', 'ratelimit-remaining': '2', 'ratelimit-reset': '60' })
  t.notOk(first.headers['retry-after'])
  t.strictSame(
    [await ask(), await ask(), await ask(), await ask()],
    [
      [200, 1],
      [200, 0],
      [429, 0],
      [429, 0],
    ],
  )
  const { detail } = (await app.inject({ url: '/things', remoteAddress: '10.0.0.1' })).json()
  t.equal(detail, 'The limit is 3 requests per minute for each client')
})

tap.test('a flood of addresses does not evict the count of a key', async (t) => {
  const { app, ask } = await start(t, 1, { keys: 'shop:one', maxClients: 100 })
  t.strictSame(await ask({ 'x-api-key': 'one' }), [200, 0])
  for (let n = 0; n < 101; n++) await app.inject({ url: '/nowhere', remoteAddress: `10.0.1.${n}` })
  t.strictSame(await ask({ 'x-api-key': 'one' }), [429, 0])
})

tap.test('tells a rejected client when to retry, in header and body', async (t) => {
  const { app, ask, clock } = await start(t, 1)
  await ask()
  clock.advance(17_500)
  const reply = await app.inject({ url: '/things', remoteAddress: '10.0.0.1' })
  t.equal(reply.statusCode, 429)
  t.match(reply.headers, {
    'ratelimit-limit': '1',
    'ratelimit-remaining': '0',
    'ratelimit-reset': '43',
    'retry-after': '43',
    'cache-control': 'no-store',
  })
  t.match(reply.headers['content-type'], /^application\/problem\+json/)
  t.match(reply.json(), {
    code: 'rate_limited',
    status: 429,
    retry_after: 43,
    detail: 'The limit is 1 request per minute for each client',
  })
})

tap.test('starts a new count after a minute, regardless of rejected requests', async (t) => {
  const { ask, clock } = await start(t, 2)
  for (let n = 0; n < 5; n++) await ask()
  clock.advance(59_999)
  t.strictSame(await ask(), [429, 0])
  clock.advance(1)
  t.strictSame(
    [await ask(), await ask(), await ask()],
    [
      [200, 1],
      [200, 0],
      [429, 0],
    ],
  )
})

tap.test('counts what a request costs, also if it is rejected', async (t) => {
  const { ask, pay, clock } = await start(t, 10)
  t.strictSame(await pay(4), [200, 6])
  t.strictSame(await pay(0), [200, 5], 'each request costs at least 1')
  t.strictSame(await ask(), [200, 4])
  t.strictSame(await pay(5), [429, 0])
  t.strictSame(await ask(), [429, 0], 'the rejected request counts')
  clock.advance(60_000)
  t.strictSame(await pay(10), [200, 0])
})

tap.test('says what a rejected request costs', async (t) => {
  const { app } = await start(t, 3)
  const post = (payload: string) =>
    app.inject({ method: 'POST', url: '/priced', headers: { 'content-type': 'application/json' }, payload })
  t.equal(
    (await post('4')).json().detail,
    'The limit is 3 requests per minute for each client, and this one counts as 4: one for each SKU or line; ask for at most 3 at a time',
  )
})

tap.test('counts keys by name, regardless of address', async (t) => {
  const { ask, clientAt } = await start(t, 2, { keys: 'shop:one,shop:two,office:three' })
  t.strictSame(await ask({ 'x-api-key': 'one' }), [200, 1])
  t.strictSame(await ask({ authorization: 'Bearer two' }, '10.0.0.2'), [200, 0], 'the other key of the same name')
  t.strictSame(await ask({ 'x-api-key': 'one' }, '10.0.0.3'), [429, 0])
  t.strictSame(await ask({ 'x-api-key': 'three' }), [200, 1], 'another name')
  t.equal(await clientAt('10.0.0.1', { 'x-api-key': 'three' }), 'key:office')
})

tap.test('counts requests with an unknown key by address, so that keys cannot be guessed', async (t) => {
  const { app, ask } = await start(t, 3, { keys: 'shop:one' })
  t.strictSame(await ask({ 'x-api-key': 'guess 1' }), [401, 2])
  t.strictSame(await ask({ authorization: 'Bearer guess-2' }), [401, 1])
  t.strictSame(await ask(), [401, 0])
  t.strictSame(await ask({ 'x-api-key': 'guess 3' }), [429, 0])
  t.strictSame(
    await ask({ 'x-api-key': 'one' }),
    [200, 2],
    'requests with a valid key are not limited by those without',
  )
  t.strictSame(await ask({ 'x-api-key': 'guess 4' }, '10.0.0.2'), [401, 2])
  t.equal((await app.inject({ url: '/nowhere', remoteAddress: '10.0.0.1' })).statusCode, 429)
})

tap.test('counts addresses without authentication, and IPv6 addresses by network', async (t) => {
  const { ask } = await start(t, 1)
  t.strictSame(await ask({}, '10.0.0.1'), [200, 0])
  t.strictSame(await ask({ 'x-api-key': 'other' }, '10.0.0.1'), [429, 0], 'whatever key it sends')
  t.strictSame(await ask({}, '::ffff:10.0.0.1'), [429, 0], 'the same address in the form of an IPv6 socket')
  t.strictSame(await ask({}, '10.0.0.2'), [200, 0])
  t.strictSame(await ask({}, '2001:db8:1:2::1'), [200, 0])
  t.strictSame(await ask({}, '2001:db8:1:2:ffff:ffff:ffff:ffff'), [429, 0])
  t.strictSame(await ask({}, '2001:DB8:1:2::3'), [429, 0])
  t.strictSame(await ask({}, '2001:db8:1:3::1'), [200, 0])
})

tap.test('uses X-Forwarded-For only from a trusted proxy', async (t) => {
  const { ask } = await start(t, 1)
  t.strictSame(await ask({ 'x-forwarded-for': '1.1.1.1' }), [200, 0])
  t.strictSame(await ask({ 'x-forwarded-for': '2.2.2.2' }), [429, 0])
  const behindProxy = await start(t, 1, { trustProxy: true })
  t.strictSame(await behindProxy.ask({ 'x-forwarded-for': '1.1.1.1' }), [200, 0])
  t.strictSame(await behindProxy.ask({ 'x-forwarded-for': '2.2.2.2' }), [200, 0])
  t.strictSame(await behindProxy.ask({ 'x-forwarded-for': '1.1.1.1' }), [429, 0])
})

tap.test('does not count open and signed routes', async (t) => {
  const { app, ask } = await start(t, 1)
  await ask()
  for (let n = 0; n < 3; n++) {
    const open = await app.inject({ url: '/open', remoteAddress: '10.0.0.1' })
    const signed = await app.inject({ method: 'POST', url: '/signed', remoteAddress: '10.0.0.1' })
    t.strictSame([open.statusCode, signed.statusCode], [200, 200])
    t.notOk(open.headers['ratelimit-limit'])
    t.notOk(signed.headers['ratelimit-limit'])
  }
})

tap.test('counts nothing with a limit of 0, but still identifies clients', async (t) => {
  const { app, clientAt } = await start(t, 0, { keys: 'shop:one' })
  const reply = await app.inject({ url: '/things', headers: { 'x-api-key': 'one' } })
  t.equal(reply.statusCode, 200)
  t.notOk(reply.headers['ratelimit-limit'])
  t.equal(await clientAt('10.0.0.1', { 'x-api-key': 'one' }), 'key:shop')
  const open = await start(t, 0)
  t.equal(await open.clientAt('10.0.0.1'), '10.0.0.1')
  t.equal(await open.clientAt('2001:db8:1:2:3::1'), '2001:db8:1:2::')
  t.equal(await open.clientAt('fe80::1%eth0'), 'fe80::', "the client's own address")
})

tap.test('regression: a request on a closed connection was an internal error', async (t) => {
  const { app } = await start(t, 0)
  // As Node reports a socket that the client has reset.
  app.addHook(
    'onRequest',
    async ({ raw }) => void Object.defineProperty(raw.socket, 'remoteAddress', { value: undefined }),
  )
  app.get('/late', (request) => ({ client: request.client }))
  t.equal((await app.inject('/late')).json().client, 'unknown')
})

tap.test('regression: the count of a client was lost after five thousand other clients', async (t) => {
  const { app } = await start(t, 1, { trustProxy: true })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const from = (address: string, end = '') =>
    `GET /things HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: ${address}\r\n${end}\r\n`
  const others = Array.from({ length: 5001 }, (_, n) => from(`10.1.${n >> 8}.${n & 255}`))
  const all = [from('10.0.0.1'), ...others, from('10.0.0.1', 'Connection: close\r\n')]
  const { status, body } = await overSocket(Object(app.server.address()).port, all.join(''))
  const rest = Array.from(body.matchAll(/^\S*HTTP\/1\.1 (\d+)/gm), ([, code]) => Number(code))
  t.equal(rest.length, 5002)
  t.strictSame([status, rest[0], rest.at(-2), rest.at(-1)], [200, 200, 200, 429])
})
