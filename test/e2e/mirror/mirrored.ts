import type { LightMyRequestResponse } from 'fastify'
import { sandboxWebhookSecret, signWebhook } from '../../../src/sandbox/sandbox.js'
import { eventually, type Service, type ServiceOptions, startService } from '../../harness.js'

export interface DeliveringService extends Service {
  /** Delivers a webhook without a socket, signed now. */
  readonly deliver: (event_type: string, data: unknown, also?: object, id?: string) => Promise<LightMyRequestResponse>
}

/** A service that mirrors the sandbox, and takes webhooks of it. */
export interface MirroredService extends DeliveringService {
  /** Sells or receives units of an item in one of its warehouses, and brings word of it. */
  readonly move: (itemId: string, by: number, warehouseId?: string) => Promise<void>
  /** Sends the sandbox's own webhooks to the service from now on. */
  readonly connectWebhooks: () => Promise<void>
}

/** Whether the mirror is live and has compared the catalog after the load, so that it calls upstream at its intervals only. */
export async function isCompared({ get }: Service): Promise<boolean> {
  if ((await get('/stock/low?below=0')).statusCode !== 200) return false
  const { mirror } = (await get('/status')).json().connections[0]
  return mirror.state === 'live' && mirror.pages_left === 0
}

/** What a service needs in its environment to take webhooks. */
export const webhookEnvironment = {
  TRACKSTAR_CONNECTION_ID: 'conn_sandbox',
  TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
}

/** Delivers webhooks to a service that takes them. */
export function withDeliveries(service: Service): DeliveringService {
  let deliveries = 0
  return {
    ...service,
    deliver(event_type, data, also = {}, id = `msg_${++deliveries}`) {
      const payload = JSON.stringify({ connection_id: 'conn_sandbox', event_type, data, ...also })
      const headers = {
        'content-type': 'application/json',
        ...signWebhook(sandboxWebhookSecret, id, Math.floor(Date.now() / 1000), payload),
      }
      return service.app.inject({ method: 'POST', url: '/webhooks/trackstar', headers, payload })
    },
  }
}

/** Starts it, and waits until all is mirrored unless told otherwise. It follows nothing by itself within a test. */
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
