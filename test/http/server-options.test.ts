import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import Fastify from 'fastify'
import { pino } from 'pino'
import tap, { type Test } from 'tap'
import problems from '../../src/http/problems.js'
import requestChecks from '../../src/http/request-checks.js'
import { serverOptions } from '../../src/http/server-options.js'
import { eventually, overSocket } from '../harness.js'

const silent = pino({ level: 'silent' })
const options = (trustProxy: boolean | number | string = false) =>
  serverOptions({ trustProxy, requestTimeoutMs: 10_000 }, silent)

tap.test('accepts a valid request id and replaces any other', async (t) => {
  const { genReqId } = options()
  const idFor = (given: string | string[] | undefined) => genReqId({ headers: { 'x-request-id': given } } as never)
  t.equal(idFor('a.b:c-d_1'), 'a.b:c-d_1')
  for (const odd of [undefined, '', 'a b', 'x'.repeat(129), ['a', 'b']]) t.match(idFor(odd), /^[0-9a-f-]{36}$/)
})

tap.test('trusts proxies as configured', async (t) => {
  t.equal(options(true).trustProxy, true)
  t.equal(options('10.0.0.0/8').trustProxy, '10.0.0.0/8')
  const ipOf = async (trustProxy: boolean | number) => {
    const app = Fastify(options(trustProxy))
    app.get('/ip', (request) => request.ip)
    return (await app.inject({ url: '/ip', headers: { 'x-forwarded-for': '1.1.1.1, 2.2.2.2' } })).body
  }
  t.equal(await ipOf(false), '127.0.0.1')
  t.equal(await ipOf(1), '2.2.2.2')
  t.equal(await ipOf(2), '1.1.1.1')
})

tap.test('answers a request that Node cannot parse', async (t) => {
  const app = Fastify(options())
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const port = Object(app.server.address()).port
  const reply = await overSocket(port, 'what?\r\n\r\n')
  t.equal(reply.status, 400)
  t.equal(reply.headers.get('connection'), 'close')
  t.match(JSON.parse(reply.body), { code: 'validation_failed', request_id: reply.headers.get('x-request-id') })
})

tap.test('answers errors of a connection by their code', async (t) => {
  const { clientErrorHandler } = options()
  const answerTo = async (code?: string) => {
    const stream = new PassThrough()
    const socket = stream as unknown as Socket
    clientErrorHandler(Object.assign(new Error('no'), code === undefined ? {} : { code }), socket)
    return stream.destroyed ? 'nothing' : String(stream.read())
  }
  t.match(await answerTo('ERR_HTTP_REQUEST_TIMEOUT'), /^HTTP\/1\.1 408 /)
  t.match(await answerTo('HPE_HEADER_OVERFLOW'), /^HTTP\/1\.1 431 /)
  t.match(await answerTo('HPE_INVALID_METHOD'), /^HTTP\/1\.1 400 /)
  t.match(await answerTo(), /^HTTP\/1\.1 400 /)
  t.equal(await answerTo('ECONNRESET'), 'nothing')
  const ended = new PassThrough().end()
  clientErrorHandler(new Error('late'), ended as unknown as Socket)
  t.ok(ended.destroyed)
})

tap.test('survives a client that disconnects in the middle of a request', async (t) => {
  const app = Fastify(options())
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const socket = connect(Object(app.server.address()).port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{')
  await new Promise((resolve) => setImmediate(resolve))
  socket.resetAndDestroy()
  await eventually(() => socket.destroyed)
  t.equal((await app.inject('/')).statusCode, 404)
})

tap.test(
  'regression: the rejection of a malformed body was sent in the middle of its response, or after the last one',
  async (t) => {
    const app = Fastify(options())
    await app.register(problems)
    await app.register(requestChecks)
    app.get('/stream', (_request, reply) => {
      reply.hijack()
      reply.raw.writeHead(200).write('begun')
    })
    await app.listen({ host: '127.0.0.1', port: 0 })
    t.teardown(() => app.close())
    const { port } = app.server.address() as AddressInfo
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n')
    await once(socket, 'data')
    socket.end('{')
    t.equal(await text(socket), '', 'the stream ends')
    const answers = await overSocket(port, 'GET /a%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n{}')
    t.equal(answers.status, 400)
    t.equal(JSON.parse(answers.body).status, 400, 'and nothing follows')
  },
)

tap.test('regression: a request was answered with the rejection of the next one', async (t) => {
  const app = Fastify(options())
  await app.register(requestChecks)
  let seen = 0
  app.post('/', async () => {
    seen++
    await new Promise((resolve) => setImmediate(resolve))
    return { done: seen }
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo
  const reply = await overSocket(port, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\nwhat?\r\n\r\n')
  t.equal(reply.status, 200)
  t.equal(reply.headers.get('connection'), 'close')
  t.strictSame(JSON.parse(reply.body), { done: 1 }, 'and nothing follows')
})

/** Starts a server and keeps its log lines. */
async function listening(t: Test, requestTimeoutMs = 10_000) {
  const lines: string[] = []
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) })
  const app = Fastify(serverOptions({ trustProxy: false, requestTimeoutMs }, logger))
  app.post('/', (request) => ({ got: request.body }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo
  return { port, rejected: () => lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request rejected') }
}

const post = 'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n'

tap.test('disconnects a client that does not read its response', async (t) => {
  const { connectionTimeout } = options()
  t.ok(connectionTimeout > 10_000, 'longer than a response may take')
  const app = Fastify({ ...options(), connectionTimeout: 300 })
  app.get('/big', () => Buffer.alloc(50_000_000))
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo
  const stalled = connect(port, '127.0.0.1').pause()
  stalled.write('GET /big HTTP/1.1\r\nHost: x\r\n\r\n')
  const [served] = await once(app.server, 'connection')
  await once(served as Socket, 'close')
  t.ok((served as Socket).destroyed)
  stalled.destroy()
})

tap.test('regression: a request that never arrived completely kept its connection forever', async (t) => {
  const { port, rejected } = await listening(t, 300)
  const begunAt = performance.now()
  for (const reply of await Promise.all([
    overSocket(port, `${post}Content-Length: 10\r\n\r\n{`),
    overSocket(port, post),
  ])) {
    t.equal(reply.status, 408)
    t.match(reply.headers.get('content-type'), /^application\/problem\+json/)
    t.match(JSON.parse(reply.body), { code: 'request_timeout', request_id: reply.headers.get('x-request-id') })
  }
  const tookMs = performance.now() - begunAt
  t.ok(tookMs >= 290 && tookMs < 5000, `after ${tookMs} ms`)
  t.match(rejected(), [{ status: 408 }, { status: 408 }])
  const whole = await overSocket(port, `${post}Content-Length: 2\r\n\r\n{}`)
  t.equal(whole.status, 200, 'a complete request is answered')
})

tap.test('regression: a rejection before routing was not logged', async (t) => {
  const { port, rejected } = await listening(t)
  const broken = await overSocket(port, 'what?\r\n\r\n')
  t.equal(broken.status, 400)
  const request_id = broken.headers.get('x-request-id')
  t.match(rejected(), [
    { request_id, status: 400, problem: 'validation_failed', reason: 'HPE_INVALID_METHOD', level: 30 },
  ])
  t.equal(rejected().length, 1)
})
