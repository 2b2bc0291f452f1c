import { once } from 'node:events'
import { connect } from 'node:net'
import Fastify, { LogController } from 'fastify'
import { pino } from 'pino'
import tap, { type Test } from 'tap'
import auth from '../../src/http/auth.js'
import requestLog, { createLogger, keepOutOfLog } from '../../src/http/logging.js'
import problems from '../../src/http/problems.js'
import { eventually, getOverSocket } from '../harness.js'

function startLogger(trackstarApiKey = 'the-key', accessToken = 'the-token') {
  const lines: string[] = []
  const config = { logLevel: 'trace', trackstarApiKey, connections: [{ accessToken }] } as const
  return { lines, logger: createLogger(config, { write: (line) => void lines.push(line) }) }
}

tap.test('censors known secret headers at any depth', async (t) => {
  const { lines, logger } = startLogger()
  const headers = { authorization: 'Bearer x1', 'x-api-key': 'x2', 'x-trackstar-access-token': 'x3', host: 'kept' }
  logger.info(headers, 'flat')
  logger.info({ headers }, 'deep')
  logger.info({ req: { headers } }, 'deeper')
  logger.info({ err: { config: { request: { headers: [headers] } } } }, 'deepest')
  t.equal(lines.length, 4)
  for (const line of lines) {
    t.notMatch(line, /x[123]/)
    t.match(line, 'kept')
  }
})

tap.test('removes configured secrets from every line', async (t) => {
  const { lines, logger } = startLogger('the-k"e\\y', 'the-token')
  logger.error(new Error('upstream said the-k"e\\y'), 'a the-token b')
  logger.child({ deep: { deeper: { deepest: ['the-token'] } } }).trace('the-k"e\\y')
  for (const line of lines) {
    t.notMatch(line, 'the-token')
    t.notMatch(JSON.stringify(JSON.parse(line)), JSON.stringify('the-k"e\\y').slice(1, -1))
    t.match(line, /\[redacted\]/)
  }
})

tap.test('does not replace values that are too short to be a secret', async (t) => {
  const { lines, logger } = startLogger('a', 'info')
  logger.info('a line with information')
  t.equal(JSON.parse(lines[0] ?? '').msg, 'a line with information')
})

tap.test('logs at the configured level and above', async (t) => {
  t.equal(
    createLogger({ logLevel: 'silent', trackstarApiKey: 'a', connections: [{ accessToken: 'b' }] }).level,
    'silent',
  )
})

tap.test('adds the current fields to each line', async (t) => {
  const lines: string[] = []
  const config = { logLevel: 'info', trackstarApiKey: 'the-key', connections: [{ accessToken: 'the-token' }] } as const
  let turn = 0
  const logger = createLogger(config, { write: (line) => void lines.push(line) }, () => ({ turn: ++turn }))
  logger.info('one')
  logger.child({ of: 'two' }).info({ also: true }, 'two')
  t.match(
    lines.map((line) => JSON.parse(line)),
    [
      { msg: 'one', turn: 1 },
      { msg: 'two', of: 'two', also: true, turn: 2 },
    ],
  )
})

async function startApp(t: Test) {
  const lines: string[] = []
  let ids = 0
  const app = Fastify({
    genReqId: () => `id-${++ids}`,
    loggerInstance: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    logController: new LogController({ disableRequestLogging: true }),
  })
  t.teardown(() => app.close())
  await app.register(problems)
  await app.register(requestLog)
  await app.register(auth, { apiKeys: undefined, tickets: { redeem: () => undefined } })
  return { app, lines }
}

tap.test('sends the request id with every response', async (t) => {
  const { app } = await startApp(t)
  app.get('/things', () => ({}))
  app.get('/broken', () => {
    throw new Error('oops')
  })
  for (const [n, url] of ['/things', '/broken', '/nowhere'].entries()) {
    t.equal((await app.inject(url)).headers['x-request-id'], `id-${n + 1}`, url)
  }
})

tap.test('logs one line per request, with the route template and the cache outcome', async (t) => {
  const { app, lines } = await startApp(t)
  app.get('/products/:sku', (request) => {
    request.readContext = { outcome: 'hit', calls: new Set([{}]) }
    return {}
  })
  app.get('/plain', () => ({}))
  for (const url of ['/products/SECRET-SKU', '/plain', '/nowhere']) await app.inject(url)
  t.match(
    lines.map((line) => JSON.parse(line)),
    [
      {
        msg: 'request completed',
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

tap.test('logs a client that disconnects before the response', async (t) => {
  const { app, lines } = await startApp(t)
  let answer = (_body: object) => {}
  app.get('/slow', () => new Promise<object>((resolve) => (answer = resolve)))
  app.get('/quick', () => ({}))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = Object(app.server.address())
  const logged = () =>
    lines.map((line) => JSON.parse(line)).flatMap(({ msg, route, status }) => (route ? [[msg, route, status]] : []))
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n')
  await new Promise((resolve) => app.server.once('request', resolve))
  socket.destroy()
  await eventually(() => logged().length === 1)
  answer({})
  await getOverSocket(port, '/quick')
  t.strictSame(logged(), [
    ['request aborted', '/slow', null],
    ['request completed', '/quick', 200],
  ])
})

tap.test('logs successful requests of a noisy route at its own level, and failures at info', async (t) => {
  const { app, lines } = await startApp(t)
  app.get('/noisy/:how', { config: { successLogLevel: 'debug' } }, (request, reply) =>
    reply.code(Number(Object(request.params).how)).send({}),
  )
  for (const status of [200, 204, 304, 400, 503]) await app.inject(`/noisy/${status}`)
  t.strictSame(
    lines.map((line) => JSON.parse(line).status),
    [400, 503],
  )
})

tap.test('logs a stream that its client closes as completed, and one that never started as aborted', async (t) => {
  const { app, lines } = await startApp(t)
  let begin = () => {}
  app.get('/stream', { config: { isStream: true } }, (_request, reply) => {
    reply.hijack()
    begin = () => reply.raw.writeHead(200).write('x')
    return reply
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = Object(app.server.address())
  const logged = () => lines.map((line) => JSON.parse(line)).filter(({ route }) => route === '/stream')
  for (const isBegun of [true, false]) {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.write('GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
    await new Promise((resolve) => app.server.once('request', resolve))
    if (isBegun) {
      begin()
      await once(socket, 'data')
    }
    const before = logged().length
    socket.destroy()
    await eventually(() => logged().length > before)
  }
  t.match(logged(), [
    { msg: 'request completed', status: 200, ms: Number },
    { msg: 'request aborted', status: null },
  ])
})

tap.test('removes secrets that it learns later, from the lines of its children too', async (t) => {
  const { lines, logger } = startLogger()
  const child = logger.child({ connection: 'au' })
  keepOutOfLog(logger, ['a-new-token', 'tiny'])
  child.info('a-new-token is tiny')
  t.match(lines.join(''), '[redacted] is tiny')
})
