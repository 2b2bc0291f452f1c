import { connect, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import Fastify from 'fastify'
import { pino } from 'pino'
import tap from 'tap'
import { serverOptions } from '../../src/plugins/server.js'
import { eventually, overSocket } from '../helper.js'

const silent = pino({ level: 'silent' })
const options = (trustProxy: boolean | number | string = false) =>
  serverOptions({ trustProxy, requestTimeoutMs: 10_000 }, silent)

tap.test('takes the sane id of a caller, and makes one in place of any other', async (t) => {
  const { genReqId } = options()
  const idFor = (given: string | string[] | undefined) => genReqId({ headers: { 'x-request-id': given } } as never)
  t.equal(idFor('a.b:c-d_1'), 'a.b:c-d_1')
  for (const odd of [undefined, '', 'a b', 'x'.repeat(129), ['a', 'b']]) t.match(idFor(odd), /^[0-9a-f-]{36}$/)
})

tap.test('trusts proxies as it is told', async (t) => {
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

tap.test('answers by hand where Node could make no request of what came', async (t) => {
  const app = Fastify(options())
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const port = Object(app.server.address()).port
  const reply = await overSocket(port, 'what?\r\n\r\n')
  t.equal(reply.status, 400)
  t.equal(reply.headers.get('connection'), 'close')
  t.match(JSON.parse(reply.body), { code: 'validation_failed', request_id: reply.headers.get('x-request-id') })
})

tap.test('answers what never became a request for a route', async (t) => {
  const reply = await Fastify(options()).inject({ url: '/things/%zz', headers: { 'x-request-id': 'mine' } })
  t.equal(reply.statusCode, 400)
  t.match(reply.headers, { 'x-request-id': 'mine', 'cache-control': 'no-store' })
  t.match(reply.headers['content-type'], /^application\/problem\+json/)
  t.match(reply.json(), { code: 'validation_failed', request_id: 'mine' })
})

tap.test('takes what Node says of a connection', async (t) => {
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

tap.test('bears callers who are cut off in the middle of a request', async (t) => {
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
