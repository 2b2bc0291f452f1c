import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import { apiKeys } from '../../src/config/formats.js'
import access from '../../src/http/auth.js'
import requestMetrics, { Metrics } from '../../src/http/metrics.js'
import problemDetails from '../../src/http/problems.js'

async function start(t: Test) {
  const metrics = new Metrics()
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(problemDetails)
  await app.register(access, { apiKeys: apiKeys.parse('shop:one,shop:two'), tickets: { redeem: () => undefined } })
  await app.register(requestMetrics, { metrics })
  app.get('/things/:id', () => ({}))
  app.get('/livez', { config: { access: 'open' } }, () => ({}))
  /** What has been counted at all. */
  const samplesOf = async (name: string) =>
    (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith(`${name}{`) && !line.endsWith(' 0'))
  return { app, samplesOf }
}

tap.test('counts requests by the name of the key, and by no key', async (t) => {
  const { app, samplesOf } = await start(t)
  for (const key of ['one', 'two', 'one', 'guessed']) {
    await app.inject({ url: '/things/1', headers: { 'x-api-key': key } })
  }
  await app.inject({ url: '/nowhere', headers: { authorization: 'Bearer two' } })
  await app.inject('/things/1')
  await app.inject('/livez')
  t.strictSame(await samplesOf('http_caller_requests_total'), [
    'http_caller_requests_total{caller="shop",status="200"} 3',
    'http_caller_requests_total{caller="shop",status="404"} 1',
  ])
})

tap.test('counts what is refused like any other: by template, status and code', async (t) => {
  const { app, samplesOf } = await start(t)
  for (const url of ['/things/1', '/things/2', '/nowhere']) await app.inject(url)
  const seconds = await samplesOf('http_request_seconds_count')
  t.strictSame(seconds, [
    'http_request_seconds_count{method="GET",route="/things/:id",status="401"} 2',
    'http_request_seconds_count{method="GET",route="none",status="404"} 1',
  ])
  t.strictSame(await samplesOf('http_problems_total'), [
    'http_problems_total{code="unauthorized"} 2',
    'http_problems_total{code="route_not_found"} 1',
  ])
})
