import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import tap, { type Test } from 'tap'
import { generatedSku } from '../../../src/sandbox/generated-catalog.js'
import { EventStream } from '../../event-stream.js'
import { eventually, getOverSocket } from '../../harness.js'
import { type SpawnedService, spawnService } from '../../spawned.js'

tap.jobs = 2

/** Runs beside the other tests: most of the time goes into starting processes and waiting for them. */
const concurrently = (name: string, test: (t: Test) => Promise<void>) => tap.test(name, { buffered: true }, test)

interface Answer {
  readonly status: number
  readonly connection: string | undefined
  readonly body: string
}

/** Requests `path` over a kept connection of `agent`. */
async function request(agent: Agent, port: number, path: string): Promise<Answer> {
  const sent = get({ agent, port, host: '127.0.0.1', path })
  const [reply] = (await once(sent, 'response')) as [IncomingMessage]
  return { status: reply.statusCode ?? 0, connection: reply.headers.connection, body: await text(reply) }
}

const isRefused = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.on('error', () => resolve(true))
  })

function keptAgent(t: Test, maxSockets = 100): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets })
  t.teardown(() => agent.destroy())
  return agent
}

const messages = ({ log }: SpawnedService) => log.map(({ msg }) => msg)
const callsOf = ({ sandbox }: SpawnedService, path: string) => sandbox.calls.filter((call) => call.path === path).length

concurrently(
  'at a stop signal /readyz answers 503, then no connection is accepted, and requests in flight finish',
  async (t) => {
    const service = await spawnService(t, { ADMIN_PORT: '0', CATALOG_MODE: 'mirror' })
    const { port, adminPort, sandbox, signal, exit, stderr } = service
    const agent = keptAgent(t)
    await eventually(async () => (await request(agent, port, '/stock/low?below=0')).status === 200)
    const reader = await EventStream.open(t, port)
    sandbox.fault('/wms/warehouses', { delayMs: 2000 })
    const calls = callsOf(service, '/wms/warehouses')
    const slow = request(keptAgent(t), port, '/warehouses')
    await eventually(() => callsOf(service, '/wms/warehouses') > calls)
    signal('SIGTERM')
    await eventually(async () => (await getOverSocket(port, '/readyz')).status === 503)
    t.match((await getOverSocket(port, '/readyz')).body, 'The service is shutting down')
    t.equal((await getOverSocket(port, '/livez')).status, 200)
    t.match(
      await request(agent, port, '/products/CUP/stock'),
      { status: 200, connection: 'close' },
      'the last response of its connection',
    )
    t.match(await request(agent, port, '/products/CUP/stock'), { status: 200, connection: 'close' }, 'a new connection')
    t.equal((await getOverSocket(adminPort, '/metrics')).status, 200, 'the metrics are served meanwhile')
    let isAnswered = false
    const answer = slow.then((reply) => {
      isAnswered = true
      return reply
    })
    await eventually(() => isRefused(port))
    t.notOk(isAnswered)
    t.match(await answer, { status: 200, connection: 'close', body: 'wh_oslo' })
    t.strictSame(await exit, { code: 0, signal: null })
    t.match(reader.comments.at(-1), /service/, 'event streams end with a comment')
    t.ok(reader.isOver)
    t.ok(reader.response.complete, 'and are not aborted')
    t.ok(await isRefused(adminPort))
    t.ok(messages(service).includes('stopping'))
    t.notMatch(messages(service).join(), 'grace time')
    t.equal(stderr(), '')
  },
)

concurrently('closes open connections at the end of the grace time', async (t) => {
  const service = await spawnService(t, { SHUTDOWN_GRACE_SECONDS: '1' })
  const { port, sandbox, signal, exit } = service
  sandbox.fault('/wms/products', { delayMs: 60_000 })
  const head = 'POST /stock/query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n'
  const hanging = ['', 'GET /livez HTTP/1.1\r\nHo', `${head}Content-Length: 100\r\n\r\n{"skus`]
  hanging.push(
    `${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"sku\r\n`,
    'GET /products/CUP/stock HTTP/1.1\r\nHost: localhost\r\n\r\n',
  )
  const sockets: Socket[] = []
  for (const bytes of hanging) {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {})
    await once(socket, 'connect')
    socket.write(bytes)
    sockets.push(socket.resume())
  }
  sockets.at(-1)?.end()
  await eventually(() => callsOf(service, '/wms/products') === 1)
  const startedAt = performance.now()
  signal('SIGTERM')
  t.strictSame(await exit, { code: 0, signal: null })
  const tookMs = performance.now() - startedAt
  t.ok(tookMs >= 950, `after ${tookMs} ms`)
  await eventually(() => sockets.every((socket) => socket.readableEnded || socket.destroyed))
  t.equal(messages(service).at(-1), 'grace time over, closing open connections')
})

concurrently('answers all of a hundred requests in flight, on new and on kept connections', async (t) => {
  const service = await spawnService(t, {}, { sandbox: { products: 300 } })
  const { port, sandbox, signal, exit } = service
  const kept = keptAgent(t, 50)
  const warm = Array.from({ length: 50 }, () => request(kept, port, '/livez'))
  t.ok((await Promise.all(warm)).every(({ status }) => status === 200))
  sandbox.options.latencyMs = 700
  const fresh = keptAgent(t)
  const sent = Array.from({ length: 100 }, (_, n) =>
    request(n < 50 ? kept : fresh, port, `/products/${generatedSku(n)}/stock`),
  )
  await eventually(() => callsOf(service, '/wms/products') > 0)
  signal('SIGTERM')
  const answers = await Promise.all(sent)
  t.strictSame(new Set(answers.map(({ status }) => status)), new Set([200]))
  t.strictSame(await exit, { code: 0, signal: null })
})

concurrently('under constant load, answers every request that was sent before the signal', async (t) => {
  const { port, signal, exit } = await spawnService(t)
  const agent = keptAgent(t, 20)
  await request(agent, port, '/products/CUP/stock')
  const isOver = new AbortController()
  const answered: number[] = []
  const lost: { readonly sentAt: number; readonly failedAt: number }[] = []
  const client = async () => {
    let turns = 0
    while (!isOver.signal.aborted) {
      const sentAt = performance.now()
      try {
        // Every other request on a new connection, so that some wait in the kernel's accept queue.
        const sent = get({ agent: turns++ % 2 === 0 && agent, port, host: '127.0.0.1', path: '/products/CUP/stock' })
        const [reply] = (await once(sent, 'response')) as [IncomingMessage]
        await text(reply)
        if (reply.statusCode === 200) answered.push(sentAt)
        else lost.push({ sentAt, failedAt: performance.now() })
      } catch {
        lost.push({ sentAt, failedAt: performance.now() })
      }
      await sleep(10)
    }
  }
  const clients = Array.from({ length: 20 }, client)
  await eventually(() => answered.length > 150)
  const stopAt = performance.now()
  signal('SIGTERM')
  t.strictSame(await exit, { code: 0, signal: null })
  isOver.abort()
  await Promise.all(clients)
  t.strictSame(
    lost.filter(({ sentAt }) => sentAt <= stopAt),
    [],
  )
  t.ok(lost.length > 0, 'requests were sent until the end')
  const lastAnswered = Math.max(...answered)
  t.ok(lastAnswered > stopAt, 'requests are answered while load balancers notice the stop')
  t.ok(Math.min(...lost.map(({ failedAt }) => failedAt)) >= lastAnswered, 'none is lost before the last of them')
})
