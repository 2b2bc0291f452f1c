import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLogger } from '../../../../src/http/logging.js'
import { startTracing } from '../../../../src/http/tracing.js'
import { sandboxWebhookSecret, signWebhook } from '../../../../src/sandbox/sandbox.js'
import { startCollector } from '../../../collector.js'
import { eventually, type Service, type ServiceOptions, startService } from '../../../harness.js'
import type { Document } from '../../../openapi/document.js'
import { startMirrored } from '../../mirror/mirrored.js'
import { bytesOf, exchange } from '../wire.js'
import { allowedOrigin, type Destination, Expectations } from './expectations.js'
import type { FuzzedRequest } from './odd-requests.js'
import { marker } from './odd-values.js'
import type { Known } from './schema-values.js'
import { faultsOfCall } from './upstream-calls.js'

/** The committed contract document. */
export const contract = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', '..', '..', '..', 'openapi', 'openapi.json'), 'utf8'),
) as Document

/** The result of one request. */
export interface FuzzResult {
  /** Undefined if there was no response. */
  readonly status: number | undefined
  readonly destination: Destination | undefined
  /** What is wrong with the response, or with the log since the last request. */
  readonly faults: readonly string[]
  /** What is wrong with the calls upstream since the last request. */
  readonly callFaults: readonly string[]
}

export interface FuzzHarness {
  readonly known: Known
  readonly send: (request: FuzzedRequest) => Promise<FuzzResult>
}

/** Values that exist in the sandbox. */
const known: Known = {
  sku: [
    'SENCHA-100',
    'GONGFU-SET',
    'HONEY-1',
    'EARL-GREY',
    'MINT/LEMON 50%',
    'GREEN, BLACK + WHITE',
    '抹茶 30g',
    '__proto__',
  ],
  products: [],
  inventory: ['inv_cup', 'inv_jasmine', 'inv/mint 50%', 'inv_mix,3', 'inv_抹茶', '__proto__', 'constructor'],
  warehouses: ['wh_oslo', 'wh_porto', 'wh_quiet', '__proto__'],
  warehouse_id: ['wh_oslo', 'wh_porto', '__proto__', 'nowhere'],
  warehouse_customer_id: ['cust_aurora', 'cust_borealis'],
  connection_id: ['conn_sandbox'],
  event_type: ['inventory.updated', 'product.updated', 'product.created', 'warehouse.updated', 'connection.created'],
  'cache-control': ['no-cache', 'max-age=0', 'only-if-cached'],
  'if-none-match': ['*'],
}

const keys = { read: 'key-that-reads', write: 'key-that-writes', unknown: 'key-of-nobody' } as const

/** The headers that carry the key. */
function keyHeaders({ key, keyBy }: FuzzedRequest): [string, string][] {
  if (key === 'none') return []
  if (keyBy === 'x-api-key') return [['x-api-key', keys[key]]]
  const shown: [string, string] = ['authorization', `Bearer ${keys[key]}`]
  return keyBy === 'authorization' ? [shown] : [shown, ['authorization', `Bearer ${keys.unknown}`]]
}

/** What is wrong with a log line: an error, a secret, or text that a caller injected. */
function faultsOfLine(line: string): string[] {
  const { level, request_id: _own, ...rest } = JSON.parse(line)
  const leaked = [...Object.values(keys), 'sandbox-a', 'whsec_', marker].filter((text) =>
    JSON.stringify(rest).includes(text),
  )
  return [
    ...(level >= 50 ? [`a fault was logged: ${line}`] : []),
    ...leaked.map((text) => `the log has ${text}: ${line}`),
  ]
}

/** Starts two services with every feature on, one with a mirror and one without; both stop with the test. */
export async function startFuzzHarness(t: Parameters<typeof startService>[0]): Promise<FuzzHarness> {
  const expectations = new Expectations(contract)
  const webhooks = { TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret, TRACKSTAR_CONNECTION_ID: 'conn_sandbox' }
  const environment = {
    ...webhooks,
    TRACKSTAR_WRITE_RATE: '1000',
    AUTH_MODE: 'api-key',
    API_KEYS: `reader:${keys.read},writer:${keys.write}:read+write`,
    CORS_ORIGINS: allowedOrigin,
    LOG_LEVEL: 'info',
  }
  const collector = await startCollector(t)
  // Nothing here reads the spans: exporting those of every request alone would take as long as the requests.
  const tracing = await startTracing(
    Object.assign(process.env, collector.environment, { OTEL_BSP_SCHEDULE_DELAY: '5000' }),
  )
  t.teardown(() => tracing?.close())
  const lines: string[] = []
  const options: ServiceOptions = {
    environment,
    sandbox: { writeRate: 0 },
    logger: (config) => createLogger(config, { write: (line) => void lines.push(line) }, tracing?.logFields),
    ...(tracing && { tracing }),
  }
  const services: Readonly<Record<FuzzedRequest['mode'], Service>> = {
    mirror: await startMirrored(t, { ...options, waits: false }),
    'on-demand': await startService(t, options),
  }
  const low = () => services.mirror.get('/stock/low?below=0', { 'x-api-key': keys.read })
  await eventually(async () => (await low()).statusCode === 200)
  let deliveries = 0
  const signature = ({ isSigned, body }: FuzzedRequest) => {
    if (!isSigned || body === undefined) return []
    const now = Math.floor(Date.now() / 1000)
    return Object.entries(signWebhook(sandboxWebhookSecret, `msg_${++deliveries}`, now, body))
  }
  const prepared = (request: FuzzedRequest): FuzzedRequest => ({
    ...request,
    headers: [...signature(request), ...keyHeaders(request), ...request.headers],
  })
  return {
    known,
    async send(request) {
      const { listen, sandbox } = services[request.mode]
      const wire = { methods: [request.method], ends: request.framing === 'cut short' }
      const received = await exchange(await listen(), bytesOf(prepared(request)), wire)
      const callFaults = sandbox.calls.splice(0).flatMap(faultsOfCall)
      return {
        status: received.answers[0]?.status,
        destination: expectations.destinationOf(request),
        faults: [...expectations.faultsOf(request, received), ...lines.splice(0).flatMap(faultsOfLine)],
        callFaults,
      }
    },
  }
}
