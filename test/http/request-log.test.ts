import { once } from 'node:events'
import { connect } from 'node:net'
import Fastify, { LogController } from 'fastify'
import { pino } from 'pino'
import tap from 'tap'
import access from '../../src/http/auth.js'
import requestLog from '../../src/http/logging.js'
import problems from '../../src/http/problems.js'
import { eventually, getOverSocket } from '../harness.js'

tap.test('writes one line for each answer: the template of its route, and what its reading came to', async (t) => {
  const lines: string[] = []
  const app = Fastify({
    loggerInstance: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    logController: new LogController({ disableRequestLogging: true }),
  })
  await app.register(problems)
  await app.register(access, { apiKeys: undefined, tickets: { redeem: () => undefined } })
  await app.register(requestLog)
  app.get('/products/:sku', (request) => {
    request.reading = { outcome: 'hit', calls: new Set([{}]) }
    return {}
  })
  app.get('/plain', () => ({}))
  for (const url of ['/products/SECRET-SKU', '/plain', '/nowhere']) await app.inject(url)
  t.match(
    lines.map((line) => JSON.parse(line)),
    [
      {
        msg: 'answered',
        method: 'GET',
        route: '/products/:sku',
        status: 200,
        cache: 'hit',
        upstream_calls: 1,
        caller: 'anonymous',
      },
      { route: '/plain', status: 200, cache: null, upstream_calls: 0, problem: null },
      { route: null, status: 404, problem: 'route_not_found' },
    ],
  )
  t.equal(lines.length, 3)
  t.ok(lines.every((line) => Number.isFinite(JSON.parse(line).ms)))
  t.notMatch(lines.join(''), 'SECRET-SKU')
})

tap.test('writes one line for who goes away before his answer is out', async (t) => {
  const lines: string[] = []
  const app = Fastify({
    loggerInstance: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    logController: new LogController({ disableRequestLogging: true }),
  })
  await app.register(problems)
  await app.register(access, { apiKeys: undefined, tickets: { redeem: () => undefined } })
  await app.register(requestLog)
  let answer = (_body: object) => {}
  app.get('/slow', () => new Promise<object>((resolve) => (answer = resolve)))
  app.get('/quick', () => ({}))
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = Object(app.server.address())
  const told = () =>
    lines.map((line) => JSON.parse(line)).flatMap(({ msg, route, status }) => (route ? [[msg, route, status]] : []))
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n')
  await new Promise((resolve) => app.server.once('request', resolve))
  socket.destroy()
  await eventually(() => told().length === 1)
  answer({})
  await getOverSocket(port, '/quick')
  t.strictSame(told(), [
    ['cut off', '/slow', null],
    ['answered', '/quick', 200],
  ])
})
