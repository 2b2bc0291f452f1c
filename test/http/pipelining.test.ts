import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import Fastify from 'fastify'
import tap from 'tap'
import pipelining from '../../src/http/pipelining.js'
import { eventually } from '../harness.js'

tap.test('regression: answers that waited for their turn were never closed when the connection was gone', async (t) => {
  const app = Fastify()
  await app.register(pipelining)
  let [begun, closed] = [0, 0]
  app.get('/never', (_request, reply) => {
    begun++
    reply.raw.once('close', () => closed++)
    reply.hijack()
  })
  const warnings: unknown[] = []
  const warn = (warning: unknown) => warnings.push(warning)
  process.on('warning', warn)
  t.teardown(() => process.off('warning', warn))
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.write('GET /never HTTP/1.1\r\nHost: test\r\n\r\n'.repeat(30))
  await eventually(() => begun === 30)
  t.equal(closed, 0)
  socket.resetAndDestroy()
  await eventually(() => closed >= 30)
  t.equal(closed, 30, 'each once')
  t.strictSame(warnings, [], 'and not with a listener for each')
})

tap.test('leaves alone what is answered in its turn', async (t) => {
  const app = Fastify()
  await app.register(pipelining)
  let closed = 0
  app.get('/', async (_request, reply) => {
    reply.raw.once('close', () => closed++)
    await new Promise((resolve) => setImmediate(resolve))
    return {}
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  const request = 'GET / HTTP/1.1\r\nHost: test\r\n\r\n'
  socket.write(request.repeat(3) + request.replace('Host', 'Connection: close\r\nHost'))
  let text = ''
  socket.on('data', (chunk) => {
    text += String(chunk)
  })
  await once(socket, 'close')
  t.equal(text.split('HTTP/1.1 200').length, 5)
  await eventually(() => closed >= 4)
  t.equal(closed, 4)
})
