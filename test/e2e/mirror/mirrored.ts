import type { LightMyRequestResponse } from 'fastify'
import { sandboxWebhookSecret, signWebhook } from '../../../src/sandbox/sandbox.js'
import { eventually, type Service, type ServiceOptions, startService } from '../../harness.js'

export interface DeliveringService extends Service {
  /** Delivers the text of a body, correctly signed. */
  readonly deliverText: (payload: string, id?: string) => Promise<LightMyRequestResponse>
  /** Delivers a signed webhook without a socket. */
  readonly deliver: (event_type: string, data: unknown, also?: object, id?: string) => Promise<LightMyRequestResponse>
}

/** A service that mirrors the sandbox and receives webhooks. */
export interface MirroredService extends DeliveringService {
  /** Changes the stock of an item in one of its warehouses, and delivers the webhook. */
  readonly move: (itemId: string, by: number, warehouseId?: string) => Promise<void>
  /** From now on, the sandbox sends its webhooks to the service. */
  readonly connectWebhooks: () => Promise<void>
}

/**
 * Whether the mirror is live and has compared the catalog after the load, so that further calls upstream are
 * incremental.
 */
export async function isCompared({ get }: Service): Promise<boolean> {
  if ((await get('/stock/low?below=0')).statusCode !== 200) return false
  const { mirror } = (await get('/status')).json().connections[0]
  return mirror.state === 'live' && mirror.pages_left === 0
}

/** The environment variables of a service that receives webhooks. */
export const webhookEnvironment = {
  TRACKSTAR_CONNECTION_ID: 'conn_sandbox',
  TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
}

/** Adds `deliver` to a service that receives webhooks. */
export function withDeliveries(service: Service): DeliveringService {
  let deliveries = 0
  const deliverText = (payload: string, id = `msg_${++deliveries}`) => {
    const headers = {
      'content-type': 'application/json',
      ...signWebhook(sandboxWebhookSecret, id, Math.floor(Date.now() / 1000), payload),
    }
    return service.app.inject({ method: 'POST', url: '/webhooks/trackstar', headers, payload })
  }
  return {
    ...service,
    deliverText,
    deliver: (event_type, data, also = {}, id?: string) =>
      deliverText(JSON.stringify({ connection_id: 'conn_sandbox', event_type, data, ...also }), id),
  }
}

/**
 * Starts the service and, unless `waits` is false, waits until it is mirrored. A test ends before the next incremental
 * read.
 */
export async function startMirrored(
  t: Parameters<typeof startService>[0],
  { waits = true, ...options }: ServiceOptions & { waits?: boolean } = {},
): Promise<MirroredService> {
  const environment = { CATALOG_MODE: 'mirror', ...webhookEnvironment, ...options.environment }
  const service = withDeliveries(await startService(t, { ...options, environment }))
  const { app, sandbox, listen, deliver } = service
  await app.ready()
  if (waits) await eventually(() => isCompared(service))
  return {
    ...service,
    async move(itemId, by, warehouseId) {
      const { record } = sandbox.move(itemId, { by, ...(warehouseId !== undefined && { warehouse_id: warehouseId }) })
      const { statusCode } = await deliver('inventory.updated', record)
      if (statusCode !== 204) throw new Error(`expected 204 for a delivery, but got ${statusCode}`)
    },
    async connectWebhooks() {
      sandbox.sendWebhooksTo(`http://127.0.0.1:${await listen()}/webhooks/trackstar`)
    },
  }
}
