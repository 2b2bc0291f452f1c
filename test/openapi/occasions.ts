import type { InjectOptions } from 'fastify'
import type { Sandbox } from '../../src/sandbox/sandbox.js'
import type { ServiceOptions } from '../helper.js'

/** What it takes beside the request that an example of a problem names. */
export interface Occasion {
  readonly request?: InjectOptions
  readonly options?: ServiceOptions
  /** Makes the sandbox behave as the example says. */
  readonly prepare?: (sandbox: Sandbox) => unknown
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

/** By problem code. What is not named here takes nothing but the request. */
export const occasions: Readonly<Record<string, Occasion>> = {
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
