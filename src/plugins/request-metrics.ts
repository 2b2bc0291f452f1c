import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { Metrics } from './metrics.js'

export interface RequestMetricsOptions {
  readonly metrics: Metrics
}

/** Counts every request. Labels are route templates and the names of keys: never a SKU or a secret. */
export default fastifyPlugin<RequestMetricsOptions>(
  async (app: FastifyInstance, { metrics }) => {
    app.addHook('onRequest', (_request, reply, done) => {
      metrics.inFlight.inc()
      // Not with the response, which never comes for who has gone away before.
      reply.raw.once('close', () => metrics.inFlight.dec())
      done()
    })
    app.addHook('onResponse', (request, reply, done) => {
      const { method, routeOptions, caller } = request
      const status = reply.statusCode
      metrics.http.observe({ method, route: routeOptions.url ?? 'none', status }, reply.elapsedTime / 1000)
      if (caller !== null) metrics.callers.inc({ caller: caller.name, status })
      if (reply.problem !== null) metrics.problems.inc({ code: reply.problem })
      done()
    })
  },
  { name: 'request-metrics', dependencies: ['problems', 'access'] },
)
