import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { problems } from '../../../src/errors.js'
import { readExamples } from '../../../src/openapi/examples.js'
import { problemsPage } from '../../../src/routes/problems-page.js'
import { type Document, operationsOf, type Response, resolved } from '../../openapi/document.js'
import { faultsIn } from '../../openapi/faults.js'
import { routesOf } from '../../openapi/routes.js'
import { startMirrored } from '../mirror/mirrored.js'

const root = join(import.meta.dirname, '..', '..', '..', '..')
const document = JSON.parse(readFileSync(join(root, 'openapi', 'openapi.json'), 'utf8')) as Document
const operations = operationsOf(document)
const faultsOf = faultsIn(document)

/** Pages and documents, which are not part of the contract. */
const undocumented = ['/', '/openapi.json', '/openapi.yaml', '/docs', '/docs/problems', '/ui', '/ui/']

tap.test('the service serves the committed document as JSON and YAML, and Swagger UI', async (t) => {
  const { get } = await startMirrored(t, { waits: false })
  t.same((await get('/openapi.json')).json(), document, 'run "npm run openapi" and commit the result')
  t.match((await get('/openapi.yaml')).body, /^openapi: 3\.1\.0\n/)
  t.match((await get('/')).headers, { location: './docs/' })
  for (const url of undocumented.slice(1)) t.equal((await get(url === '/docs' ? '/docs/' : url)).statusCode, 200, url)
})

tap.test('the document has every route and no others', async (t) => {
  const { app } = await startMirrored(t, { waits: false })
  const documented = operations.map(({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`)
  const hidden = undocumented.map((path) => `GET ${path}`)
  t.same([...documented, ...hidden].toSorted(), await routesOf(app))
})

/** Headers of connections, browsers and proxies; and those of errors that are documented with successful responses only. */
const commonHeaders = [
  /^(connection|date|keep-alive|transfer-encoding|content-(type|length|encoding)|vary)$/,
  /^(content-security-policy|cross-origin-|origin-agent-cluster|referrer-policy|strict-transport-security|x-)(?!request-id)/,
  /^access-control-/,
  /^(ratelimit-|idempotency-key$)/,
]

/** The headers of a response that the document lacks. */
function undocumentedHeaders(method: string, path: string, status: number, headers: object): string[] {
  const { responses = {} } = document.paths[path]?.[method.toLowerCase()] ?? {}
  const response = resolved(document, (responses[status] ?? responses['default']) as Response)
  const documented = Object.keys(response.headers ?? {}).map((name) => name.toLowerCase())
  return Object.keys(headers).filter(
    (name) => !documented.includes(name) && !commonHeaders.some((pattern) => pattern.test(name)),
  )
}

const gets: [path: string, url: string, headers?: Record<string, string>][] = [
  ['/products/{sku}/stock', '/products/MATCHA-TIN/stock?include=lots,locations'],
  ['/products/{sku}/stock', '/products/TRAVEL-SET/stock?warehouse_id=wh_oslo&warehouse_id=wh_nowhere'],
  ['/products/{sku}/stock', '/products/DARJEELING-500/stock'],
  ['/products/{sku}/stock', '/products/GIFT-CARD/stock'],
  ['/products/{sku}/stock', '/products/__proto__/stock'],
  ['/products/{sku}/stock', '/products/EARL-GREY/stock?nonsense=1'],
  ['/products/{sku}/stock', '/products/EARL-GREY/stock'],
  ['/products/{sku}/stock', '/products/NO-SUCH-SKU/stock'],
  ['/products/{sku}/stock', '/products/CUP/stock', { accept: 'text/html' }],
  ['/stock', '/stock?sku=KETTLE-1L&sku=SCALE-01&sku=HONEY-1&sku=PUERH-357'],
  ['/products', '/products?limit=100'],
  ['/products', '/products?sku[contains]=GREEN&trackstar_updated_date[gte]=2025-01-01T00:00:00Z'],
  ['/products', '/products?limit=0'],
  ['/products', '/products?created_date[gte]=yesterday'],
  ['/products/{sku}', '/products/SAMPLER-3'],
  ['/inventory', '/inventory?limit=100'],
  ['/inventory/{id}', '/inventory/inv_ceylon'],
  ['/inventory/{id}', '/inventory/inv_nowhere'],
  ['/inventory/{id}/products', '/inventory/inv_ribbon/products'],
  ['/stock/low', '/stock/low?below=1000&limit=1000'],
  ['/stock/low', '/stock/low?below=5&warehouse_id=wh_graz'],
  ['/warehouses', '/warehouses'],
  ['/warehouses/{id}', '/warehouses/wh_quiet'],
  ['/status', '/status'],
  ['/livez', '/livez'],
  ['/readyz', '/readyz'],
]

const basketOfOddities = ['SAMPLER-3', 'GIFT-CARD', 'EARL-GREY', 'TRAVEL-SET'].map((sku) => ({ sku, quantity: 9 }))

tap.test('responses have the documented headers and match the documented schema', async (t) => {
  const { app, get } = await startMirrored(t)
  for (const [path, url, headers] of gets) {
    const answer = await get(url, headers)
    const mediaType = String(answer.headers['content-type']).split(';')[0] ?? ''
    t.equal(faultsOf('GET', path, String(answer.statusCode), mediaType, answer.json()), null, url)
    t.strictSame(undocumentedHeaders('GET', path, answer.statusCode, answer.headers), [], url)
  }
  const bodies: [method: 'POST' | 'PUT', path: string, body?: object][] = [
    ['POST', '/stock/query', { skus: ['CUP', 'CHAI-50'], include: ['lots'] }],
    ['POST', '/stock/check', { lines: [{ sku: 'NO-SUCH', quantity: 1 }, ...basketOfOddities] }],
    ['POST', '/stock/events/tickets'],
    ['PUT', '/inventory/{id}/adjust', { quantity: 1, adjustment_type: 'decrease', location_id: 'A-01' }],
  ]
  for (const [method, path, payload] of bodies) {
    const url = path.replace('{id}', 'inv_cup')
    const { statusCode, headers, body } = await app.inject({ method, url, ...(payload && { payload }) })
    t.equal(faultsOf(method, path, '200', 'application/json', JSON.parse(body)), null, path)
    t.strictSame(undocumentedHeaders(method, path, statusCode, headers), [], path)
  }
  const { statusCode, headers } = await get('/metrics')
  t.strictSame(undocumentedHeaders('GET', '/metrics', statusCode, headers), [], '/metrics')
})

/** Fields that differ from one response to the next. */
const volatile = /^(as_of|source|request_id|(trackstar_)?updated_date)$/
const comparable = (text: string): unknown =>
  JSON.parse(text, (key, value: unknown) => (volatile.test(key) ? null : value))

tap.test('the documented request body of an operation gets its first documented response', async (t) => {
  const { app } = await startMirrored(t)
  const withBody = operations.filter(({ operation, path }) => operation.requestBody && path !== '/webhooks/trackstar')
  t.equal(withBody.length, 3)
  for (const { operation, method, path } of withBody) {
    const payload = operation.requestBody?.content['application/json']?.example as object
    const [shown] = Object.values(operation.responses['200']?.content?.['application/json']?.examples ?? {})
    const url = path.replace(
      '{id}',
      String(operation.parameters?.find((parameter) => parameter.in === 'path')?.example),
    )
    const answer = await app.inject({ method: method as 'POST' | 'PUT', url, payload })
    t.same(comparable(answer.body), comparable(JSON.stringify(shown?.value)), `${method} ${path}`)
  }
})

tap.test('the documented webhook delivery is applied', async (t) => {
  const { deliver, get } = await startMirrored(t)
  const operation = document.paths['/webhooks/trackstar']?.['post']
  const shown = operation?.requestBody?.content['application/json']?.example as { event_type: string; data: object }
  const answer = await deliver(shown.event_type, shown.data)
  t.equal(answer.statusCode, 204)
  t.equal((await get('/products/CUP/stock')).json().available, 37)
  t.same(operation?.responses['204']?.content, undefined, 'a response without a body')
})

tap.test('the page of problem codes lists every code and loads nothing from other hosts', async (t) => {
  const page = problemsPage(readExamples().problems)
  for (const [code, { status }] of Object.entries(problems)) {
    t.match(page, `<tr id="${code}"><td>${status}</td>`)
  }
  t.notMatch(page, /(?:src|href)="(?:https?:)?\/\/(?!www\.rfc-editor\.org)/)
  t.notMatch(page, /<script|<link rel="stylesheet|@import|url\(/)
})
