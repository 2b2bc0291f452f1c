import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import Fastify from 'fastify'
import tap from 'tap'
import health from '../../src/routes/health.js'
import { getOverSocket, type RawAnswer } from '../harness.js'

tap.test('is live, and ready unless there is a reason not to be', async (t) => {
  const app = Fastify()
  let reason: string | undefined
  await app.register(health, { unreadyReason: () => reason })
  const ask = async (url: string) => {
    const { statusCode, headers, body } = await app.inject(url)
    return [statusCode, headers['cache-control'], JSON.parse(body).status]
  }
  t.strictSame(await ask('/livez'), [200, 'no-store', 'ok'])
  t.strictSame(await ask('/readyz'), [200, 'no-store', 'ok'])
  reason = 'tired'
  t.strictSame(await ask('/readyz'), [503, 'no-store', 'tired'])
  t.strictSame(await ask('/livez'), [200, 'no-store', 'ok'])
})

tap.test('is not ready during shutdown', async (t) => {
  const app = Fastify({ return503OnClosing: false })
  await app.register(health, { unreadyReason: () => undefined })
  let answer: RawAnswer | undefined
  app.addHook('preClose', async () => {
    answer = await getOverSocket(port, '/readyz')
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const port = Object(app.server.address()).port
  await app.close()
  t.equal(answer?.status, 503)
  t.match(answer?.body, /shutting down/)
})

tap.test('reports the shutdown at /readyz and keeps answering', async (t) => {
  const app = Fastify()
  await app.register(health, { unreadyReason: () => 'tired' })
  app.get('/things', () => ({}))
  t.equal((await app.inject('/things')).headers['connection'], 'keep-alive')
  app.drain()
  const ready = await app.inject('/readyz')
  t.equal(ready.statusCode, 503)
  t.equal(ready.json().status, 'The service is shutting down')
  t.equal((await app.inject('/livez')).statusCode, 200, 'it is still live')
  for (const url of ['/things', '/livez', '/nowhere']) {
    t.equal((await app.inject(url)).headers['connection'], 'close', url)
  }
})

tap.test('regression: a keep-alive connection outlived the shutdown if its request came before it', async (t) => {
  const app = Fastify({ return503OnClosing: false, keepAliveTimeout: 60_000 })
  await app.register(health, { unreadyReason: () => undefined })
  let answer = (_body: object) => {}
  const requested = new Promise<void>((resolve) => {
    app.get('/slow', () => {
      resolve()
      return new Promise<object>((answered) => (answer = answered))
    })
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  const port = Object(app.server.address()).port
  const request = get({ port, host: '127.0.0.1', path: '/slow', agent })
  const replied = once(request, 'response')
  await requested
  app.drain()
  const closed = app.close()
  answer({})
  const [reply] = (await replied) as [IncomingMessage]
  t.equal(reply.headers.connection, 'close')
  t.equal(await text(reply), '{}')
  await closed
})
