import { type ProblemCode, problems } from '../errors.js'

/** What to do about each problem: for the page here, and for the README's table, which is held against it. */
export const advice: Readonly<Record<ProblemCode, string>> = {
  validation_failed: '`errors` names the fields and what was expected of them.',
  unauthorized:
    'Send a key of `API_KEYS` as `Authorization: Bearer …` or `X-API-Key: …`. A webhook has to be signed with one of `TRACKSTAR_WEBHOOK_SECRET`, at most five minutes ago.',
  forbidden:
    'The key needs the scope that `detail` names; with an `origin`, Trackstar does not let this connection write.',
  product_not_found:
    'Trackstar may get to know the SKU later; "unknown" is remembered for `CACHE_NEGATIVE_TTL_SECONDS`.',
  inventory_item_not_found: 'The id is unknown to Trackstar; an id of another connection is, too.',
  warehouse_not_found: 'The id is not in the list at `GET /warehouses`.',
  route_not_found: 'The address is none of those in the contract document at `/openapi.json`.',
  method_not_allowed: 'The `Allow` header lists the methods that the address knows.',
  not_acceptable: 'Send `Accept: application/json`, or none.',
  request_timeout: 'Send the headers and the body without long pauses.',
  sku_ambiguous:
    'Choose from `candidates` and say whose by `warehouse_customer_id`; two active products of one merchant have to be sorted out in the warehouse system.',
  idempotency_conflict:
    'The key has named another request, or the first is still running: use a new key for a new adjustment.',
  content_too_large: 'A body may have 1 MiB.',
  uri_too_long: 'An address may have 16 KiB; more SKUs go by `POST /stock/query`.',
  unsupported_media_type: 'Send JSON, with `Content-Type: application/json` and not compressed.',
  upstream_rejected:
    '`detail` is what Trackstar says of the request, `origin` who says it: Trackstar or the warehouse system.',
  rate_limited: 'Come back after `retry_after` seconds; ask for many SKUs in one request.',
  headers_too_large: 'The headers and the address together may have 32 KiB, and there may be 200 headers.',
  internal_error: 'Report it with the `request_id`, which finds it in the logs.',
  not_supported_by_integration: 'Asking again does not help: the warehouse system lacks the function.',
  requires_mirror:
    'Asking again does not help: the service runs with `CATALOG_MODE=on-demand`, or the catalog is too large.',
  upstream_invalid_response: 'Nothing is wrong with the request; the logs say what was wrong with the answer.',
  upstream_auth_failed: 'Nothing is wrong with the request: whoever runs the service has to check its credentials.',
  upstream_unavailable: 'Come back after `retry_after` seconds.',
  mirror_loading: 'Come back after `retry_after` seconds; the stock of single SKUs is answered meanwhile.',
  overloaded: 'Come back after `retry_after` seconds; ask for many SKUs in one request.',
  upstream_timeout: 'Come back later; whoever runs the service may raise `TRACKSTAR_TIMEOUT_MS`.',
  not_cached: 'Ask without `Cache-Control: only-if-cached`.',
}

/** The page that the `type` of every problem leads to: a row for each code. Everything it needs is in it. */
export function problemsPage(): string {
  const rows = Object.entries(problems).map(
    ([code, { status, title }]) =>
      `<tr id="${code}"><td>${status}</td><td><a href="#${code}"><code>${code}</code></a></td><td>${html(title)}</td><td>${html(advice[code as ProblemCode])}</td></tr>`,
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>trackstar-bff: problem codes</title>
<link rel="icon" href="data:,">
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
div { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem; border-bottom: 1px solid #8884 }
tr:target { background: #fc06 }
code { font: .9em ui-monospace, monospace }
@media (max-width: 45rem) {
  thead { display: none }
  tr { display: block; padding: .4rem 0; border-bottom: 1px solid #8884 }
  td { display: block; padding: 0 .4rem; border: 0 }
}
</style>
</head>
<body>
<h1>Problem codes</h1>
<p>Every error is <code>application/problem+json</code> (<a href="https://www.rfc-editor.org/rfc/rfc9457">RFC 9457</a>).
Programs go by its <code>code</code>; its <code>type</code> leads to a row below.
See also the <a href="/docs">documentation of the routes</a>.</p>
<div><table>
<thead><tr><th>Status</th><th>Code</th><th>Meaning</th><th>What to do</th></tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table></div>
</body>
</html>
`
}

/** Text as HTML, with \`code\` in backticks. */
const html = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
