import type { FastifyInstance, InjectOptions } from 'fastify'
import { adjustment } from '../../src/openapi/mirror-examples.js'
import type { Sandbox } from '../../src/sandbox/sandbox.js'
import type { ServiceOptions } from '../harness.js'

/** What it takes beside the request that an example names. */
export interface Occasion {
  readonly request?: InjectOptions
  /** What goes over a connection in place of a request, byte for byte. */
  readonly raw?: string
  readonly options?: ServiceOptions & { readonly waits?: boolean }
  /** Whether the catalog is mirrored, and there before the request unless `waits` says otherwise. */
  readonly mirrored?: boolean
  /** Makes the sandbox behave as the example says, or asks for something first. */
  readonly prepare?: (sandbox: Sandbox, app: FastifyInstance) => unknown
  /** How many requests it takes; the last one is answered as in the example. */
  readonly requests?: number
  /** Applied to the answer before it is compared: what the test has to have otherwise than the example. */
  readonly edit?: (text: string) => string
}

const slowMs = 40
const failing = (status: number, headers = {}) => ({
  prepare: (sandbox: Sandbox) =>
    sandbox.fault('/wms/*', { status, headers, body: { error: 'no', origin: 'trackstar' } }),
})

const keys = { AUTH_MODE: 'api-key', API_KEYS: 'storefront:let-me-in' }
const adjustmentKey = { 'idempotency-key': 'stocktake-17-tray' }

/** By problem code, or the name of another example. What is not named here takes nothing but the request. */
export const occasions: Readonly<Record<string, Occasion>> = {
  running_out: { mirrored: true },
  cup: { mirrored: true },
  adjusted: {
    edit: (text) => text.replaceAll(/("(?:trackstar_)?updated_date"):"2\d{3}-[^"]*"/g, '$1:"2026-11-23T10:00:00Z"'),
  },
  live: { mirrored: true, options: { environment: { TRACKSTAR_READ_RATE: '10' } } },
  refused: {
    prepare: async (sandbox, app) => {
      sandbox.fault('/wms/*', { status: 401 })
      await app.inject('/products/SENCHA-100/stock')
    },
  },
  requests: { prepare: (_sandbox, app) => app.inject('/products/SENCHA-100/stock') },
  request_timeout: {
    raw: 'GET /livez HTTP/1.1\r\nHost: x\r\n',
    options: { environment: { REQUEST_TIMEOUT_MS: '300' } },
  },
  headers_too_large: { raw: `GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(33_000)}\r\n\r\n` },
  unauthorized: { mirrored: true, options: { environment: keys, waits: false }, request: { payload: {} } },
  forbidden: { options: { environment: keys }, request: { headers: { authorization: 'Bearer let-me-in' } } },
  rate_limited: { options: { environment: { CLIENT_RATE_LIMIT: '1' } }, requests: 2 },
  ticket: {
    edit: (text) =>
      text
        .replace(/"ticket":"[^"]*"/, '"ticket":"x2LC0R6yYbqvEw1bJ4mYd2m8h1uT0c7f"')
        .replace(/"expires_at":"[^"]*"/, '"expires_at":"2026-11-23T10:01:00.000Z"'),
  },
  idempotency_conflict: {
    prepare: (_sandbox, app) =>
      app.inject({
        method: 'PUT',
        url: '/inventory/inv_tray/adjust',
        payload: { ...adjustment, quantity: 6 },
        headers: adjustmentKey,
      }),
    request: { headers: adjustmentKey },
  },
  mirror_loading: { mirrored: true, options: { sandbox: { latencyMs: 1000 }, waits: false } },
  not_acceptable: { request: { headers: { accept: 'text/html' } } },
  content_too_large: { request: { payload: { skus: ['x'.repeat(1024 * 1024)] } } },
  unsupported_media_type: { request: { payload: 'SENCHA-100', headers: { 'content-type': 'text/plain' } } },
  uri_too_long: { request: { query: { sku: 'x'.repeat(16 * 1024) } } },
  not_supported_by_integration: {
    prepare: (sandbox) =>
      sandbox.fault('/wms/*', { status: 501, body: { error: 'warehouses cannot be listed', origin: 'integration' } }),
  },
  upstream_invalid_response: { prepare: (sandbox) => sandbox.fault('/wms/*', { status: 200, body: 'oops' }) },
  upstream_auth_failed: failing(401),
  upstream_unavailable: { prepare: (sandbox) => sandbox.fault('/wms/products', { status: 503 }) },
  overloaded: { ...failing(503, { 'retry-after': '30' }), requests: 2 },
  upstream_timeout: {
    options: { environment: { TRACKSTAR_TIMEOUT_MS: String(slowMs) } },
    prepare: (sandbox) => sandbox.fault('/wms/*', { delayMs: 20 * slowMs }),
    edit: (text) => text.replace(`${slowMs} ms`, '5000 ms'),
  },
  not_cached: { request: { headers: { 'cache-control': 'only-if-cached' } } },
}
