import Fastify from 'fastify'
import tap from 'tap'
import problemDetails from '../../src/http/problems.js'
import { EventTicket, eventTicketsRoute } from '../../src/routes/event-tickets.js'
import { startService, TestClock } from '../harness.js'

const environment = { AUTH_MODE: 'api-key', API_KEYS: 'shop:hunter2,office:hunter3:read+write' }

tap.test('issues a ticket that expires in a minute to a caller with a key', async (t) => {
  const clock = new TestClock()
  const { post, newCalls } = await startService(t, { environment, clock })
  for (const key of ['hunter2', 'hunter3']) {
    const reply = await post('/stock/events/tickets', {}, { 'x-api-key': key })
    t.equal(reply.statusCode, 200)
    t.strictSame(Object.keys(reply.json()), ['ticket', 'expires_at'])
    t.match(reply.json().ticket, /^[\w-]{32}$/)
    t.equal(reply.json().expires_at, new Date(clock.now() + 60_000).toISOString())
    t.match(reply.headers, { 'cache-control': 'no-store', 'content-type': /^application\/json/ })
  }
  t.strictSame(newCalls(), [])
})

tap.test('accepts a request without a body', async (t) => {
  const { app } = await startService(t, { environment })
  const headers = { authorization: 'Bearer hunter2' }
  const reply = await app.inject({ method: 'POST', url: '/stock/events/tickets', headers })
  t.equal(reply.statusCode, 200)
  const ask = (payload: string, type: string) =>
    app.inject({ method: 'POST', url: '/stock/events/tickets', headers: { ...headers, 'content-type': type }, payload })
  const types = ['application/json', 'text/plain;charset=UTF-8', 'application/octet-stream']
  for (const type of types) t.equal((await ask('', type)).statusCode, 200, type)
  t.equal(
    (await ask('', 'application/x-www-form-urlencoded')).statusCode,
    200,
    "regression: curl -d '' was answered 415",
  )
  t.equal((await ask('{', 'application/json')).statusCode, 400)
  const form = await ask('a=b', 'application/x-www-form-urlencoded')
  t.equal(form.statusCode, 415)
  t.match(form.json().detail, /but got "application\/x-www-form-urlencoded"$/)
})

tap.test('refuses options in the body, which would not narrow the ticket', async (t) => {
  const { post } = await startService(t, { environment })
  const reply = await post('/stock/events/tickets', { connection: 'default', x: 1 }, { 'x-api-key': 'hunter2' })
  t.equal(reply.statusCode, 400)
  t.match(reply.json(), {
    code: 'validation_failed',
    detail: /^The field connection is not recognized; .*the field x is/,
    errors: [{ field: 'connection' }, { field: 'x' }],
  })
  for (const body of [['default'], 'default']) {
    const other = await post('/stock/events/tickets', body, { 'x-api-key': 'hunter2' })
    t.match([other.statusCode, other.json().errors.length], [400, 1])
  }
})

tap.test('rejects callers without a valid key, and tickets', async (t) => {
  const { app, post } = await startService(t, { environment })
  const { ticket } = (await post('/stock/events/tickets', {}, { 'x-api-key': 'hunter2' })).json()
  t.equal((await post('/stock/events/tickets', {})).statusCode, 401)
  t.equal((await post('/stock/events/tickets', {}, { 'x-api-key': 'hunter' })).statusCode, 401)
  t.equal((await post(`/stock/events/tickets?ticket=${ticket}`, {})).statusCode, 401)
  t.equal((await app.inject('/stock/events/tickets')).statusCode, 405)
})

tap.test('issues a ticket to anyone with authentication off, so that a page works in both modes', async (t) => {
  const { post } = await startService(t)
  t.match((await post('/stock/events/tickets', {})).json(), { ticket: /^[\w-]{32}$/ })
})

tap.test('issues no ticket if authentication has not run', async (t) => {
  const app = Fastify()
  await app.register(problemDetails)
  app.decorateRequest('caller', null)
  app.addSchema(EventTicket)
  let issued = 0
  await app.register(eventTicketsRoute, { issue: () => ({ ticket: String(++issued), expires_at: '' }) })
  t.equal((await app.inject({ method: 'POST', url: '/stock/events/tickets' })).statusCode, 500)
  t.equal(issued, 0)
})
