import { type ProblemCode, problems } from '../errors.js'
import type { Examples, ResponseExample } from '../openapi/examples.js'

/** What a caller can do about each problem, in Markdown. The page below and docs/errors.md show it. */
export const advice: Readonly<Record<ProblemCode, string>> = {
  validation_failed: 'Correct the fields that `errors` lists.',
  connection_required:
    'Send one of `connections` as `connection`, in the query or, for `POST /stock/query` and `POST /stock/check`, in the body.',
  unauthorized:
    'Send a key of `API_KEYS` as `Authorization: Bearer …` or `X-API-Key: …`. A webhook must be signed with a secret of `TRACKSTAR_WEBHOOK_SECRET`, at most five minutes ago.',
  forbidden:
    'Use a key with the scope that `detail` names. If there is an `origin`, Trackstar does not allow writes on this connection.',
  product_not_found:
    'Check the SKU. If it is new, retry later: unknown SKUs are remembered for `CACHE_NEGATIVE_TTL_SECONDS`.',
  inventory_item_not_found: 'Check the id. Ids of other connections are unknown too.',
  warehouse_not_found: 'Use an id from `GET /warehouses`.',
  connection_not_found: 'Use a name from `GET /connections`. Others are unknown, or not for this key.',
  route_not_found: 'Use a path of the OpenAPI document at `/openapi.json`.',
  method_not_allowed: 'Use a method that the `Allow` header lists.',
  not_acceptable: 'Send `Accept: application/json`, or no `Accept` header.',
  request_timeout: 'Send the headers and the body without long pauses.',
  sku_ambiguous:
    'Choose one of `candidates` and send its `warehouse_customer_id`. If one merchant has several active products with the SKU, correct that in the warehouse system.',
  idempotency_conflict:
    'The key was used for another request, or the first request is still running. Use a new key for a new adjustment.',
  content_too_large: 'Send a body of at most 1 MiB.',
  uri_too_long: 'Send a URL of at most 16 KiB. For many SKUs, use `POST /stock/query`.',
  unsupported_media_type: 'Send uncompressed JSON with `Content-Type: application/json`.',
  misdirected_request:
    'Call the service by its address or as `localhost`. The operator can add a host name with `PUBLIC_URL`; other names are refused with `AUTH_MODE=none`, because a page could make its own name resolve to the service.',
  upstream_rejected:
    'Correct the request: `detail` is the message of Trackstar or, if `origin` is `integration`, of the warehouse system.',
  rate_limited:
    'Retry after `retry_after` seconds. Each SKU or line of a request counts, so ask only for those that you need.',
  headers_too_large: 'Send at most 200 headers, and at most 32 KiB of headers including the URL.',
  internal_error: 'Report the `request_id`: it identifies the request in the logs.',
  not_supported_by_integration: 'Do not retry: the warehouse system lacks the function.',
  requires_mirror:
    'Do not retry: the service runs with `CATALOG_MODE=on-demand`, or the catalog does not fit in `CACHE_MAX_MB`.',
  upstream_invalid_response: 'The request is valid. The logs say what was wrong with the response of Trackstar.',
  upstream_auth_failed: 'The request is valid. The operator must correct the credentials for Trackstar.',
  upstream_unavailable: 'Retry after `retry_after` seconds.',
  mirror_loading: 'Retry after `retry_after` seconds. The stock of single SKUs is available meanwhile.',
  overloaded: 'Retry after `retry_after` seconds. Request many SKUs at once.',
  upstream_timeout: 'Retry later. The operator can raise `TRACKSTAR_TIMEOUT_MS`.',
  not_cached: 'Send the request without `Cache-Control: only-if-cached`.',
}

/**
 * The HTML page that the `type` of every problem links to: one row per code, without external files.
 * @param examples a response for each code
 */
export function problemsPage(examples: Examples['problems']): string {
  const rows = Object.entries(problems).map(([code, { status, title }]) => {
    const help = `${toHtml(advice[code as ProblemCode])}${toDetails(examples[code as ProblemCode])}`
    return `<tr id="${code}"><td>${status}</td><td><a href="#${code}"><code>${code}</code></a></td><td>${toHtml(title)}</td><td>${help}</td></tr>`
  })
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
td:last-child { min-width: 18rem }
code, pre { font: .9em ui-monospace, monospace }
summary { cursor: pointer; opacity: .7 }
details p { margin: .4rem 0; overflow-wrap: anywhere }
pre { margin: .4rem 0; padding: .6rem; background: #8882; white-space: pre-wrap; overflow-wrap: anywhere }
@media (max-width: 45rem) {
  thead { display: none }
  tr { display: block; padding: .4rem 0; border-bottom: 1px solid #8884 }
  td, td:last-child { display: block; min-width: 0; padding: 0 .4rem; border: 0 }
}
</style>
</head>
<body>
<h1>Problem codes</h1>
<p>Every error is <code>application/problem+json</code> (<a href="https://www.rfc-editor.org/rfc/rfc9457">RFC 9457</a>).
Use its <code>code</code> in programs. Its <code>type</code> links to a row below.
See also the <a href="./">documentation of the routes</a>.</p>
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

/** An example that opens when it is clicked. */
const toDetails = (example: ResponseExample | undefined) =>
  example
    ? `<details><summary>Example</summary><p>${toHtml(example.description)}</p><pre>${escapeHtml(JSON.stringify(example.value, null, 2))}</pre></details>`
    : ''

const escapeHtml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Escapes text for HTML and turns backticks into code. */
const toHtml = (text: string) => escapeHtml(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>')
