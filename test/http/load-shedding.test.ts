import { setTimeout as sleep } from 'node:timers/promises'
import Fastify, { type FastifyInstance, type LightMyRequestResponse } from 'fastify'
import tap, { type Test } from 'tap'
import auth from '../../src/http/auth.js'
import clientLimit, { inProcessCountsByKind } from '../../src/http/client-limit.js'
import loadShedding, { ClientLoads } from '../../src/http/load-shedding.js'
import problemDetails from '../../src/http/problems.js'
import { eventually } from '../harness.js'

const sampleIntervalMs = 100

async function start(t: Test, maxEventLoopDelayMs: number) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(problemDetails)
  await app.register(auth, { apiKeys: undefined, tickets: { redeem: () => undefined } })
  await app.register(clientLimit, { perMinute: 0, counts: inProcessCountsByKind(() => performance.now()) })
  const loads = new ClientLoads()
  await app.register(loadShedding, { maxEventLoopDelayMs, sampleIntervalMs, loads })
  app.get('/things', () => ({}))
  app.get('/livez', { config: { access: 'open' } }, () => ({}))
  app.post('/signed', { config: { access: 'signature' } }, () => ({}))
  await app.ready()
  return app
}

/** Blocks the event loop. */
function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

/** Blocks each turn of the event loop for `turnMs` until a request is rejected. */
async function untilRejected(app: FastifyInstance, turnMs: number): Promise<LightMyRequestResponse> {
  for (const end = performance.now() + 10_000; performance.now() < end; await sleep(0)) {
    const reply = await app.inject('/things')
    if (reply.statusCode !== 200) return reply
    block(turnMs)
  }
  throw new Error('no request was rejected within ten seconds')
}

tap.test('rejects requests while the event loop is delayed', async (t) => {
  const app = await start(t, 20)
  t.equal((await app.inject('/things')).statusCode, 200)
  const rejected = await untilRejected(app, 40)
  t.equal(rejected.statusCode, 503)
  t.equal(rejected.headers['retry-after'], '1')
  t.match(rejected.headers['content-type'], /^application\/problem\+json/)
  t.match(rejected.json(), { code: 'overloaded', retry_after: 1, detail: /overloaded/ })
  t.equal(
    (await app.inject({ method: 'POST', url: '/signed' })).statusCode,
    503,
    'webhooks are rejected too, and sent again',
  )
  t.equal((await app.inject('/livez')).statusCode, 200, 'probes are answered')
  await eventually(async () => (await app.inject('/things')).statusCode === 200)
})

tap.test('rejects requests if a single turn takes longer than a sample', async (t) => {
  const app = await start(t, 20)
  t.equal((await untilRejected(app, sampleIntervalMs + 10)).statusCode, 503)
})

tap.test('does not reject requests after one long pause', async (t) => {
  const app = await start(t, 50)
  await sleep(50)
  block(150)
  const statuses = new Set<number>()
  for (const end = performance.now() + 300; performance.now() < end; await sleep(20)) {
    statuses.add((await app.inject('/things')).statusCode)
  }
  t.strictSame([...statuses], [200])
})

tap.test("regression: a client with cheap requests was rejected because of another client's load", async (t) => {
  const app = await start(t, 20)
  const heavy = () => app.inject({ url: '/things', remoteAddress: '10.0.0.1' })
  const cheap = () => app.inject({ url: '/things', remoteAddress: '10.0.0.2' })
  const statuses = new Set<number>()
  const isRejected = async () => {
    statuses.add((await cheap()).statusCode)
    const replies = await Promise.all(Array.from({ length: 20 }, heavy))
    block(40)
    return replies.some(({ statusCode }) => statusCode === 503)
  }
  await eventually(isRejected)
  t.strictSame([...statuses, (await cheap()).statusCode], [200, 200])
})

tap.test('a client with long work is above the average until that work is long ago', (t) => {
  const loads = new ClientLoads()
  loads.add('heavy', 1000)
  for (let n = 0; n < 100; n++) loads.add('cheap', 0.3)
  t.strictSame([loads.isAboveAverage('heavy'), loads.isAboveAverage('cheap')], [true, false])
  for (let sample = 0; sample < 20; sample++) loads.decay()
  loads.add('heavy', 0.3)
  loads.add('cheap', 3)
  t.strictSame([loads.isAboveAverage('heavy'), loads.isAboveAverage('cheap')], [false, true])
  t.end()
})
