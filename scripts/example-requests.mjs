// The requests whose answers are the examples of the contract document. scripts/capture-examples.mjs sends them.

const stock = { url: '/products/SENCHA-100/stock' }
const low = { url: '/stock/low?below=10' }
const manySkus = ['SENCHA-100', 'EARL-GREY', 'NO-SUCH-SKU']
const adjustment = { quantity: 5, adjustment_type: 'increase', warehouse_id: 'wh_oslo' }
const adjust = { method: 'PUT', url: '/inventory/inv_tray/adjust', body: adjustment }
const onDemand = { CATALOG_MODE: 'on-demand' }
const keys = { AUTH_MODE: 'api-key', API_KEYS: 'storefront:let-me-in-please' }
const idempotencyKey = { 'idempotency-key': 'stocktake-17-tray' }

/** Makes every upstream call fail with `status`. */
const failWith =
  (status, { headers = {}, body = { error: 'no', origin: 'trackstar' } } = {}) =>
  ({ sandbox }) =>
    sandbox.fault('/wms/*', { status, headers, body })

/**
 * @typedef {object} ExampleRequest
 * @property {string} [method] default `GET`
 * @property {string} url a readable address; it is percent-encoded before it is sent
 * @property {object | string} [body]
 * @property {Record<string, string>} [headers]
 * @property {string} [condition] what the description says beside the request
 * @property {string} [description] replaces the description made from the request and the condition
 * @property {string} [raw] bytes to write to a socket in place of the request
 * @property {Record<string, string>} [environment] variables of a service of its own
 * @property {object[]} [connections] the content of `CONNECTIONS_FILE`, for a service of its own
 * @property {string} [group] the name of a group of three connections, for a service of its own
 * @property {object} [sandbox] options of that service's sandbox
 * @property {boolean} [isolated] whether the request gets a service of its own
 * @property {(service: object) => unknown} [prepare] runs before the request, on a service of its own
 * @property {Record<string, unknown>} [replace] fixed values for fields that differ from run to run
 */

/**
 * Answers of operations, by operation id and name. The first example of an operation with a body answers the body that
 * the document shows.
 * @type {Record<string, Record<string, ExampleRequest & {summary: string}>>}
 */
export const operationExamples = {
  getStock: {
    plain: { ...stock, summary: 'A plain product in two warehouses' },
    kit: { url: '/products/GONGFU-SET/stock', summary: 'A kit, limited by its tea trays' },
    incomplete: {
      url: '/products/HOJICHA-80/stock',
      summary: 'An incomplete answer: Trackstar does not have one of the two items',
    },
    group: {
      url: '/products/OOLONG-250/stock?connection=all',
      group: 'all',
      summary: 'A group: the sum over its connections, one of which does not have the SKU',
    },
  },
  listStock: {
    mixed: {
      url: `/stock?${manySkus.map((sku) => `sku=${sku}`).join('&')}`,
      summary: 'One stock, one ambiguous SKU and one unknown SKU',
    },
  },
  queryStock: {
    mixed: {
      method: 'POST',
      url: '/stock/query',
      body: { skus: manySkus },
      summary: 'One stock, one ambiguous SKU and one unknown SKU',
    },
  },
  checkBasket: {
    not_together: {
      method: 'POST',
      url: '/stock/check',
      body: {
        lines: [
          { sku: 'GONGFU-SET', quantity: 6 },
          { sku: 'CUP', quantity: 20 },
        ],
      },
      summary: 'Each line is available, but not both: the set contains four of the cups',
    },
    together: {
      method: 'POST',
      url: '/stock/check',
      body: {
        lines: [
          { sku: 'GONGFU-SET', quantity: 5 },
          { sku: 'CUP', quantity: 20 },
        ],
      },
      summary: 'With one set less, 40 cups are enough',
    },
    group: {
      method: 'POST',
      url: '/stock/check',
      body: { lines: [{ sku: 'OOLONG-250', quantity: 20 }], connection: 'all' },
      group: 'all',
      summary: 'A group: one of its connections can ship it, one lacks three units, and one does not have the SKU',
    },
  },
  listLowStock: {
    running_out: { url: '/stock/low?below=10&limit=5', summary: 'The first page: five SKUs with nothing available' },
    group: {
      url: '/stock/low?below=100&limit=1&warehouse_customer_id=cust_borealis&connection=all',
      group: 'all',
      summary: 'A group: one SKU, with what each of its connections has',
    },
  },
  createEventTicket: {
    ticket: {
      method: 'POST',
      url: '/stock/events/tickets',
      summary: 'A ticket',
      replace: { ticket: 'x2LC0R6yYbqvEw1bJ4mYd2m8h1uT0c7f' },
    },
  },
  listProducts: { first: { url: '/products?limit=1', summary: 'The first page, with one record' } },
  getProduct: { sencha: { url: '/products/SENCHA-100', summary: 'A product' } },
  listInventory: {
    filtered: { url: '/inventory?sku[eq]=SENCHA-100', summary: 'The items of one SKU: the only page' },
  },
  getInventoryItem: { sencha: { url: '/inventory/inv_sencha', summary: 'An inventory item' } },
  searchProducts: {
    suggestions: { url: '/search?q=gongfu', summary: 'One kit, found by the beginning of its SKU' },
  },
  listProductsOfInventoryItem: {
    cup: { url: '/inventory/inv_cup/products', summary: 'The cup is sold on its own and in two kits' },
  },
  adjustInventoryItem: {
    adjusted: { ...adjust, isolated: true, summary: 'Five tea trays arrive: 6 + 5 = 11' },
  },
  listConnections: { only: { url: '/connections', summary: 'One connection' } },
  listWarehouses: { first: { url: '/warehouses?limit=1', summary: 'The first page, with one record' } },
  getWarehouse: { oslo: { url: '/warehouses/wh_oslo', summary: 'A warehouse' } },
  getStatus: {
    live: {
      url: '/status',
      summary: 'A live mirror',
      environment: { TRACKSTAR_READ_RATE: '10' },
      prepare: ({ whenCompared }) => whenCompared(),
      replace: { used_last_second: 2, hit_ratio: null },
    },
  },
  getLiveness: { ok: { url: '/livez', summary: 'The process is running' } },
  getReadiness: {
    ok: { url: '/readyz', summary: 'The service is ready' },
    refused: {
      url: '/readyz',
      condition: 'after Trackstar answered 401',
      summary: 'Trackstar refuses the credentials',
      environment: onDemand,
      prepare: async (service) => {
        failWith(401)(service)
        await service.app.inject(stock.url)
      },
    },
  },
}

/**
 * One answer for each problem code.
 * @type {Record<string, ExampleRequest>}
 */
export const problemExamples = {
  validation_failed: { url: '/products/SENCHA-100/stock?warehouse=wh_oslo' },
  connection_required: {
    ...stock,
    condition: 'with a key that may use several connections',
    environment: onDemand,
    connections: [
      { name: 'au', access_token: 'token-of-au' },
      { name: 'us', access_token: 'token-of-us' },
    ],
  },
  unauthorized: { ...stock, condition: 'without a key', environment: keys },
  forbidden: {
    ...adjust,
    headers: { authorization: 'Bearer let-me-in-please' },
    condition: 'with a key that has only the scope `read`',
    environment: keys,
  },
  product_not_found: { url: '/products/NO-SUCH-SKU/stock' },
  inventory_item_not_found: { url: '/inventory/inv_nowhere' },
  warehouse_not_found: { url: '/warehouses/wh_nowhere' },
  connection_not_found: { url: '/products/SENCHA-100/stock?connection=nowhere' },
  route_not_found: { url: '/nowhere' },
  method_not_allowed: { method: 'PUT', url: '/stock' },
  not_acceptable: { ...stock, headers: { accept: 'text/html' }, condition: 'with `Accept: text/html`' },
  request_timeout: {
    raw: 'GET /livez HTTP/1.1\r\nHost: x\r\n',
    description: 'A request that stops halfway',
    environment: { REQUEST_TIMEOUT_MS: '300' },
  },
  sku_ambiguous: { url: '/products/HONEY-1/stock' },
  idempotency_conflict: {
    ...adjust,
    headers: idempotencyKey,
    condition: 'with an `Idempotency-Key` that was used for another adjustment',
    prepare: ({ app }) =>
      app.inject({ method: 'PUT', url: adjust.url, payload: { ...adjustment, quantity: 6 }, headers: idempotencyKey }),
  },
  content_too_large: {
    method: 'POST',
    url: '/stock/query',
    body: { skus: ['x'.repeat(1024 * 1024)] },
    description: '`POST /stock/query` with a body of more than 1 MiB',
  },
  uri_too_long: {
    url: `/stock?sku=${'x'.repeat(16 * 1024)}`,
    description: '`GET /stock` with an address of more than 16 KiB',
  },
  unsupported_media_type: {
    method: 'POST',
    url: '/stock/query',
    body: 'SENCHA-100',
    headers: { 'content-type': 'text/plain' },
    description: '`POST /stock/query` with `Content-Type: text/plain`',
  },
  misdirected_request: {
    ...stock,
    headers: { host: 'stock.example' },
    condition: 'with `Host: stock.example` and `AUTH_MODE=none`',
  },
  upstream_rejected: { url: '/products?created_date[gte]=yesterday' },
  rate_limited: {
    ...stock,
    condition: 'twice within a minute with `CLIENT_RATE_LIMIT=1`',
    environment: { ...onDemand, CLIENT_RATE_LIMIT: '1' },
    prepare: ({ app }) => app.inject(stock.url),
  },
  headers_too_large: {
    raw: `GET /livez HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(33_000)}\r\n\r\n`,
    description: 'A request with more than 32 KiB of headers',
  },
  not_supported_by_integration: {
    url: '/warehouses',
    condition: 'when the warehouse system cannot list warehouses',
    environment: onDemand,
    prepare: failWith(501, { body: { error: 'warehouses cannot be listed', origin: 'integration' } }),
  },
  requires_mirror: { ...low, condition: 'with `CATALOG_MODE=on-demand`', environment: onDemand },
  upstream_invalid_response: {
    ...stock,
    condition: 'when the response of Trackstar is not JSON',
    environment: onDemand,
    prepare: failWith(200, { body: 'oops' }),
  },
  upstream_auth_failed: {
    ...stock,
    condition: 'when Trackstar answers 401',
    environment: onDemand,
    prepare: failWith(401),
  },
  upstream_unavailable: {
    ...stock,
    condition: 'when Trackstar answers 503',
    environment: onDemand,
    // Only this path: with failures of every path the circuit breaker may open first.
    prepare: ({ sandbox }) => sandbox.fault('/wms/products', { status: 503 }),
  },
  mirror_loading: {
    ...low,
    condition: 'while the catalog is loading',
    sandbox: { latencyMs: 1000 },
    isolated: true,
  },
  overloaded: {
    ...stock,
    condition: 'after Trackstar asked for a pause of 30 seconds',
    environment: onDemand,
    prepare: async (service) => {
      failWith(503, { headers: { 'retry-after': '30' } })(service)
      await service.app.inject(stock.url)
    },
  },
  upstream_timeout: {
    ...stock,
    condition: 'when Trackstar does not answer',
    environment: { ...onDemand, TRACKSTAR_TIMEOUT_MS: '40' },
    prepare: ({ sandbox }) => sandbox.fault('/wms/*', { delayMs: 800 }),
  },
  not_cached: {
    ...stock,
    headers: { 'cache-control': 'only-if-cached' },
    condition: 'with `Cache-Control: only-if-cached` when nothing is cached',
    environment: onDemand,
  },
}

/** Problems that look different for one operation, by operation id and code. */
export const problemsOfOperations = {
  receiveWebhook: {
    unauthorized: {
      method: 'POST',
      url: '/webhooks/trackstar',
      body: {},
      description: '`POST /webhooks/trackstar` without a signature',
    },
  },
}
