import { type ProblemCode, type ProblemExtras, problem, problemBody } from '../errors.js'
import type { ResponseExample } from './examples.js'
import { adjustment } from './mirror-examples.js'

interface Occasion {
  /** The request, and what else it takes: the first words of the example's description. */
  readonly asked: string
  readonly detail: string
  readonly extras?: ProblemExtras
}

const stock = '`GET /products/SENCHA-100/stock`'
const query = '`POST /stock/query`'
const low = '`GET /stock/low?below=10`'
const adjust = `\`PUT /inventory/inv_tray/adjust\` \`${JSON.stringify(adjustment)}\``

/** An occasion for each code that an operation documents. The rest are refused before any operation is found. */
const occasions: Partial<Record<ProblemCode, Occasion>> = {
  validation_failed: {
    asked: '`GET /products/SENCHA-100/stock?warehouse=wh_oslo`',
    detail: 'The query parameter warehouse is not known here',
    extras: { errors: [{ field: 'warehouse', message: 'is not known here' }] },
  },
  unauthorized: {
    asked: `${stock} without a key`,
    detail: 'Expected a key, by Authorization: Bearer or X-API-Key, but there is none',
  },
  forbidden: {
    asked: `${adjust} with a key that may only read`,
    detail: 'Expected a key with the scope write, but that of storefront has only read',
  },
  product_not_found: {
    asked: '`GET /products/NO-SUCH-SKU/stock`',
    detail: 'Trackstar knows no product with the SKU "NO-SUCH-SKU"',
  },
  inventory_item_not_found: {
    asked: '`GET /inventory/inv_nowhere`',
    detail: 'Trackstar knows no inventory item with the id "inv_nowhere"',
  },
  warehouse_not_found: {
    asked: '`GET /warehouses/wh_nowhere`',
    detail: 'Trackstar knows no warehouse with the id "wh_nowhere"',
  },
  not_acceptable: {
    asked: `${stock} with \`Accept: text/html\``,
    detail: 'Expected Accept to allow application/json, but it does not',
  },
  sku_ambiguous: {
    asked: '`GET /products/HONEY-1/stock`',
    detail: '2 products share the SKU "HONEY-1"',
    extras: {
      candidates: [
        { product_id: 'prod_honey_a', name: 'Heather honey', warehouse_customer_id: 'cust_aurora', active: true },
        { product_id: 'prod_honey_b', name: 'Honeydew honey', warehouse_customer_id: 'cust_borealis', active: true },
      ],
    },
  },
  idempotency_conflict: {
    asked: `${adjust} with an \`Idempotency-Key\` that has named another adjustment`,
    detail: 'Idempotency-Key was used with another body or path',
    extras: { origin: 'trackstar' },
  },
  content_too_large: { asked: `${query} with more than 1 MiB`, detail: 'Request body is too large' },
  uri_too_long: {
    asked: '`GET /stock` with more than 16 KiB of SKUs',
    detail: 'Expected an address of at most 16384 bytes; more SKUs go by POST',
  },
  unsupported_media_type: {
    asked: `${query} with \`Content-Type: text/plain\``,
    detail: 'Unsupported Media Type',
  },
  rate_limited: {
    asked: `${stock}, once too often within a minute, with \`CLIENT_RATE_LIMIT=1\``,
    detail: 'Expected at most 1 request a minute of one client, but got more',
    extras: { retryAfter: 60 },
  },
  upstream_rejected: {
    asked: '`GET /products?created_date[gte]=yesterday`',
    detail: 'created_date[gte]: expected an ISO 8601 time, but got: yesterday',
    extras: { origin: 'trackstar' },
  },
  internal_error: {
    asked: 'Any request that meets a fault in this service',
    detail: 'Something went wrong here; the request id finds it in the logs',
  },
  not_supported_by_integration: {
    asked: '`GET /warehouses`, where the warehouse system has no such list',
    detail: 'The connected warehouse system has no such function: warehouses cannot be listed',
    extras: { origin: 'integration' },
  },
  requires_mirror: {
    asked: `${low}, with \`CATALOG_MODE=on-demand\``,
    detail: 'This needs the whole catalog, and records are read here only when asked for',
  },
  upstream_invalid_response: {
    asked: `${stock}, while Trackstar answers with something that is no JSON`,
    detail: "In Trackstar's answer the body must be JSON",
  },
  upstream_auth_failed: {
    asked: `${stock}, while Trackstar answers 401`,
    detail: "Trackstar refuses this service's own credentials; yours are fine",
  },
  upstream_unavailable: {
    asked: `${stock}, while Trackstar answers 503`,
    detail: 'Trackstar is failing (503)',
    extras: { retryAfter: 1 },
  },
  mirror_loading: {
    asked: `${low}, while the catalog is being loaded`,
    detail: 'The catalog is still being loaded from Trackstar',
    extras: { retryAfter: 5 },
  },
  overloaded: {
    asked: `${stock}, after Trackstar has asked for a pause of 30 seconds`,
    detail: 'More is waiting for Trackstar than its rate lets through in time',
    extras: { retryAfter: 30 },
  },
  upstream_timeout: {
    asked: `${stock}, while Trackstar gives no answer`,
    detail: 'Trackstar gave no whole answer within 5000 ms',
  },
  not_cached: {
    asked: `${stock} with \`Cache-Control: only-if-cached\`, when nothing is held`,
    detail: 'Nothing is held that is fresh enough, and only-if-cached forbids to ask Trackstar',
  },
}

/** What is refused where a signature stands in for a key. */
const ofDeliveries: typeof occasions = {
  unauthorized: {
    asked: '`POST /webhooks/trackstar` without a signature',
    detail: 'Expected a delivery signed with a secret of this connection within five minutes',
  },
}

/** Any request's id. */
const requestId = '6cf590f2-9f4a-4981-af72-3f8accaec68e'

/** The body of each of `codes`, by code: made as the service makes it. */
export function problemExamples(
  codes: readonly ProblemCode[],
  { isDelivery = false } = {},
): Record<string, ResponseExample> {
  return Object.fromEntries(
    codes.flatMap((code) => {
      const occasion = (isDelivery && ofDeliveries[code]) || occasions[code]
      if (occasion === undefined) return []
      const value = problemBody(problem(code, occasion.detail, occasion.extras), requestId)
      return [[code, { summary: value.title, description: occasion.asked, value }]]
    }),
  )
}
