import type { SandboxCall } from '../../../../src/sandbox/sandbox.js'

/** The calls that this service makes upstream; anything else was smuggled in by a caller. */
interface Allowed {
  readonly method: string
  readonly path: RegExp
  readonly filters: ReadonlySet<string>
}

const times = ['created_date', 'updated_date', 'trackstar_created_date', 'trackstar_updated_date']
const operators = ['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'in', 'nin']
const withOperators = (fields: readonly string[], known: readonly string[]) =>
  fields.flatMap((field) => [field, ...known.map((operator) => `${field}[${operator}]`)])
const paging = ['limit', 'page_token', 'ids[in]']
const texts = withOperators(
  ['sku', 'warehouse_customer_id', 'trackstar_tags'],
  [...operators, 'contains', 'not_contains'],
)
const ofRecords = [...paging, ...texts, ...withOperators(times, operators)]

/** One segment that `encodeURIComponent` produces and that is no dot segment. */
const segment = String.raw`(?!\.{1,2}(?:/|$))(?:[\w.~!*'()-]|%[0-9A-F]{2})+`

const allowed: readonly Allowed[] = [
  { method: 'GET', path: /^\/wms\/products$/, filters: new Set(ofRecords) },
  {
    method: 'GET',
    path: /^\/wms\/inventory$/,
    filters: new Set([...ofRecords, ...withOperators(['active'], operators)]),
  },
  { method: 'GET', path: /^\/wms\/warehouses$/, filters: new Set(paging) },
  { method: 'GET', path: new RegExp(`^/wms/inventory/${segment}$`), filters: new Set() },
  { method: 'PUT', path: new RegExp(`^/wms/inventory/${segment}/adjust$`), filters: new Set() },
  { method: 'GET', path: /^\/connections\/conn_sandbox$/, filters: new Set() },
]

const ofReads: Readonly<Record<string, RegExp>> = {
  host: /^127\.0\.0\.1:\d+$/,
  connection: /^keep-alive$/,
  accept: /^application\/json$/,
  'accept-encoding': /^gzip, deflate, br$/,
  'x-trackstar-api-key': /^sandbox-api-key$/,
  'x-trackstar-access-token': /^sandbox-access-token$/,
  traceparent: /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]$/,
  tracestate: /^[\w*/@-]+=[\x20-\x7e]{1,256}(?:,[\w*/@-]+=[\x20-\x7e]{1,256}){0,31}$/,
}
const ofWrites: Readonly<Record<string, RegExp>> = {
  ...ofReads,
  'content-type': /^application\/json$/,
  'content-length': /^\d+$/,
  'idempotency-key': /^[0-9a-f]{64}$/,
}

/** Everything about a call that the service would not do by itself, one line each. */
export function faultsOfCall({
  method,
  url,
  path,
  query,
  headers,
}: Pick<SandboxCall, 'method' | 'url' | 'path' | 'query' | 'headers'>): string[] {
  const found = allowed.find((one) => one.method === method && one.path.test(path))
  if (found === undefined) return [`unexpected call upstream: ${method} ${url}`]
  const names = Array.from(query.keys())
  const known = method === 'GET' ? ofReads : ofWrites
  return [
    ...(/^[\w\-.~!*'()%/?=&]*$/.test(url) ? [] : [`an address upstream was not encoded: ${url}`]),
    ...names.filter((name) => !found.filters.has(name)).map((name) => `upstream was given the filter ${name}: ${url}`),
    ...(new Set(names).size === names.length ? [] : [`upstream was given a filter twice: ${url}`]),
    ...Object.entries(headers)
      .filter(([name, value]) => !known[name]?.test(String(value)))
      .map(([name, value]) => `upstream was given the header ${name}: ${value}`),
  ]
}
