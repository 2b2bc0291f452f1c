import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import Fastify from 'fastify'
import tap from 'tap'
import silentConnections from '../../src/http/silent-connections.js'
import { eventually } from '../harness.js'

tap.test('regression: one connection on which nothing was said held a stop up to the end', async (t) => {
  const app = Fastify({ return503OnClosing: false })
  await app.register(silentConnections)
  app.post('/echo', ({ body }) => ({ body }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const [silent, midway] = [connect(port, '127.0.0.1').resume(), connect(port, '127.0.0.1')]
  const answer = text(midway)
  midway.write('POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n')
  midway.write('Content-Length: 3\r\n\r\n[')
  const connections: { bytesRead: number }[] = []
  app.server.on('connection', (socket) => connections.push(socket))
  await eventually(() => connections.length === 2 && connections.some(({ bytesRead }) => bytesRead > 0))
  const closed = app.close()
  await once(silent, 'close')
  t.notOk(midway.closed, 'a request that has begun to come may come whole')
  midway.write('1]')
  t.match(await answer, /^HTTP\/1\.1 200 /)
  await closed
})
