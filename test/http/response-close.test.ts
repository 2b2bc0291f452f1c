import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import { onceClosed } from '../../src/http/response-close.js'
import { eventually } from '../harness.js'

/** A server whose `/never` is never answered and whose `/soon` is; `closed` counts calls of the listener. */
async function start(t: Test) {
  const counts = { started: 0, closed: 0 }
  const app = Fastify()
  app.addHook('onRequest', (request, reply, done) => {
    counts.started++
    onceClosed(request, reply, () => counts.closed++)
    done()
  })
  app.get('/never', (_request, reply) => void reply.hijack())
  app.get('/soon', async () => {
    await new Promise((resolve) => setImmediate(resolve))
    return {}
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  return { counts, socket: connect((app.server.address() as AddressInfo).port, '127.0.0.1') }
}

tap.test('regression: pipelined responses were never closed when their connection was', async (t) => {
  const { counts, socket } = await start(t)
  const warnings: unknown[] = []
  const warn = (warning: unknown) => warnings.push(warning)
  process.on('warning', warn)
  t.teardown(() => process.off('warning', warn))
  socket.write('GET /never HTTP/1.1\r\nHost: test\r\n\r\n'.repeat(30))
  await eventually(() => counts.started === 30)
  t.equal(counts.closed, 0)
  socket.resetAndDestroy()
  await eventually(() => counts.closed >= 30)
  t.equal(counts.closed, 30, 'once each')
  t.strictSame(warnings, [], 'no warning about the number of listeners')
})

tap.test('calls the listener once for each pipelined response that is sent', async (t) => {
  const { counts, socket } = await start(t)
  const request = 'GET /soon HTTP/1.1\r\nHost: test\r\n\r\n'
  socket.write(request.repeat(3) + request.replace('Host', 'Connection: close\r\nHost'))
  let received = ''
  socket.on('data', (chunk) => {
    received += String(chunk)
  })
  await once(socket, 'close')
  t.equal(received.split('HTTP/1.1 200').length, 5)
  await eventually(() => counts.closed >= 4)
  t.equal(counts.closed, 4)
})
