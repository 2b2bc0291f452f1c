import Fastify, { type InjectOptions } from 'fastify'
import tap, { type Test } from 'tap'
import { apiKeys } from '../../src/config/formats.js'
import type { Caller } from '../../src/http/auth.js'
import access from '../../src/http/auth.js'
import problemDetails from '../../src/http/problems.js'

/** A small application with a route of each kind, each of which says who asked. */
async function start(t: Test, keys: string | undefined = 'shop:one,office:two:read+write') {
  const app = Fastify({ logger: false })
  const tickets = new Map<string, Caller>()
  const bodies: unknown[] = []
  t.teardown(() => app.close())
  await app.register(problemDetails)
  app.get('/before', (request) => ({ caller: request.caller }))
  await app.register(access, {
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
  app.get('/tickets', { config: { takesTicket: true } }, (request) => ({ caller: request.caller }))
  app.post('/signed', { config: { access: 'signature' } }, (request) => ({ caller: request.caller }))
  app.post('/read', (request) => ({ caller: request.caller }))
  app.put('/write', { config: { access: 'write' } }, (request) => ({ caller: request.caller }))
  const ask = async (url: string, headers: Record<string, string> = {}, method: InjectOptions['method'] = 'GET') => {
    const reply = await app.inject({ method, url, headers })
    return [reply.statusCode, reply.statusCode === 200 ? (reply.json().caller?.name ?? null) : reply.json().code]
  }
  return { app, ask, tickets, bodies }
}

tap.test('lets in who shows a key, in either header', async (t) => {
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

tap.test('goes by Authorization where both headers name a key', async (t) => {
  const { ask } = await start(t)
  t.strictSame(await ask('/plain', { authorization: 'Bearer two', 'x-api-key': 'one' }), [200, 'office'])
  t.strictSame(await ask('/plain', { authorization: 'Bearer no', 'x-api-key': 'one' }), [401, 'unauthorized'])
  t.strictSame(await ask('/plain', { authorization: 'Basic b25l', 'x-api-key': 'one' }), [200, 'shop'], 'of no key')
})

tap.test('lets nobody in without a key that is known, and says what is wrong and how to do better', async (t) => {
  const { app } = await start(t)
  const wrong: [Record<string, string | string[]>, RegExp][] = [
    [{}, /but there is none$/],
    [{ 'x-api-key': '' }, /a key that is known here/],
    [{ 'x-api-key': 'no' }, /a key that is known here/],
    [{ 'x-api-key': 'shop:one' }, /a key that is known here/],
    [{ 'x-api-key': ['one', 'two'] }, /a key that is known here/],
    [{ 'x-api-key': 'one, two' }, /a key that is known here/],
    [{ authorization: 'one' }, /a key that is known here/],
    [{ authorization: 'Bearer' }, /a key that is known here/],
    [{ authorization: 'Bearer ' }, /a key that is known here/],
    [{ authorization: 'Bearer one two' }, /a key that is known here/],
    [{ authorization: 'Bearer, Bearer one' }, /a key that is known here/],
    [{ authorization: 'Basic b25l' }, /a key that is known here/],
    [{ authorization: 'X Bearer one' }, /a key that is known here/],
    [{ cookie: 'x-api-key=one' }, /but there is none$/],
  ]
  for (const [headers, detail] of wrong) {
    const reply = await app.inject({ url: '/plain', headers })
    t.equal(reply.statusCode, 401, JSON.stringify(headers))
    t.match(reply.json(), { code: 'unauthorized', detail })
    t.match(reply.headers['www-authenticate'], /^Bearer\b/, 'RFC 9110, 11.6.1')
    t.equal(reply.headers['cache-control'], 'no-store')
  }
  const inAddress = await app.inject('/plain?x-api-key=one&api_key=one&access_token=one&ticket=one')
  t.equal(inAddress.statusCode, 401, 'never out of an address')
})

tap.test('asks for the scope that a route needs', async (t) => {
  const { app, ask } = await start(t)
  t.strictSame(await ask('/write', { 'x-api-key': 'two' }, 'PUT'), [200, 'office'])
  t.strictSame(await ask('/write', { 'x-api-key': 'one' }, 'PUT'), [403, 'forbidden'])
  t.strictSame(await ask('/write', {}, 'PUT'), [401, 'unauthorized'])
  const reply = await app.inject({ method: 'PUT', url: '/write', headers: { 'x-api-key': 'one' } })
  t.equal(reply.json().detail, 'Expected a key with the scope write, but that of shop has only read')
  t.notOk(reply.headers['www-authenticate'], 'another key is not what is missing')
  t.strictSame(await ask('/plain', { 'x-api-key': 'two' }), [200, 'office'], 'who may write may read')
})

tap.test('asks for nothing where a route is open, but knows who shows a key', async (t) => {
  const { ask } = await start(t)
  for (const url of ['/open', '/docs/page']) {
    t.strictSame(await ask(url), [200, null])
    t.strictSame(await ask(url, { 'x-api-key': 'no' }), [200, null])
    t.strictSame(await ask(url, { 'x-api-key': 'one' }), [200, 'shop'])
  }
  t.strictSame(await ask('/signed', {}, 'POST'), [200, null], 'nor where it looks at a signature itself')
  t.strictSame(await ask('/nowhere'), [404, 'route_not_found'], 'and what is not there is not there for anybody')
})

tap.test('asks for a key where nothing is said, of HEAD as of GET, and of routes from before as well', async (t) => {
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

tap.test('looks at no body before it knows who asks, and what he may', async (t) => {
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

tap.test('takes a ticket in place of a key, where a route says so and nowhere else', async (t) => {
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
  t.equal(reply.json().detail, 'The ticket is unknown, used, or older than 60 s')
  t.notMatch(reply.body, 'bad')
})

tap.test('uses up no ticket of who shows a key', async (t) => {
  const app = Fastify()
  const redeemed: string[] = []
  await app.register(problemDetails)
  await app.register(access, {
    apiKeys: apiKeys.parse('shop:one'),
    tickets: { redeem: (ticket) => void redeemed.push(ticket) },
  })
  app.get('/tickets', { config: { takesTicket: true } }, () => ({}))
  const reply = await app.inject({ url: '/tickets?ticket=mine', headers: { 'x-api-key': 'one' } })
  t.equal(reply.statusCode, 200)
  t.strictSame(redeemed, [])
})

tap.test('lets everybody do everything where no keys are asked for', async (t) => {
  const { ask, tickets } = await start(t, 'none')
  t.strictSame(await ask('/plain'), [200, 'anonymous'])
  t.strictSame(await ask('/write', {}, 'PUT'), [200, 'anonymous'])
  t.strictSame(await ask('/plain', { 'x-api-key': 'one', authorization: 'Bearer no' }), [200, 'anonymous'])
  t.strictSame(await ask('/tickets'), [200, 'anonymous'])
  tickets.set('good', { name: 'anonymous', scopes: ['read', 'write'] })
  t.strictSame(await ask('/tickets?ticket=good'), [200, 'anonymous'])
  t.strictSame(await ask('/tickets?ticket=bad'), [401, 'unauthorized'], 'a page would not notice with keys otherwise')
})
