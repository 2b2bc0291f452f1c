import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import { pino } from 'pino'
import tap, { type Test } from 'tap'
import { problem } from '../../src/errors.js'
import problems from '../../src/http/problems.js'
import { serverOptions } from '../../src/http/server-options.js'
import unreadBody from '../../src/http/unread-body.js'
import { overSocket } from '../harness.js'

const limits = { totalMs: 1000, idleMs: 300, bytes: 16 * 1024 * 1024 }

/** A service that takes JSON of up to 1 MiB at `/`, and rejects everything at `/denied` before it reads the body. */
async function start(t: Test) {
  const app = Fastify(serverOptions({ trustProxy: false, requestTimeoutMs: 10_000 }, pino({ level: 'silent' })))
  await app.register(problems)
  app.addHook('onRequest', (request, _reply, done) => {
    done(request.url === '/denied' ? problem('unauthorized', 'No') : undefined)
  })
  await app.register(unreadBody, { limits })
  app.post('/', ({ body }) => ({ size: JSON.stringify(body).length }))
  app.post('/denied', () => ({}))
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo
  return { port, origin: `http://127.0.0.1:${port}` }
}

const big = Buffer.alloc(8 * 1024 * 1024, 'x')
const chunks = () =>
  new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < big.length; at += 65_536) controller.enqueue(big.subarray(at, at + 65_536))
      controller.close()
    },
  })

tap.test('regression: fetch saw EPIPE in place of the response to a body that is too large', async (t) => {
  const { origin } = await start(t)
  const headers = { 'content-type': 'application/json' }
  for (const [path, type, code] of [
    ['/', headers, 'content_too_large'],
    ['/denied', headers, 'unauthorized'],
    ['/', { 'content-type': 'text/csv' }, 'unsupported_media_type'],
  ] as const) {
    for (let n = 0; n < 2; n++) {
      const withLength = await fetch(origin + path, { method: 'POST', headers: type, body: big })
      t.match(await withLength.json(), { code: path === '/' ? /content_too_large/ : code }, `${path} ${code}`)
      const inChunks = { method: 'POST', headers: type, body: chunks(), duplex: 'half' } as RequestInit
      t.match(await (await fetch(origin + path, inChunks)).json(), { code }, `${path} ${code} in chunks`)
    }
  }
})

tap.test('regression: fetch saw EPIPE when it sent more than the service reads', async (t) => {
  const { origin } = await start(t)
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(big.subarray(0, 262_144)),
    })
  for (const path of ['/', '/denied']) {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(origin + path, {
      method: 'POST',
      headers,
      body: endless(),
      duplex: 'half',
    } as RequestInit)
    t.match(await response.json(), { code: path === '/' ? 'content_too_large' : 'unauthorized' }, path)
  }
})

tap.test('a client that sends everything before it reads gets the response', async (t) => {
  const { port } = await start(t)
  for (const framing of [`Content-Length: ${big.length}`, 'Transfer-Encoding: chunked']) {
    const socket = connect(port, '127.0.0.1')
    socket.write(`POST /denied HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`)
    await sleep(50)
    if (framing.startsWith('T')) socket.write(`${big.length.toString(16)}\r\n`)
    socket.write(big)
    socket.write(framing.startsWith('T') ? '\r\n0\r\n\r\n' : '')
    const received = await text(socket)
    t.match(received, /^HTTP\/1\.1 401 /, framing)
    t.match(received, /connection: close/)
  }
})

tap.test('stops reading when a limit is reached, and closes the connection', async (t) => {
  const { port } = await start(t)
  const head = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999999999\r\n\r\n'
  const idle = await overSocket(port, head)
  t.equal(idle.status, 413)
  t.equal(JSON.parse(idle.body).code, 'content_too_large')
  const socket = connect(port, '127.0.0.1')
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.on('error', () => {}).on('data', () => {})
  socket.write(head)
  let sent = 0
  while (!socket.destroyed && sent < 2 ** 30) {
    sent += big.length
    if (!socket.write(big)) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed])
  }
  await closed
  t.ok(sent < 2 ** 30, `closed after ${sent} bytes`)
})

tap.test('keeps the connection if the rest of the body is short', async (t) => {
  const { port } = await start(t)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const send = (path: string, headers: object) =>
    new Promise<number | undefined>((resolve, reject) => {
      const sent = httpRequest({ port, path, method: 'POST', agent, headers: { ...headers } }, (response) => {
        response.resume().once('end', () => resolve(sent.reusedSocket ? response.statusCode : 0))
      })
      sent.once('error', reject).end('{"a":1}')
    })
  const json = { 'content-type': 'application/json' }
  await send('/denied', { ...json, 'content-length': 7 })
  t.equal(await send('/denied', { ...json, 'content-length': 7 }), 401)
  t.equal(await send('/denied', { ...json, 'transfer-encoding': 'chunked' }), 401)
  t.equal(await send('/', { ...json, 'content-length': 7 }), 200)
})

tap.test('sends 100 Continue only if it will read the body', async (t) => {
  const { port } = await start(t)
  const send = async (path: string, length: number) => {
    const socket = connect(port, '127.0.0.1')
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`,
    )
    const [first] = await once(socket, 'data')
    if (String(first).startsWith('HTTP/1.1 100 ')) socket.write('{"a":1}')
    const status = String(first).slice(9, 12)
    if (status !== '100') return [status]
    const [second] = await once(socket, 'data')
    socket.destroy()
    return [status, String(second).slice(9, 12)]
  }
  t.strictSame(await send('/', 7), ['100', '200'])
  t.strictSame(await send('/denied', 7), ['401'])
  t.strictSame(await send('/', 2_000_000), ['413'])
})

tap.test('regression: a malformed request was answered with a reset while more was sent', async (t) => {
  const { port } = await start(t)
  for (let n = 0; n < 3; n++) {
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(40_000)}`)
    await sleep(20)
    socket.write(big.subarray(0, 2_000_000))
    socket.end()
    t.match(await text(socket), /^HTTP\/1\.1 431 /)
  }
})
