import { setTimeout as sleep } from 'node:timers/promises'
import Fastify, { type FastifyInstance, type LightMyRequestResponse } from 'fastify'
import tap, { type Test } from 'tap'
import access from '../../src/http/auth.js'
import overload from '../../src/http/load-shedding.js'
import problemDetails from '../../src/http/problems.js'
import { eventually } from '../harness.js'

async function start(t: Test, maxEventLoopDelayMs: number) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(problemDetails)
  await app.register(access, { apiKeys: undefined, tickets: { redeem: () => undefined } })
  await app.register(overload, { maxEventLoopDelayMs })
  app.get('/things', () => ({}))
  app.get('/livez', { config: { access: 'open' } }, () => ({}))
  app.post('/signed', { config: { access: 'signature' } }, () => ({}))
  await app.ready()
  return app
}

/** Keeps the event loop from everything else. */
function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

/** Lets the event loop come round only after so many ms, until a request is turned away. */
async function overloaded(app: FastifyInstance, turnMs: number): Promise<LightMyRequestResponse> {
  for (const end = performance.now() + 10_000; performance.now() < end; await sleep(0)) {
    const reply = await app.inject('/things')
    if (reply.statusCode !== 200) return reply
    block(turnMs)
  }
  throw new Error('no request was turned away in ten seconds')
}

tap.test('turns requests away while the event loop is far behind, and takes them again afterwards', async (t) => {
  const app = await start(t, 50)
  t.equal((await app.inject('/things')).statusCode, 200)
  const refused = await overloaded(app, 100)
  t.equal(refused.statusCode, 503)
  t.equal(refused.headers['retry-after'], '1')
  t.match(refused.headers['content-type'], /^application\/problem\+json/)
  t.match(refused.json(), { code: 'overloaded', retry_after: 1, detail: /more to do than it can/ })
  t.equal((await app.inject({ method: 'POST', url: '/signed' })).statusCode, 503, 'who signs comes back as well')
  t.equal((await app.inject('/livez')).statusCode, 200, 'a probe is answered: nothing is to be restarted now')
  await eventually(async () => (await app.inject('/things')).statusCode === 200)
})

tap.test('turns requests away where a single turn takes longer than it looks', async (t) => {
  const app = await start(t, 50)
  t.equal((await overloaded(app, 510)).statusCode, 503)
})

tap.test('bears one long pause, as a collection of garbage or the start is', async (t) => {
  const app = await start(t, 100)
  await sleep(100)
  block(400)
  const statuses = new Set<number>()
  for (const end = performance.now() + 600; performance.now() < end; await sleep(20)) {
    statuses.add((await app.inject('/things')).statusCode)
  }
  t.strictSame([...statuses], [200])
})
