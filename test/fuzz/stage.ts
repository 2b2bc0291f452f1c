import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sandboxWebhookSecret, signWebhook } from '../../src/sandbox/sandbox.js'
import { type Service, startService } from '../helper.js'
import { startMirrored } from '../mirrored.js'
import type { Document } from '../openapi/document.js'
import type { FuzzedRequest } from './requests.js'
import { faultsOfCall } from './upstream-calls.js'
import type { Known } from './values.js'
import { type Destination, Judge } from './verdict.js'
import { bytesOf, exchange } from './wire.js'

/** The contract document as it is committed: what callers have been promised. */
export const promised = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', '..', '..', 'openapi', 'openapi.json'), 'utf8'),
) as Document

/** What came of one request. */
export interface Shot {
  /** Undefined where there was no answer. */
  readonly status: number | undefined
  readonly destination: Destination | undefined
  /** What must not be about the answer. */
  readonly faults: readonly string[]
  /** What must not be about the calls upstream since the last shot. */
  readonly callFaults: readonly string[]
}

export interface FuzzStage {
  readonly known: Known
  readonly shoot: (request: FuzzedRequest) => Promise<Shot>
}

/** What callers may know of the sandbox. */
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
}

/** Two services with all that can be switched on, one that mirrors and one that reads on demand; both end with the test. */
export async function startFuzzStage(t: Parameters<typeof startService>[0]): Promise<FuzzStage> {
  const judge = new Judge(promised)
  const webhooks = { TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret, TRACKSTAR_CONNECTION_ID: 'conn_sandbox' }
  const environment = { ...webhooks, TRACKSTAR_WRITE_RATE: '1000' }
  const services: Readonly<Record<FuzzedRequest['mode'], Service>> = {
    mirror: await startMirrored(t, { environment, sandbox: { writeRate: 0 } }),
    'on-demand': await startService(t, { environment, sandbox: { writeRate: 0 } }),
  }
  let deliveries = 0
  const signed = (request: FuzzedRequest): FuzzedRequest => {
    if (!request.isSigned || request.body === undefined) return request
    const now = Math.floor(Date.now() / 1000)
    const signature = signWebhook(sandboxWebhookSecret, `msg_${++deliveries}`, now, request.body)
    return { ...request, headers: [...Object.entries(signature), ...request.headers] }
  }
  return {
    known,
    async shoot(request) {
      const { listen, sandbox } = services[request.mode]
      const options = { methods: [request.method], ends: request.framing === 'cut short' }
      const came = await exchange(await listen(), bytesOf(signed(request)), options)
      const callFaults = sandbox.calls.splice(0).flatMap(faultsOfCall)
      return {
        status: came.answers[0]?.status,
        destination: judge.destinationOf(request),
        faults: judge.faultsOf(request, came),
        callFaults,
      }
    },
  }
}
