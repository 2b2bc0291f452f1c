import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import Fastify from 'fastify'
import { pino } from 'pino'
import tap, { type Test } from 'tap'
import { serverOptions } from '../../src/http/server-options.js'
import { eventually } from '../harness.js'

/** A server that records its requests. `release` answers `/slow`; `/close` closes the connection. */
async function start(t: Test) {
  const handled: string[] = []
  const releases: (() => void)[] = []
  const app = Fastify(serverOptions({ trustProxy: false, requestTimeoutMs: 10_000 }, pino({ level: 'silent' })))
  app.addHook('onRequest', (request, _reply, done) => {
    handled.push(request.url)
    done()
  })
  app.get('/slow', async () => {
    await new Promise<void>((resolve) => void releases.push(resolve))
    return 'slow'
  })
  app.get('/close', (_request, reply) => reply.header('connection', 'close').send('closing'))
  app.get('/fast/:n', ({ url }) => url)
  app.post('/echo', ({ body }) => body)
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  return { handled, releases, socket }
}

const get = (url: string) => `GET ${url} HTTP/1.1\r\nHost: test\r\n\r\n`
const statuses = (received: string) => Array.from(received.matchAll(/HTTP\/1\.1 (\d+)/g), ([, status]) => status)

tap.test('handles pipelined requests one after the other, in order', async (t) => {
  const { handled, releases, socket } = await start(t)
  const many = Array.from({ length: 500 }, (_, n) => get(`/fast/${n}`)).join('')
  const json = 'POST /echo HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{"a":1}'
  const answer = text(socket)
  socket.write(get('/slow') + many + json + get('/close'))
  await eventually(() => releases.length === 1)
  t.strictSame(handled, ['/slow'])
  releases[0]?.()
  const received = await answer
  t.strictSame(handled, ['/slow', ...Array.from({ length: 500 }, (_, n) => `/fast/${n}`), '/echo', '/close'])
  t.equal(statuses(received).length, 503)
  t.match(received, '{"a":1}')
})

tap.test('regression: requests behind a response with Connection: close were carried out', async (t) => {
  const { handled, socket } = await start(t)
  socket.write(get('/close') + get('/fast/1'))
  t.strictSame(statuses(await text(socket)), ['200'])
  t.strictSame(handled, ['/close'])
})

tap.test('answers the complete requests before a malformed one, and closes the connection', async (t) => {
  const { handled, releases, socket } = await start(t)
  const answer = text(socket)
  socket.write(`${get('/slow')}${get('/fast/1')}what?\r\n\r\n${get('/fast/2')}`)
  await eventually(() => releases.length === 1)
  releases[0]?.()
  t.strictSame(statuses(await answer), ['200', '200'])
  t.strictSame(handled, ['/slow', '/fast/1'])
})

tap.test('drops waiting requests when the client disconnects', async (t) => {
  const { handled, releases, socket } = await start(t)
  socket.on('error', () => {})
  socket.write(get('/slow') + get('/fast/1'))
  await eventually(() => releases.length === 1)
  socket.resetAndDestroy()
  await once(socket, 'close')
  releases[0]?.()
  t.strictSame(handled, ['/slow'])
})

tap.test('ignores unknown expectations', async (t) => {
  const { socket } = await start(t)
  socket.write(get('/close').replace('Host', 'Expect: nonsense\r\nHost'))
  t.strictSame(statuses(await text(socket)), ['200'])
})
