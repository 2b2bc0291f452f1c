import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import { apiKeys } from '../../src/config/formats.js'
import auth from '../../src/http/auth.js'
import clientLimit, { inProcessCountsByKind } from '../../src/http/client-limit.js'
import problemDetails from '../../src/http/problems.js'
import unreadResponses from '../../src/http/unread-responses.js'
import { eventually, TestClock } from '../harness.js'

const MB = 1024 * 1024

/** An application that may buffer 39 MB: 19.5 for a client. Each response far exceeds a socket's buffers. */
async function start(t: Test) {
  const app = Fastify()
  await app.register(problemDetails)
  await app.register(auth, {
    apiKeys: apiKeys.parse('shop:one,office:two,other:three'),
    tickets: { redeem: () => undefined },
  })
  await app.register(clientLimit, { perMinute: 0, counts: inProcessCountsByKind(new TestClock().elapsed) })
  await app.register(unreadResponses, { maxBytes: 39 * MB })
  const body = Buffer.alloc(8 * MB, 'x')
  app.get('/whole', () => body)
  app.get('/pieces', (_request, reply) => reply.type('text/plain').send(Readable.from([body])))
  const pieces = () => {
    const stream = new Readable({ read() {} })
    for (const piece of [body.subarray(0, 4 * MB), body.subarray(4 * MB), null]) stream.push(piece)
    return stream
  }
  app.get('/held', (_request, reply) => reply.type('text/plain').send(pieces()))
  app.get('/huge', () => Buffer.alloc(30 * MB, 'x'))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const sockets: Socket[] = []
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await app.close()
  })
  /** Sends a request and reads only the beginning of the response. */
  async function leaveUnread(key: string, path = '/whole'): Promise<Socket> {
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    socket.on('error', () => {})
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nX-API-Key: ${key}\r\n\r\n`)
    await once(socket, 'readable')
    return socket
  }
  const openConnections = () =>
    new Promise<number>((resolve) => app.server.getConnections((_error, count) => resolve(count)))
  return { port, leaveUnread, openConnections }
}

/** Reads the rest, and returns whether this many bytes arrived before the connection ended. */
async function readRest(socket: Socket, expected: number): Promise<boolean> {
  socket.resume()
  await eventually(() => socket.bytesRead >= expected || socket.closed)
  return socket.bytesRead >= expected
}

for (const path of ['/whole', '/held']) {
  tap.test(`drops the oldest unread response of a client beyond the limit of a client: ${path}`, async (t) => {
    const { leaveUnread, openConnections } = await start(t)
    const [first, second, third] = [
      await leaveUnread('one', path),
      await leaveUnread('one', path),
      await leaveUnread('one', path),
    ]
    await eventually(async () => (await openConnections()) === 2)
    t.notOk(await readRest(first, 8 * MB))
    t.ok(await readRest(second, 8 * MB))
    t.ok(await readRest(third, 8 * MB))
  })
}

tap.test('drops a response of the client with most unread bytes beyond the limit for all', async (t) => {
  const { leaveUnread, openConnections } = await start(t)
  const small = await leaveUnread('three')
  const large = [await leaveUnread('one'), await leaveUnread('one')]
  const others = [await leaveUnread('two'), await leaveUnread('two')]
  await eventually(async () => (await openConnections()) === 4)
  t.ok(await readRest(small, 8 * MB), 'a client with a single response is not dropped because of others')
  const kept = await Promise.all([...large, ...others].map((socket) => readRest(socket, 8 * MB)))
  t.strictSame(kept, [false, true, true, true])
})

tap.test('sends a response that alone exceeds the limit of a client', async (t) => {
  const { leaveUnread } = await start(t)
  t.ok(await readRest(await leaveUnread('one', '/huge'), 30 * MB))
})

tap.test('does not count responses that are read, nor the unsent part of a stream', async (t) => {
  const { port, leaveUnread, openConnections } = await start(t)
  for (let n = 0; n < 10; n++) {
    const response = await fetch(`http://127.0.0.1:${port}/whole`, { headers: { 'x-api-key': 'one' } })
    t.equal((await response.arrayBuffer()).byteLength, 8 * MB)
  }
  await Promise.all(Array.from({ length: 4 }, () => leaveUnread('two', '/pieces')))
  t.ok((await openConnections()) >= 4)
})
