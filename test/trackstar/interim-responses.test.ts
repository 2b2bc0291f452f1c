import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import tap, { type Test } from 'tap'
import { Agent, buildConnector } from 'undici'
import { skippingContinue } from '../../src/trackstar/interim-responses.js'
import { httpTransport } from '../../src/trackstar/transport.js'
import { problemOf } from '../harness.js'

/** The transport in front of a server that answers every request with the next of `answers`, each in parts. */
async function start(t: Test, answers: readonly (readonly string[])[]) {
  const connections = new Set<Socket>()
  let next = 0
  const server = createServer((socket) => {
    connections.add(socket)
    socket.setNoDelay().on('error', () => {})
    const answer = async () => {
      for (const part of answers[next++] ?? []) {
        socket.write(part)
        await sleep(2)
      }
    }
    socket.on('data', () => void answer())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const dispatcher = new Agent({ connections: 1, connect: skippingContinue(buildConnector({})) })
  t.teardown(async () => {
    await dispatcher.destroy()
    for (const socket of connections) socket.destroy()
    server.close()
  })
  const credentials = { apiKey: 'api-key', accessToken: 'access-token' }
  const transport = httpTransport(dispatcher, `http://127.0.0.1:${Object(server.address()).port}`, credentials)
  const call = (method: 'GET' | 'PUT' = 'GET') =>
    transport(
      { method, path: '/', ...(method === 'PUT' && { body: { quantity: 1 } }) },
      { timeoutMs: 5000, onSent: () => {} },
    )
  return { call, connections }
}

const final = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
const plain = 'HTTP/1.1 100 Continue\r\n\r\n'

tap.test('regression: an unrequested 100 Continue made the call fail', async (t) => {
  const answers = [
    [plain + final('[1]')],
    [plain, final('[2]')],
    [plain, plain, 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n', final('[3]')],
    ['HTTP/1.1 100 Continue\r\nX-Note: HTTP/1.1 200 OK\r\n\r\n', final('[4]')],
    `${plain}${final('[5]')}`.split(''),
    [plain.replace('Continue', ''), final('[6]')],
    [final('[7]')],
  ]
  const { call, connections } = await start(t, answers)
  for (let n = 1; n <= 7; n++) {
    t.match(
      await call(n % 2 === 0 ? 'PUT' : 'GET'),
      { status: 200, body: [n] },
      JSON.stringify(answers[n - 1]).slice(0, 60),
    )
  }
  t.equal(connections.size, 1, 'the connection is kept')
})

tap.test('leaves alone what a body contains', async (t) => {
  const text = JSON.stringify('HTTP/1.1 100 Continue')
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n`
  const { call } = await start(t, [
    [head, text],
    [plain, head, text.slice(0, 1), text.slice(1)],
  ])
  for (let n = 0; n < 2; n++) t.match(await call(), { status: 200, body: 'HTTP/1.1 100 Continue' })
})

tap.test('a 100 Continue whose head does not end is a failed call', async (t) => {
  const { call } = await start(t, [['HTTP/1.1 100 Continue\r\n', `X: ${'x'.repeat(20_000)}`]])
  t.match(await problemOf(call()), { problem: 'upstream_invalid_response' })
})

tap.test('accepts it from an HTTP server that sends it for each request', async (t) => {
  const server = createHttpServer((request, response) => {
    response.writeContinue()
    request.resume().once('end', () => response.end(JSON.stringify({ method: request.method })))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const dispatcher = new Agent({ connect: skippingContinue(buildConnector({})) })
  t.teardown(async () => {
    await dispatcher.destroy()
    server.close()
  })
  const base = `http://127.0.0.1:${Object(server.address()).port}`
  const transport = httpTransport(dispatcher, base, { apiKey: 'api-key', accessToken: 'access-token' })
  const body = { text: 'x'.repeat(100_000) }
  const requests = Array.from({ length: 20 }, () =>
    transport({ method: 'PUT', path: '/', body }, { timeoutMs: 5000, onSent: () => {} }),
  )
  for (const answer of await Promise.all(requests)) t.match(answer, { status: 200, body: { method: 'PUT' } })
})
