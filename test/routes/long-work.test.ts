import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import problemDetails from '../../src/http/problems.js'
import { createInTurns } from '../../src/routes/long-work.js'
import { WorkTurns } from '../../src/services/work-turns.js'
import type { Steps } from '../../src/steps.js'
import { eventually } from '../harness.js'

/** An application with a route whose work never ends by itself; counts what has started and stopped. */
async function start(t: Test, timeoutMs = 600_000) {
  const app = Fastify()
  const turns = new WorkTurns()
  const inTurns = createInTurns(turns, timeoutMs, () => performance.now())
  const counts = { begun: 0, stopped: 0 }
  function* endless(): Steps<string> {
    counts.begun++
    try {
      for (;;) yield
    } finally {
      counts.stopped++
    }
  }
  await app.register(problemDetails)
  app.decorateRequest('client', { getter: () => 'shop' })
  app.get('/endless', (request, reply) => inTurns(request, reply, { size: 1000, work: (run) => run(endless()) }))
  app.get('/', () => ({}))
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo
  /** Sends this many requests on one connection. */
  const send = (path: string, count = 1) => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(count))
    return socket
  }
  return { app, turns, counts, send }
}

tap.test('regression: work continued for callers that had disconnected', async (t) => {
  const { turns, counts, send } = await start(t)
  const sockets = Array.from({ length: 20 }, () => send('/endless'))
  await eventually(() => turns.queued === 20)
  for (const socket of sockets) socket.destroy()
  await eventually(() => turns.queued === 0)
  t.strictSame(counts, { begun: 1, stopped: 1 }, 'the others never started')
})

tap.test('stops the work of pipelined requests when their connection closes', async (t) => {
  const { turns, send } = await start(t)
  const socket = send('/endless', 3)
  await eventually(() => turns.queued === 3)
  socket.end()
  await eventually(() => turns.queued === 0)
  t.pass()
})

tap.test('answers other requests in the meantime', async (t) => {
  const { turns, send } = await start(t)
  const long = send('/endless')
  await eventually(() => turns.queued === 1)
  const cheap = send('/')
  const [data] = (await once(cheap, 'data')) as [Buffer]
  t.match(String(data), /^HTTP\/1\.1 200/)
  t.equal(turns.queued, 1)
  for (const socket of [long, cheap]) socket.destroy()
  await eventually(() => turns.queued === 0)
})

tap.test('ends work that is not done in time', async (t) => {
  const { app } = await start(t, 1)
  const reply = await app.inject('/endless')
  t.equal(reply.statusCode, 503)
  t.match(reply.json(), { code: 'overloaded', retry_after: 1 })
})
