import crypto, { hash } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import Fastify, { type InjectOptions } from 'fastify'
import tap, { type Test } from 'tap'
import { apiKeys } from '../../src/config/formats.js'
import auth, { type Caller, KeyStore } from '../../src/http/auth.js'
import problemDetails from '../../src/http/problems.js'

/** An application with a route for each kind of access; each returns the caller. */
async function start(t: Test, keys: string | undefined = 'shop:one,office:two:read+write') {
  const app = Fastify({ logger: false })
  const tickets = new Map<string, Caller>()
  const bodies: unknown[] = []
  t.teardown(() => app.close())
  await app.register(problemDetails)
  app.get('/before', (request) => ({ caller: request.caller }))
  await app.register(auth, {
    apiKeys: keys === 'none' ? undefined : apiKeys.parse(keys),
    tickets: { redeem: (ticket) => tickets.get(ticket) },
  })
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    bodies.push(body)
    done(null, body)
  })
  app.get('/plain', (request) => ({ caller: request.caller }))
  app.get('/open', { config: { access: 'open' } }, (request) => ({ caller: request.caller }))
  app.get('/docs/page', (request) => ({ caller: request.caller }))
  app.get('/tickets', { config: { acceptsTicket: true } }, (request) => ({ caller: request.caller }))
  app.post('/signed', { config: { access: 'signature' } }, (request) => ({ caller: request.caller }))
  app.post('/read', (request) => ({ caller: request.caller }))
  app.put('/write', { config: { access: 'write' } }, (request) => ({ caller: request.caller }))
  const ask = async (url: string, headers: Record<string, string> = {}, method: InjectOptions['method'] = 'GET') => {
    const reply = await app.inject({ method, url, headers })
    return [reply.statusCode, reply.statusCode === 200 ? (reply.json().caller?.name ?? null) : reply.json().code]
  }
  return { app, ask, tickets, bodies }
}

tap.test('accepts a key in either header', async (t) => {
  const { ask } = await start(t)
  const ways: Record<string, string>[] = [
    { 'x-api-key': 'one' },
    { 'X-API-KEY': 'one' },
    { authorization: 'Bearer one' },
    { authorization: 'bearer one' },
    { Authorization: 'BEARER   one' },
  ]
  for (const headers of ways) t.strictSame(await ask('/plain', headers), [200, 'shop'], JSON.stringify(headers))
})

tap.test('regression: a valid X-API-Key was refused beside the Authorization of a gateway', async (t) => {
  const { ask } = await start(t)
  for (const authorization of ['Bearer no', 'Basic b25l', 'Bearer', 'Digest a="b"', 'Bearer no, Bearer more', '']) {
    t.strictSame(await ask('/plain', { authorization, 'x-api-key': 'one' }), [200, 'shop'], authorization)
  }
  t.strictSame(await ask('/plain', { authorization: 'Bearer one', 'x-api-key': 'no' }), [200, 'shop'])
  t.strictSame(await ask('/plain', { authorization: 'Bearer no', 'x-api-key': 'no' }), [401, 'unauthorized'])
})

tap.test('uses the bearer token if both keys are valid', async (t) => {
  const { ask } = await start(t)
  t.strictSame(await ask('/plain', { authorization: 'Bearer two', 'x-api-key': 'one' }), [200, 'office'])
  t.strictSame(await ask('/write', { authorization: 'Bearer one', 'x-api-key': 'two' }, 'PUT'), [403, 'forbidden'])
})

tap.test('rejects a missing or unknown key and says how to send one', async (t) => {
  const { app } = await start(t)
  const wrong: [Record<string, string | string[]>, RegExp][] = [
    [{}, /^Send an API key as/],
    [{ 'x-api-key': '' }, /^The API key is not valid/],
    [{ 'x-api-key': 'no' }, /^The API key is not valid/],
    [{ 'x-api-key': 'shop:one' }, /^The API key is not valid/],
    [{ 'x-api-key': ['one', 'two'] }, /^The API key is not valid/],
    [{ 'x-api-key': 'one, two' }, /^The API key is not valid/],
    [{ authorization: 'one' }, /^The API key is not valid/],
    [{ authorization: 'Bearer' }, /^The API key is not valid/],
    [{ authorization: 'Bearer ' }, /^The API key is not valid/],
    [{ authorization: 'Bearer one two' }, /^The API key is not valid/],
    [{ authorization: 'Bearer, Bearer one' }, /^The API key is not valid/],
    [{ authorization: 'Basic b25l' }, /^The API key is not valid/],
    [{ authorization: 'X Bearer one' }, /^The API key is not valid/],
    [{ cookie: 'x-api-key=one' }, /^Send an API key as/],
  ]
  for (const [headers, detail] of wrong) {
    const reply = await app.inject({ url: '/plain', headers })
    t.equal(reply.statusCode, 401, JSON.stringify(headers))
    t.match(reply.json(), { code: 'unauthorized', detail })
    t.match(reply.headers['www-authenticate'], /^Bearer\b/, 'RFC 9110, 11.6.1')
    t.equal(reply.headers['cache-control'], 'no-store')
  }
  const inUrl = await app.inject('/plain?x-api-key=one&api_key=one&access_token=one&ticket=one')
  t.equal(inUrl.statusCode, 401, 'a key in the URL is ignored')
})

tap.test('requires the scope of the route', async (t) => {
  const { app, ask } = await start(t)
  t.strictSame(await ask('/write', { 'x-api-key': 'two' }, 'PUT'), [200, 'office'])
  t.strictSame(await ask('/write', { 'x-api-key': 'one' }, 'PUT'), [403, 'forbidden'])
  t.strictSame(await ask('/write', {}, 'PUT'), [401, 'unauthorized'])
  const reply = await app.inject({ method: 'PUT', url: '/write', headers: { 'x-api-key': 'one' } })
  t.equal(reply.json().detail, 'This request needs the scope write, which the API key shop lacks')
  t.notOk(reply.headers['www-authenticate'], 'the credentials are valid')
  t.strictSame(await ask('/plain', { 'x-api-key': 'two' }), [200, 'office'], 'write includes read here')
})

tap.test('requires no key on open routes, but identifies the caller', async (t) => {
  const { ask } = await start(t)
  for (const url of ['/open', '/docs/page']) {
    t.strictSame(await ask(url), [200, null])
    t.strictSame(await ask(url, { 'x-api-key': 'no' }), [200, null])
    t.strictSame(await ask(url, { 'x-api-key': 'one' }), [200, 'shop'])
  }
  t.strictSame(await ask('/signed', {}, 'POST'), [200, null], 'a route that verifies a signature requires none either')
  t.strictSame(await ask('/nowhere'), [404, 'route_not_found'], 'an unknown route is a 404 for everyone')
})

tap.test('requires a key by default, also for HEAD and for routes that were added before the plugin', async (t) => {
  const { app, ask } = await start(t)
  t.strictSame(await ask('/plain'), [401, 'unauthorized'])
  t.strictSame(await ask('/read', {}, 'POST'), [401, 'unauthorized'])
  t.strictSame(await ask('/before'), [401, 'unauthorized'])
  t.strictSame(await ask('/before', { 'x-api-key': 'one' }), [200, 'shop'])
  for (const [url, status] of [
    ['/plain', 401],
    ['/open', 200],
  ] as const) {
    t.equal((await app.inject({ method: 'HEAD', url })).statusCode, status, url)
  }
})

tap.test('reads no body before the caller is authorized', async (t) => {
  const { app, bodies } = await start(t)
  const send = (method: 'POST' | 'PUT', url: string, headers: Record<string, string>) =>
    app.inject({ method, url, headers: { 'content-type': 'application/json', ...headers }, payload: '{' })
  t.equal((await send('POST', '/read', {})).statusCode, 401)
  t.equal((await send('POST', '/read', { 'content-type': 'text/plain' })).statusCode, 401)
  t.equal((await send('PUT', '/write', { 'x-api-key': 'one' })).statusCode, 403)
  t.strictSame(bodies, [])
  await send('POST', '/read', { 'x-api-key': 'one' })
  t.strictSame(bodies, ['{'])
})

tap.test('accepts a ticket instead of a key only on routes that declare it', async (t) => {
  const { app, ask, tickets } = await start(t)
  tickets.set('good', { name: 'shop', scopes: ['read'] })
  t.strictSame(await ask('/tickets?ticket=good'), [200, 'shop'])
  t.strictSame(await ask('/tickets?ticket=good', { 'x-api-key': 'no' }), [200, 'shop'])
  t.strictSame(await ask('/plain?ticket=good'), [401, 'unauthorized'])
  t.strictSame(await ask('/tickets'), [401, 'unauthorized'])
  for (const query of ['ticket=bad', 'ticket=', 'ticket=good&ticket=good', 'ticket[]=good', 'Ticket=good']) {
    t.strictSame(await ask(`/tickets?${query}`), [401, 'unauthorized'], query)
  }
  const reply = await app.inject('/tickets?ticket=bad')
  t.equal(reply.json().detail, 'The ticket is unknown, already used, or older than 60 seconds')
  t.notMatch(reply.body, 'bad')
})

tap.test('does not use up a ticket if the key is valid', async (t) => {
  const app = Fastify()
  const redeemed: string[] = []
  await app.register(problemDetails)
  await app.register(auth, {
    apiKeys: apiKeys.parse('shop:one'),
    tickets: { redeem: (ticket) => void redeemed.push(ticket) },
  })
  app.get('/tickets', { config: { acceptsTicket: true } }, () => ({}))
  const reply = await app.inject({ url: '/tickets?ticket=mine', headers: { 'x-api-key': 'one' } })
  t.equal(reply.statusCode, 200)
  t.strictSame(redeemed, [])
})

tap.test('allows everything without authentication', async (t) => {
  const { ask, tickets } = await start(t, 'none')
  t.strictSame(await ask('/plain'), [200, 'anonymous'])
  t.strictSame(await ask('/write', {}, 'PUT'), [200, 'anonymous'])
  t.strictSame(await ask('/plain', { 'x-api-key': 'one', authorization: 'Bearer no' }), [200, 'anonymous'])
  t.strictSame(await ask('/tickets'), [200, 'anonymous'])
  tickets.set('good', { name: 'anonymous', scopes: ['read', 'write'] })
  t.strictSame(await ask('/tickets?ticket=good'), [200, 'anonymous'])
  t.strictSame(
    await ask('/tickets?ticket=bad'),
    [401, 'unauthorized'],
    'as with keys, so that a page works in both modes',
  )
})

const keyStore = (given: string) => new KeyStore(apiKeys.parse(given) ?? [])

tap.test('finds the caller of each key', async (t) => {
  const keys = keyStore('shop:one,office:two:read+write,robot:three')
  t.strictSame(keys.find('one'), { name: 'shop', scopes: ['read'] })
  t.strictSame(keys.find('two'), { name: 'office', scopes: ['read', 'write'] })
  t.strictSame(keys.find('three'), { name: 'robot', scopes: ['read'] })
})

tap.test('finds the same caller while a key is remembered and after that', async (t) => {
  let now = 1000
  const keys = new KeyStore(apiKeys.parse('shop:one,shop:two') ?? [], () => now)
  for (const passed of [0, 9_999, 1, 0, 60_000]) {
    now += passed
    t.equal(keys.find('one')?.name, 'shop')
    t.equal(keys.find('two')?.name, 'shop')
    for (const other of ['one ', 'On', 'three', '', '__proto__']) t.equal(keys.find(other), undefined)
  }
})

tap.test('finds no caller for an unknown key, however similar', async (t) => {
  const keys = keyStore('shop:hunter2')
  const others = ['', 'hunter', 'hunter22', 'Hunter2', 'hunter2 ', ' hunter2', 'shop:hunter2', 'hunter2\0', 'ｈunter2']
  for (const other of [...others, hash('sha256', 'hunter2'), 'x'.repeat(100_000)]) t.equal(keys.find(other), undefined)
  t.equal(new KeyStore([]).find('hunter2'), undefined)
})

tap.test('accepts a key that is configured as its hash, but not the hash itself', async (t) => {
  const sha256 = hash('sha256', 'hunter2')
  for (const given of [sha256, sha256.toUpperCase()]) {
    const keys = keyStore(`office:sha256:${given}:read+write`)
    t.strictSame(keys.find('hunter2'), { name: 'office', scopes: ['read', 'write'] })
    t.equal(keys.find(given), undefined)
  }
})

tap.test('accepts both keys of a name during rotation', async (t) => {
  const keys = keyStore('shop:old,shop:new:read+write')
  t.strictSame(keys.find('old'), { name: 'shop', scopes: ['read'] })
  t.strictSame(keys.find('new'), { name: 'shop', scopes: ['read', 'write'] })
})

tap.test('compares every key in constant time, found or not', async (t) => {
  const { timingSafeEqual } = crypto
  const compared: [number, number][] = []
  crypto.timingSafeEqual = (a, b) => {
    compared.push([a.byteLength, b.byteLength])
    return timingSafeEqual(a, b)
  }
  syncBuiltinESMExports()
  t.teardown(() => {
    crypto.timingSafeEqual = timingSafeEqual
    syncBuiltinESMExports()
  })
  const keys = keyStore('a:one,b:two,c:three')
  for (const key of ['one', 'two', 'three', 'none', '', 'x'.repeat(10_000)]) {
    compared.length = 0
    keys.find(key)
    t.strictSame(compared, [
      [32, 32],
      [32, 32],
      [32, 32],
    ])
  }
})
