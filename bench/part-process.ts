/** The stock route and all that is around it, built by hand as `createServer` does, so that one part can be left out. */
import { setFlagsFromString } from 'node:v8'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { Pool } from 'undici'
import { createCatalog } from '../src/catalog/catalog.js'
import { Reading } from '../src/catalog/reading.js'
import { readConfig } from '../src/config.js'
import access from '../src/plugins/access.js'
import clientLimit from '../src/plugins/client-limit.js'
import compression from '../src/plugins/compression.js'
import cors from '../src/plugins/cors.js'
import freshness from '../src/plugins/freshness.js'
import health from '../src/plugins/health.js'
import { createLogger } from '../src/plugins/logger.js'
import methodNotAllowed from '../src/plugins/method-not-allowed.js'
import { Metrics } from '../src/plugins/metrics.js'
import negotiation from '../src/plugins/negotiation.js'
import overload from '../src/plugins/overload.js'
import problemDetails from '../src/plugins/problems.js'
import requestId from '../src/plugins/request-id.js'
import requestLog from '../src/plugins/request-log.js'
import requestMetrics from '../src/plugins/request-metrics.js'
import securityHeaders from '../src/plugins/security-headers.js'
import { serverOptions } from '../src/plugins/server.js'
import { Tickets } from '../src/plugins/tickets.js'
import { readingOf, setFreshness } from '../src/routes/reading.js'
import { stockOptions, stockRoute } from '../src/routes/stock.js'
import { stockSchemas } from '../src/stock/stock.js'
import { stocks } from '../src/stock/stock-service.js'
import { systemClock } from '../src/trackstar/clock.js'
import { connect } from '../src/trackstar/connection.js'
import type { Part } from './parts.js'

// As the service has it.
setFlagsFromString('--heap-growing-percent=30')

const [sku = '', ...without] = process.argv.slice(2)
const isIn = (part: Part) => !without.includes(part)
const config = readConfig(process.env)
const { now } = systemClock
const metrics = new Metrics()
const options = serverOptions(config, createLogger(config))
const app: FastifyInstance = Fastify({ ...options, ...(!isIn('request id') && { genReqId: () => 'always' }) })

const anybody = fastifyPlugin(
  async (child: FastifyInstance) => {
    const caller = { name: 'bench', scopes: ['read'] as const }
    child.decorateRequest('caller', null)
    child.addHook('onRequest', (request, _reply, done) => {
      request.caller = caller
      done()
    })
  },
  { name: 'access' },
)

await app.register(problemDetails)
if (isIn('request id')) await app.register(requestId)
if (isIn('security headers')) await app.register(securityHeaders)
if (isIn('CORS')) await app.register(cors, { origins: config.corsOrigins ?? [] })
if (isIn('API key')) await app.register(access, { apiKeys: config.apiKeys, tickets: new Tickets(now) })
else await app.register(anybody)
if (isIn('log line')) await app.register(requestLog)
if (isIn('metrics')) await app.register(requestMetrics, { metrics })
if (isIn('negotiation')) await app.register(negotiation)
if (isIn('overload')) await app.register(overload, { maxEventLoopDelayMs: 250 })
await app.register(clientLimit, { perMinute: isIn('rate limit') ? config.clientRateLimit : 0 })
if (isIn('compression')) await app.register(compression)
await app.register(methodNotAllowed)
for (const schema of stockSchemas) app.addSchema(schema)
if (isIn('freshness')) await app.register(freshness, { config, now })
await app.register(health, { unready: () => undefined })

const nothing = () => {}
const connection = connect({
  dispatcher: new Pool(config.trackstarBaseUrl),
  baseUrl: config.trackstarBaseUrl,
  credentials: { apiKey: config.trackstarApiKey, accessToken: config.trackstarAccessToken },
  readRate: config.trackstarReadRate,
  writeRate: config.trackstarWriteRate,
  timeoutMs: config.trackstarTimeoutMs,
  clock: systemClock,
  onCall: nothing,
  onCircuit: nothing,
})
const hourMs = 3_600_000
const catalog = createCatalog({
  ...connection,
  clock: systemClock,
  policy: { ttlMs: hourMs, revalidateMs: hourMs, maxStaleMs: hourMs, negativeTtlMs: hourMs },
  maxBytes: config.cacheMaxMb * 1_000_000,
  requestTimeoutMs: config.requestTimeoutMs,
  connectionId: config.trackstarConnectionId,
  onBatch: nothing,
  onMalformed: nothing,
  onDoubt: nothing,
  onFailure: nothing,
})
const readingFor = readingOf(config.requestTimeoutMs, systemClock.elapsed)
const warm = new Reading('bench', systemClock.elapsed() + config.requestTimeoutMs)
const known = (await stocks(catalog, new Set([sku]), stockOptions({}), warm)).get(sku)
if (known?.status !== 'ok') throw new Error(`there is no stock of ${sku} to measure`)

app.addHook('onRoute', (route) => {
  if (!isIn('validation')) route.validatorCompiler = () => () => true
  if (isIn('the join')) return
  const body = { json: Buffer.from(JSON.stringify(known.stock)) }
  route.handler = async (request, reply) => {
    setFreshness(reply, readingFor(request), known.readAt, { saysAsOf: true, body })
    return reply.type('application/json; charset=utf-8').send(body.json)
  }
})
await app.register(stockRoute, { catalog, readingOf: readingFor })
app.refuseOtherMethods()
process.send?.(await app.listen({ host: '127.0.0.1', port: 0 }))
process.on('disconnect', () => process.exit(0))
