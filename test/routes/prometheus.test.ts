import Fastify from 'fastify'
import tap from 'tap'
import auth from '../../src/http/auth.js'
import { Metrics } from '../../src/http/metrics.js'
import problemDetails from '../../src/http/problems.js'
import metricsRoute from '../../src/routes/prometheus.js'

tap.test('serves the current metrics of its registry without a key', async (t) => {
  const metrics = new Metrics()
  metrics.malformed('inventory')
  const app = Fastify()
  await app.register(problemDetails)
  await app.register(auth, { apiKeys: [], tickets: { redeem: () => undefined } })
  await app.register(metricsRoute, { metrics })
  const reply = await app.inject('/metrics')
  t.equal(reply.statusCode, 200)
  t.equal(reply.headers['content-type'], metrics.registry.contentType)
  t.equal(reply.headers['cache-control'], 'no-store')
  t.match(reply.body, /^trackstar_malformed_records_total\{resource="inventory"\} 1$/m)
  t.equal((await app.inject({ method: 'HEAD', url: '/metrics' })).statusCode, 200)
  metrics.malformed('inventory')
  t.match((await app.inject('/metrics')).body, /^trackstar_malformed_records_total\{resource="inventory"\} 2$/m)
})
