import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import Fastify from 'fastify'
import { pino } from 'pino'
import tap, { type Test } from 'tap'
import problems from '../../src/http/problems.js'
import requestChecks, { accepts } from '../../src/http/request-checks.js'
import { serverOptions } from '../../src/http/server-options.js'
import { eventually, overSocket } from '../harness.js'

async function createApp(t: Test) {
  const app = Fastify(serverOptions({ trustProxy: false, requestTimeoutMs: 10_000 }, pino({ level: 'silent' })))
  await app.register(problems)
  await app.register(requestChecks)
  t.teardown(() => app.close())
  return app
}

/** Starts a server with the route `/`. `send` sends a request head and returns 200 or the code of the problem. */
async function start(t: Test) {
  const app = await createApp(t)
  app.get('/', () => ({ status: 'ok' }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return async (first: string, ...headers: string[]) => {
    const {
      status,
      headers: received,
      body,
    } = await overSocket(port, [first, 'Connection: close', ...headers, '', ''].join('\r\n'))
    return received.get('content-type')?.startsWith('application/problem+json') ? JSON.parse(body).code : status
  }
}

tap.test('requires exactly one valid Host header', async (t) => {
  const send = await start(t)
  const valid = ['test', 'test:3000', 'a.b-c.example', '127.0.0.1:80', '[::1]', '[::1]:3000', 'test:', '']
  for (const host of valid) t.equal(await send('GET / HTTP/1.1', `Host: ${host}`), 200, host)
  const invalid = [
    'a b',
    'a, b',
    'a/b',
    'user@test',
    'test:http',
    'test\\a',
    '[::1',
    'a"b',
    '<test>',
    'test?a',
    'test#a',
  ]
  for (const host of invalid) t.equal(await send('GET / HTTP/1.1', `Host: ${host}`), 'validation_failed', host)
  t.equal(await send('GET / HTTP/1.1', 'Host: a', 'Host: b'), 'validation_failed', 'two')
  t.equal(await send('GET / HTTP/1.1', 'Host: a', 'the same value twice'), 'validation_failed', 'the same twice')
  t.equal(await send('GET / HTTP/1.1'), 'validation_failed', 'none')
})

tap.test('accepts HTTP/1.0 without a Host header, but not HTTP/0.9 or 2.0', async (t) => {
  const send = await start(t)
  t.equal(await send('GET / HTTP/1.0'), 200)
  for (const version of ['', ' HTTP/0.9', ' HTTP/2.0']) {
    t.equal(await send(`GET /${version}`, 'Host: test'), 'validation_failed', version)
  }
})

tap.test('rejects an asterisk as a path', async (t) => {
  const send = await start(t)
  for (const target of ['*', '*/', '*?a=b']) {
    t.equal(await send(`GET ${target} HTTP/1.1`, 'Host: test'), 'validation_failed', target)
  }
  t.equal(await send('OPTIONS * HTTP/1.1', 'Host: test'), 'route_not_found')
})

tap.test('accepts at most 200 header fields', async (t) => {
  const send = await start(t)
  const more = (count: number) => Array.from({ length: count }, (_, n) => `X-${n}: ${n}`)
  t.equal(await send('GET / HTTP/1.1', 'Host: test', ...more(198)), 200)
  t.equal(await send('GET / HTTP/1.1', 'Host: test', ...more(199)), 'headers_too_large')
  t.equal(
    await send('GET / HTTP/1.1', 'Host: test', ...more(2500)),
    'headers_too_large',
    'regression: the connection was dropped',
  )
})

tap.test('regression: the router answered an undecodable path without running any hook', async (t) => {
  const send = await start(t)
  const valid = ['http://test', 'HTTPS://test/', 'http://test:80?a=%zz', '/?a=%zz', '/?%FF']
  for (const target of valid) t.equal(await send(`GET ${target} HTTP/1.1`, 'Host: test'), 200, target)
  const invalid = [
    '/%',
    '/%zz',
    '/%FF',
    '/%E0%A4%A/x',
    'http://test/%zz',
    'http://',
    'http:///x',
    'http://test:99999/',
    'http://test/#a',
  ]
  for (const target of invalid) t.equal(await send(`GET ${target} HTTP/1.1`, 'Host: test'), 'validation_failed', target)
  t.equal(await send('GET /%zz HTTP/1.0'), 'validation_failed')
  t.equal(await send('GET /invalid-url HTTP/1.1', 'Host: test'), 'route_not_found')
})

tap.test('accepts no transfer coding but chunked, in HTTP/1.1, and closes the connection', async (t) => {
  const app = await createApp(t)
  app.get('/', () => ({}))
  app.post('/', () => ({}))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const send = (first: string, ...codings: string[]) => {
    const headers = ['Host: test', ...codings.map((coding) => `Transfer-Encoding: ${coding}`)]
    return overSocket(
      port,
      [first, ...headers, '', '0', '', 'GET / HTTP/1.1', 'Connection: close', 'Host: test', '', ''].join('\r\n'),
    )
  }
  for (const coding of ['chunked', 'Chunked']) t.equal((await send('GET / HTTP/1.1', coding)).status, 200, coding)
  const rejected: [first: string, ...codings: string[]][] = [
    ['GET / HTTP/1.1', 'gzip, chunked'],
    ['GET / HTTP/1.1', 'identity, chunked'],
    ['GET / HTTP/1.1', 'identity', 'chunked'],
    ['GET / HTTP/1.1', 'gzip'],
    ['POST / HTTP/1.1', 'gzip'],
    ['POST / HTTP/1.1', 'identity'],
    ['GET / HTTP/1.0', 'chunked'],
  ]
  for (const [first, ...codings] of rejected) {
    const { status, headers, body } = await send(first, ...codings)
    t.equal(status, 400, `${first} ${codings}`)
    t.equal(headers.get('connection'), 'close')
    t.match(JSON.parse(body), { code: 'validation_failed', detail: /transfer coding/ })
  }
})

tap.test('answers 406 if the Accept header excludes JSON and the route produces it', async (t) => {
  const app = await createApp(t)
  app.get('/json', { config: { produces: 'json' } }, () => ({}))
  app.get('/page', (_request, reply) => reply.type('text/html').send('<p>'))
  const status = async (url: string, accept?: string) =>
    (await app.inject({ url, headers: accept === undefined ? {} : { accept } })).statusCode
  t.equal(await status('/json'), 200)
  const acceptable = ['*/*', 'application/json', 'application/*;q=0.5', 'text/html, */*;q=0.1', '']
  for (const accept of [...acceptable, 'application/json; charset=utf-8']) {
    t.equal(await status('/json', accept), 200, accept)
  }
  for (const accept of ['text/html', 'application/json;q=0', 'application/xml']) {
    t.equal(await status('/json', accept), 406, accept)
    t.equal(await status('/page', accept), 200, accept)
    t.equal(await status('/nowhere', accept), 404, accept)
  }
})

tap.test('accepts a URL of up to 16 KiB', async (t) => {
  const app = await createApp(t)
  app.get('/a', () => ({}))
  t.equal((await app.inject(`/a?${'x'.repeat(16 * 1024 - 3)}`)).statusCode, 200)
  t.equal((await app.inject(`/a?${'x'.repeat(16 * 1024 - 2)}`)).statusCode, 414)
})

tap.test('regression: a connection that never sent anything delayed the shutdown', async (t) => {
  const app = await createApp(t)
  app.post('/echo', ({ body }) => ({ body }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const [unused, midway] = [connect(port, '127.0.0.1').resume(), connect(port, '127.0.0.1')]
  const answer = text(midway)
  midway.write('POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n')
  midway.write('Content-Length: 3\r\n\r\n[')
  const connections: { bytesRead: number }[] = []
  app.server.on('connection', (socket) => connections.push(socket))
  await eventually(() => connections.length === 2 && connections.some(({ bytesRead }) => bytesRead > 0))
  const closed = app.close()
  await once(unused, 'close')
  t.notOk(midway.closed, 'a request that has begun may still complete')
  midway.write('1]')
  t.match(await answer, /^HTTP\/1\.1 200 /)
  await closed
})

const json = ['application/json', 'application/problem+json']

tap.test('accepts every header that allows JSON', async (t) => {
  const acceptable = [
    '*/*',
    'application/json',
    'APPLICATION/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json ; indent=4 ; q=0.3',
    'application/json;q=0.9;profile="https://a.example/x,y;z"',
    'application/json; Q=1',
    'application/*;q=0.5',
    'Application/*',
    'application/problem+json',
    'text/html, */*;q=0.1',
    'text/plain, application/json;q=.2',
    'text/html, image/gif, *; q=.2',
    'text/html;level="application/xml,", application/json',
    'application/json;q=0, application/json;charset=utf-8',
    'application/json;q=often',
  ]
  for (const header of acceptable) t.ok(accepts(header, json), header)
})

tap.test('accepts everything if the header has no valid media range', async (t) => {
  for (const header of ['', ' ', ',', ' , ,', 'json', '/', 'a/b/c', ';q=0']) t.ok(accepts(header, json), header)
})

tap.test('does not accept what the header excludes', async (t) => {
  const excluding = [
    'text/html',
    'application/xml, text/*',
    'application/json;q=0, application/problem+json;q=0, */*',
    'application/*;q=0.0, */*',
    '*/*;q=0',
    'text/html;profile="application/json"',
    'application/vnd.api+json',
  ]
  for (const header of excluding) t.notOk(accepts(header, json), header)
  t.ok(accepts('application/json;q=0, */*', json), 'a header that allows problem+json')
  t.notOk(accepts('application/json;q=0, */*', ['application/json']))
})
