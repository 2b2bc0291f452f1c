import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import tap from 'tap'
import { isProblem, problems } from '../../../src/errors.js'
import { toProblem } from '../../../src/http/problems.js'
import type { ResponseExample } from '../../../src/openapi/examples.js'
import { deliveryExample } from '../../../src/openapi/mirror-examples.js'
import { openapiDocument } from '../../../src/openapi.js'
import { problemsPage } from '../../../src/routes/problems-page.js'
import { overSocket, startService } from '../../harness.js'
import {
  type Content,
  type Document,
  operationsOf,
  type Parameter,
  type Response,
  resolved,
  responseExamples,
} from '../../openapi/document.js'
import { faultsIn } from '../../openapi/faults.js'
import { occasions } from '../../openapi/occasions.js'
import { routesOf } from '../../openapi/routes.js'
import { startMirrored } from '../mirror/mirrored.js'

const root = join(import.meta.dirname, '..', '..', '..', '..')
const committed: unknown = JSON.parse(readFileSync(join(root, 'openapi', 'openapi.json'), 'utf8'))
const document = (await openapiDocument()) as Document
const operations = operationsOf(document)
const problemType = 'application/problem+json'

/** Opened to whoever looks, and no part of the contract. */
const undocumented = ['/', '/openapi.json', '/openapi.yaml', '/docs', '/docs/problems']

const faultsOf = faultsIn(document)

tap.test('the committed document is the one that the routes give', async (t) => {
  t.same(committed, JSON.parse(JSON.stringify(document)), 'npm run openapi, and commit the result')
})

tap.test('the committed types of clients are the ones that the committed document gives', async (t) => {
  const { clientTypes } = (await import(pathToFileURL(join(root, 'scripts', 'client-types.mjs')).href)) as {
    clientTypes: (document: unknown) => Promise<string>
  }
  const types = readFileSync(join(root, 'openapi', 'trackstar-bff.d.ts'), 'utf8')
  t.ok(types === (await clientTypes(committed)), 'npm run openapi, and commit the result')
})

tap.test('the document has every route, and no other', async (t) => {
  const { app } = await startMirrored(t, { waits: false })
  const documented = operations.map(({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`)
  const hidden = undocumented.map((path) => `GET ${path}`)
  t.same([...documented, ...hidden].toSorted(), await routesOf(app))
})

tap.test('every operation says what it is', async (t) => {
  const ids = operations.map(({ operation }) => operation.operationId)
  t.equal(new Set(ids).size, operations.length, 'operation ids are there and differ')
  for (const { operation, method, path } of operations) {
    const { summary, description, tags = [], responses } = operation
    t.ok(summary, `${method} ${path} has a summary`)
    t.ok(description && description !== summary, `${method} ${path} has a description`)
    t.ok(
      tags.length === 1 && document.tags.some(({ name }) => name === tags[0]),
      `${method} ${path} has one of the tags`,
    )
    t.ok(responses['default']?.$ref?.endsWith('/AnyProblem'), `${method} ${path} documents any other problem`)
  }
})

tap.test('every parameter has a description and an example', async (t) => {
  const hasExample = ({ example, examples, schema }: Parameter) => example ?? examples ?? schema?.['examples']
  for (const { operation, method, path } of operations) {
    for (const parameter of operation.parameters ?? []) {
      t.ok(parameter.description, `${method} ${path} ${parameter.name}`)
      t.ok(hasExample(parameter), `${method} ${path} ${parameter.name}: example`)
      const isRequired =
        parameter.in === 'path' || ['/stock sku', '/stock/low below'].includes(`${path} ${parameter.name}`)
      t.equal(parameter.required === true, isRequired, `${method} ${path} ${parameter.name}: required`)
    }
    const takesBody = method !== 'GET' && path !== '/stock/events/tickets'
    t.equal(operation.requestBody !== undefined, takesBody, `${method} ${path}: a body`)
    for (const content of Object.values(operation.requestBody?.content ?? {})) {
      t.ok(content.example, `${method} ${path}: example of a body`)
    }
  }
})

tap.test('every response has a body, where it has one, of a named component, with an example', async (t) => {
  const isNamed = ({ schema }: Content) => schema !== undefined && '$ref' in schema
  for (const { operation, method, path } of operations) {
    for (const [status, response] of Object.entries(operation.responses)) {
      const { headers, content = {} } = resolved(document, response)
      t.ok(headers?.['X-Request-Id'], `${method} ${path} ${status}`)
      for (const [mediaType, body] of Object.entries(content)) {
        t.ok(Object.keys(body.examples ?? {}).length > 0, `${method} ${path} ${status}: example`)
        if (mediaType !== 'text/plain') t.ok(isNamed(body), `${method} ${path} ${status}: named`)
      }
    }
  }
  const names = Object.keys(document.components.schemas)
  t.same(
    names.filter((name) => !/^[A-Z][A-Za-z]+$/.test(name)),
    [],
    'components are named by nouns',
  )
})

tap.test('an error response says which codes it can be, and shows each', async (t) => {
  for (const { operation, method, path } of operations) {
    for (const [status, response] of Object.entries(operation.responses)) {
      const { description, content } = resolved(document, response)
      const body = content?.[problemType]
      if (body === undefined || status === 'default') continue
      const codes = Array.from(description.matchAll(/`(\w+)`: /g), ([, code]) => code)
      t.ok(codes.length > 0, `${method} ${path} ${status}`)
      t.same(Object.keys(body.examples ?? {}), codes, `${method} ${path} ${status}`)
    }
  }
})

tap.test('where an error may pass by waiting, or an answer is cached, the headers say so', async (t) => {
  for (const { operation, method, path } of operations) {
    for (const [status, response] of Object.entries(operation.responses)) {
      const { headers = {}, content = {} } = resolved(document, response)
      if (status === '503' && content[problemType]) t.ok(headers['Retry-After'], `${method} ${path}`)
      if (!operation.responses['504'] || method === 'PUT' || !['200', '304'].includes(status)) continue
      t.ok(headers['Cache-Control'] && headers['Cache-Status'], `${method} ${path} ${status}`)
      const isList = /^\/(products|inventory|warehouses)$/.test(path)
      t.equal(Boolean(headers['Age'] && headers['ETag']), !isList, `${method} ${path} ${status}`)
    }
  }
})

/** What concerns the connection, browsers and caches on the way; and what refusals have too, where it would be said 200 times. */
const ofAnyAnswer = [
  /^(connection|date|keep-alive|transfer-encoding|content-(type|length|encoding)|vary)$/,
  /^(content-security-policy|cross-origin-|origin-agent-cluster|referrer-policy|strict-transport-security|x-)(?!request-id)/,
  /^access-control-/,
  /^(ratelimit-|idempotency-key$)/,
]

const undocumentedHeaders = (headers: object, documented: readonly string[]) => {
  const names = documented.map((name) => name.toLowerCase())
  return Object.keys(headers).filter((name) => !names.includes(name) && !ofAnyAnswer.some((any) => any.test(name)))
}

/** What differs from one answer to the next. */
const changing = ['as_of', 'source', 'request_id', 'started_at', 'synced_at', 'bytes', 'used_last_second', 'hit_ratio']
const comparable = (text: string): unknown =>
  JSON.parse(text, (key, value: unknown) => (changing.includes(key) ? null : value))

/** `GET /somewhere` of a description, with spaces and the like percent-encoded, and the body that may come behind it. */
function requestOf(description: string): InjectOptions {
  const [, method, url, payload] = /^`(GET|POST|PUT) ([^`]+)`(?: `([^`]+)`)?/.exec(description) ?? []
  if (url === undefined) throw new Error(`no request in ${JSON.stringify(description)}`)
  return {
    method: method as 'GET' | 'POST' | 'PUT',
    url: encodeURI(url),
    ...(payload !== undefined && { payload: JSON.parse(payload) }),
  }
}

/** The events of a stream, without what differs from one to the next: what an example shows, and what a reader sees. */
async function shownAndSeen(t: Parameters<typeof startMirrored>[0], { value, description }: ResponseExample) {
  const { listen, move } = await startMirrored(t)
  const shown = eventsOf(String(value))
  const ending = new AbortController()
  const address = `http://127.0.0.1:${await listen()}${String(requestOf(description).url)}`
  const { body } = await fetch(address, { signal: ending.signal })
  await move('inv_jasmine', -3, 'wh_oslo')
  let text = ''
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) {
    text += Buffer.from(part).toString()
    if (eventsOf(text).length >= shown.length) break
  }
  ending.abort()
  return [shown, eventsOf(text)] as const
}

/** Of each whole event its name, the number in its id, and its data. */
function eventsOf(stream: string): unknown[] {
  const events = stream.matchAll(/^event: (\w+)\nid: \w+-(\d+)\ndata: (.*)\n\n/gm)
  return Array.from(events, ([, event, n, data = '']) => ({ event, n, data: comparable(data) }))
}

const examples = new Map(
  responseExamples(document).map((found) => [`${found.name}: ${found.example.description}`, found] as const),
)

for (const { name, example, status, mediaType, method, path } of examples.values()) {
  tap.test(`the example of ${status} ${name} (${example.description}) is what the service answers`, async (t) => {
    t.equal(faultsOf(method, path, status, mediaType, example.value), null, 'it is of its schema')
    if (name === 'internal_error') {
      const error = toProblem(new TypeError('x is not a function'))
      t.ok(isProblem(error, 'internal_error'))
      t.match(example.value, { code: error.problem, detail: error.message, status: error.statusCode })
      return
    }
    if (mediaType === 'text/event-stream') {
      t.same(...(await shownAndSeen(t, example)))
      return
    }
    const {
      raw,
      request,
      options,
      mirrored,
      prepare,
      requests = 1,
      edit = (text: string) => text,
    } = occasions[name] ?? {}
    const { app, sandbox, listen } = await (mirrored ? startMirrored : startService)(t, options)
    await prepare?.(sandbox, app)
    let answer: Pick<LightMyRequestResponse, 'statusCode' | 'headers' | 'body'> | undefined
    if (raw !== undefined) {
      const { status: statusCode, headers, body } = await overSocket(await listen(), raw)
      answer = { statusCode, headers: Object.fromEntries(headers), body }
    } else {
      for (let n = 0; n < requests; n++) answer = await app.inject({ ...requestOf(example.description), ...request })
    }
    const { status: inBody = status } = Object(example.value) as { status?: number }
    t.equal(String(answer?.statusCode), status === 'default' ? String(inBody) : status)
    t.match(answer?.headers['content-type'], mediaType)
    const { headers = {} } = resolved(
      document,
      document.paths[path]?.[method.toLowerCase()]?.responses[status] as Response,
    )
    t.strictSame(undocumentedHeaders(answer?.headers ?? {}, Object.keys(headers)), [])
    if (mediaType === 'text/plain') {
      for (const line of String(example.value).trim().split('\n')) t.match(answer?.body, line.replace(/ [\d.]+$/, ''))
      return
    }
    t.same(comparable(edit(answer?.body ?? '')), comparable(JSON.stringify(example.value)))
  })
}

tap.test('the body that an operation is documented with gets the first documented answer', async (t) => {
  const asked = operations.filter(({ operation, path }) => operation.requestBody && path !== '/webhooks/trackstar')
  t.equal(asked.length, 3)
  for (const { operation, method, path } of asked) {
    const { app } = await startService(t)
    const payload = operation.requestBody?.content['application/json']?.example as object
    const [name, shown] =
      Object.entries(operation.responses['200']?.content?.['application/json']?.examples ?? {})[0] ?? []
    const { edit = (text: string) => text } = occasions[name ?? ''] ?? {}
    const url = path.replace(
      '{id}',
      String(operation.parameters?.find((parameter) => parameter.in === 'path')?.example),
    )
    const answer = await app.inject({ method: method as 'POST' | 'PUT', url, payload })
    t.same(comparable(edit(answer.body)), comparable(JSON.stringify(shown?.value)), `${method} ${path}`)
  }
})

tap.test('the delivery that webhooks are documented with is taken in', async (t) => {
  const { deliver, get } = await startMirrored(t)
  const operation = document.paths['/webhooks/trackstar']?.['post']
  const shown = operation?.requestBody?.content['application/json']?.example
  t.same(shown, deliveryExample)
  t.equal((await deliver(deliveryExample.event_type, deliveryExample.data)).statusCode, 204)
  t.equal((await get('/products/CUP/stock')).json().available, 37)
  t.same(operation?.responses['204']?.content, undefined, 'an answer without a body')
})

tap.test('what the service answers is of the documented schema', async (t) => {
  const { app, get } = await startMirrored(t)
  const asked: [path: string, url: string][] = [
    ['/products/{sku}/stock', '/products/MATCHA-TIN/stock?include=lots,locations'],
    ['/products/{sku}/stock', '/products/TRAVEL-SET/stock?warehouse_id=wh_oslo&warehouse_id=wh_nowhere'],
    ['/products/{sku}/stock', '/products/DARJEELING-500/stock'],
    ['/products/{sku}/stock', '/products/GIFT-CARD/stock'],
    ['/products/{sku}/stock', '/products/__proto__/stock'],
    ['/products/{sku}/stock', '/products/EARL-GREY/stock?nonsense=1'],
    ['/stock', '/stock?sku=KETTLE-1L&sku=SCALE-01&sku=HONEY-1&sku=PUERH-357'],
    ['/products', '/products?limit=100'],
    ['/products', '/products?sku[contains]=GREEN&trackstar_updated_date[gte]=2025-01-01T00:00:00Z'],
    ['/products', '/products?limit=0'],
    ['/products/{sku}', '/products/SAMPLER-3'],
    ['/inventory', '/inventory?limit=100'],
    ['/inventory/{id}', '/inventory/inv_ceylon'],
    ['/inventory/{id}/products', '/inventory/inv_ribbon/products'],
    ['/stock/low', '/stock/low?below=1000&limit=1000'],
    ['/stock/low', '/stock/low?below=5&warehouse_id=wh_graz'],
    ['/warehouses', '/warehouses'],
    ['/warehouses/{id}', '/warehouses/wh_quiet'],
    ['/status', '/status'],
    ['/livez', '/livez'],
    ['/readyz', '/readyz'],
  ]
  for (const [path, url] of asked) {
    const { statusCode, headers, body } = await get(url)
    const mediaType = String(headers['content-type']).split(';')[0] ?? ''
    t.equal(faultsOf('GET', path, String(statusCode), mediaType, JSON.parse(body)), null, url)
  }
  const bodies: [method: 'POST' | 'PUT', path: string, body: object][] = [
    ['POST', '/stock/query', { skus: ['CUP', 'CHAI-50'], include: ['lots'] }],
    ['POST', '/stock/check', { lines: [{ sku: 'NO-SUCH', quantity: 1 }, ...basketOfOddities] }],
    ['PUT', '/inventory/{id}/adjust', { quantity: 1, adjustment_type: 'decrease', location_id: 'A-01' }],
  ]
  for (const [method, path, payload] of bodies) {
    const answer = await app.inject({ method, url: path.replace('{id}', 'inv_cup'), payload })
    t.equal(faultsOf(method, path, '200', 'application/json', answer.json()), null, path)
  }
})

const basketOfOddities = ['SAMPLER-3', 'GIFT-CARD', 'EARL-GREY', 'TRAVEL-SET'].map((sku) => ({ sku, quantity: 9 }))

tap.test('the service gives the document as JSON and as YAML, and people are led to Swagger UI', async (t) => {
  const { get } = await startMirrored(t, { waits: false })
  t.same((await get('/openapi.json')).json(), committed)
  t.match((await get('/openapi.yaml')).body, /^openapi: 3\.1\.0\n/)
  t.match((await get('/')).headers, { location: '/docs' })
  for (const url of undocumented.slice(1)) t.equal((await get(url)).statusCode, 200, url)
})

tap.test('the page of problem codes has every code, and asks no other host for anything', async (t) => {
  const page = problemsPage()
  for (const [code, { status }] of Object.entries(problems)) {
    t.match(page, `<tr id="${code}"><td>${status}</td>`)
  }
  t.notMatch(page, /(?:src|href)="(?:https?:)?\/\/(?!www\.rfc-editor\.org)/)
  t.notMatch(page, /<script|<link rel="stylesheet|@import|url\(/)
})
