import type { LightMyRequestResponse } from 'fastify'
import tap, { type Test } from 'tap'
import { type ProblemCode, problems } from '../../../src/errors.js'
import { eventually, getOverSocket, overSocket, type RawAnswer, type Service, startService } from '../../harness.js'

/** Asserts that an answer is a complete problem with this code. */
function isProblem(t: Test, reply: LightMyRequestResponse | RawAnswer, code: ProblemCode, what: string): void {
  const isRaw = 'status' in reply
  const header = (name: string) => (isRaw ? reply.headers.get(name) : reply.headers[name])
  const { status, title } = problems[code]
  t.equal(isRaw ? reply.status : reply.statusCode, status, what)
  t.match(header('content-type'), /^application\/problem\+json/, what)
  t.match(header('cache-control'), 'no-store', what)
  const body = JSON.parse(reply.body)
  t.match(body, { title, status, code }, what)
  // A request that cannot be parsed has no path that the reference could be relative to.
  t.ok(body.type === 'about:blank' ? isRaw : body.type.endsWith(`docs/problems#${code}`), what)
  t.ok(typeof body.detail === 'string' && body.detail.length > 10, what)
  t.ok(body.request_id && body.request_id === header('x-request-id'), what)
  t.notMatch(reply.body, /node_modules|\.js:|\/src\/|127\.0\.0\.1|sandbox-a|TypeError|at .*\(/, what)
}

tap.test("answers Fastify's own errors as problems", async (t) => {
  const { app, get, post } = await startService(t)
  const send = (payload: string | undefined, headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/stock/query', headers, ...(payload !== undefined && { payload }) })
  const json = { 'content-type': 'application/json' }
  const big = JSON.stringify({ skus: ['x'.repeat(1024 * 1024)] })
  const long = `/stock?sku=${'x'.repeat(17_000)}`
  isProblem(t, await get('/nowhere'), 'route_not_found', 'unknown route')
  isProblem(t, await get('/nowhere', { accept: 'text/html' }), 'route_not_found', 'unknown route for a browser')
  isProblem(t, await get('/products/'), 'validation_failed', 'an empty SKU')
  isProblem(t, await get('/stock?sku=A', { accept: 'text/html' }), 'not_acceptable', 'a page of a stock')
  isProblem(t, await get('/stock?sku=A', { accept: 'application/json;q=0' }), 'not_acceptable', 'JSON refused')
  isProblem(t, await send(big, json), 'content_too_large', 'a megabyte')
  isProblem(t, await get(long), 'uri_too_long', 'a long address')
  isProblem(t, await send('a', { 'content-type': 'text/plain' }), 'unsupported_media_type', 'text')
  isProblem(
    t,
    await send('a=b', { 'content-type': 'application/x-www-form-urlencoded' }),
    'unsupported_media_type',
    'form',
  )
  isProblem(t, await send('{}', { 'content-type': 'nonsense' }), 'unsupported_media_type', 'nonsense')
  isProblem(t, await send('{"skus":', json), 'validation_failed', 'half a JSON')
  isProblem(t, await send('', json), 'validation_failed', 'no JSON')
  isProblem(t, await send(undefined, {}), 'validation_failed', 'no body')
  isProblem(t, await send('{"skus":["A"],"__proto__":{"a":1}}', json), 'validation_failed', '__proto__')
  isProblem(t, await send('{"skus":["A"],"constructor":{"prototype":{}}}', json), 'validation_failed', 'constructor')
  isProblem(t, await post('/stock/query', {}), 'validation_failed', 'no SKUs')
})

tap.test('accepts every Accept header that allows JSON', async (t) => {
  const { get } = await startService(t)
  const accepts = [
    '*/*',
    'application/*',
    'application/json',
    'text/html, application/json;q=0.1',
    'application/problem+json',
  ]
  for (const accept of accepts) t.equal((await get('/products/CUP/stock', { accept })).statusCode, 200, accept)
  t.equal((await get('/docs/problems', { accept: 'text/html' })).statusCode, 200, 'the page is HTML')
})

tap.test('answers 405 with Allow on every route', async (t) => {
  const { app } = await startService(t)
  const gets = ['/', '/docs/problems', '/openapi.json', '/openapi.yaml', '/livez', '/readyz', '/status', '/metrics']
  gets.push('/stock', '/products', '/products/A', '/products/A/stock', '/inventory', '/inventory/a', '/warehouses')
  gets.push('/warehouses/a')
  for (const url of gets) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
      const reply = await app.inject({ method, url })
      isProblem(t, reply, 'method_not_allowed', `${method} ${url}`)
      t.equal(reply.headers['allow'], 'GET, HEAD', url)
    }
  }
  const query = await app.inject({ method: 'GET', url: '/stock/query' })
  isProblem(t, query, 'method_not_allowed', 'GET /stock/query')
  t.equal(query.headers['allow'], 'POST')
  const text = { 'content-type': 'text/plain' }
  const withBody = await app.inject({ method: 'POST', url: '/stock', headers: text, payload: 'x' })
  isProblem(t, withBody, 'method_not_allowed', 'regression: a body of another kind was complained of first')
})

tap.test('answers malformed HTTP and URLs with problems', async (t) => {
  const { listen } = await startService(t)
  const port = await listen()
  isProblem(t, await getOverSocket(port, '/products/%zz/stock'), 'validation_failed', 'bad percent-encoding')
  isProblem(t, await getOverSocket(port, '/products/%ff%fe/stock'), 'validation_failed', 'no UTF-8')
  isProblem(t, await getOverSocket(port, '/products/%ED%A0%80/stock'), 'validation_failed', 'a surrogate in UTF-8')
  isProblem(t, await getOverSocket(port, '/livez', `X-Big: ${'x'.repeat(40_000)}\r\n`), 'headers_too_large', 'headers')
  isProblem(t, await getOverSocket(port, `/stock?sku=${'x'.repeat(20_000)}`), 'uri_too_long', 'address')
  isProblem(t, await overSocket(port, 'nonsense\r\n\r\n'), 'validation_failed', 'no HTTP')
  isProblem(t, await overSocket(port, 'GET / HTTP/9.9\r\n\r\n'), 'validation_failed', 'no such HTTP')
  isProblem(t, await getOverSocket(port, '/livez', 'Bad Header: x\r\n'), 'validation_failed', 'a bad header')
  isProblem(t, await getOverSocket(port, 'http://localhost/nowhere'), 'route_not_found', 'an absolute target')
  isProblem(t, await getOverSocket(port, 'http://evil.test/nowhere'), 'misdirected_request', 'one of another host')
  const trace = await overSocket(port, 'TRACE /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  isProblem(t, trace, 'method_not_allowed', 'TRACE')
  const star = await overSocket(port, 'OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  t.match(star.headers.get('content-type'), /^application\/problem\+json/)
})

tap.test('takes a valid X-Request-Id and replaces an invalid one', async (t) => {
  const { get } = await startService(t)
  for (const id of ['abc-123', 'A.b_c:9', 'x'.repeat(128)]) {
    for (const url of ['/livez', '/nowhere', '/products/UNKNOWN/stock', '/products/CUP/stock', '/docs/problems']) {
      t.equal((await get(url, { 'x-request-id': id })).headers['x-request-id'], id, url)
    }
  }
  for (const id of ['', 'x'.repeat(129), 'a b', 'a,b', '{"a":1}', 'ä', 'a;b']) {
    const reply = await get('/nowhere', { 'x-request-id': id })
    t.match(reply.headers['x-request-id'], /^[0-9a-f-]{36}$/, id)
    t.equal(reply.json().request_id, reply.headers['x-request-id'])
  }
})

tap.test('answers a request in flight when it stops', async (t) => {
  const service: Service = await startService(t)
  const port = await service.listen()
  service.sandbox.options.latencyMs = 100
  const inFlight = getOverSocket(port, '/products/CUP/stock')
  await eventually(() => service.sandbox.calls.some(({ path }) => path === '/wms/products'))
  const closing = service.app.close()
  const answer = await inFlight
  t.equal(answer.status, 200)
  t.equal(JSON.parse(answer.body).available, 40)
  await closing
})
