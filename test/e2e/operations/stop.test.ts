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

tap.jobs = 4

/** A test beside others: most of the time is spent waiting for a process. */
const beside = (name: string, test: (t: Test) => Promise<void>) => tap.test(name, { buffered: true }, test)

interface Answer {
  readonly status: number
  readonly connection: string | undefined
  readonly body: string
}

/** Asks over connections of `agent`, which are kept. */
async function ask(agent: Agent, port: number, path: string): Promise<Answer> {
  const asked = get({ agent, port, host: '127.0.0.1', path })
  const [reply] = (await once(asked, 'response')) as [IncomingMessage]
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

beside('at a stop signal it says so at /readyz, then takes no connections, and finishes what it has', async (t) => {
  const service = await spawnService(t, { ADMIN_PORT: '0', CATALOG_MODE: 'mirror' })
  const { port, adminPort, sandbox, signal, ended, complaint } = service
  const agent = keptAgent(t)
  await eventually(async () => (await ask(agent, port, '/stock/low?below=0')).status === 200)
  const reader = await EventStream.open(t, port)
  sandbox.fault('/wms/warehouses', { delayMs: 2000 })
  const calls = callsOf(service, '/wms/warehouses')
  const slow = ask(keptAgent(t), port, '/warehouses')
  await eventually(() => callsOf(service, '/wms/warehouses') > calls)
  signal('SIGTERM')
  await eventually(async () => (await getOverSocket(port, '/readyz')).status === 503)
  t.match((await getOverSocket(port, '/readyz')).body, 'The service is stopping')
  t.equal((await getOverSocket(port, '/livez')).status, 200)
  t.match(await ask(agent, port, '/products/CUP/stock'), { status: 200, connection: 'close' }, 'the last on its line')
  t.match(await ask(agent, port, '/products/CUP/stock'), { status: 200, connection: 'close' }, 'a new connection')
  t.equal((await getOverSocket(adminPort, '/metrics')).status, 200, 'a stop can be watched')
  let isAnswered = false
  const answer = slow.then((reply) => {
    isAnswered = true
    return reply
  })
  await eventually(() => isRefused(port))
  t.notOk(isAnswered)
  t.match(await answer, { status: 200, connection: 'close', body: 'wh_oslo' })
  t.strictSame(await ended, { code: 0, signal: null })
  t.match(reader.comments.at(-1), /service/, 'readers of events are told')
  t.ok(reader.isOver)
  t.ok(reader.response.complete, 'and not broken off')
  t.ok(await isRefused(adminPort))
  t.ok(messages(service).includes('stopping'))
  t.notMatch(messages(service).join(), 'grace time', 'there was much of it left')
  t.equal(complaint(), '')
})

beside('what hangs is cut off at the end of the grace time', async (t) => {
  const service = await spawnService(t, { SHUTDOWN_GRACE_SECONDS: '1' })
  const { port, sandbox, signal, ended } = service
  sandbox.fault('/wms/products', { delayMs: 60_000 })
  const head = 'POST /stock/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
  const hanging = ['', 'GET /livez HTTP/1.1\r\nHo', `${head}Content-Length: 100\r\n\r\n{"skus`]
  hanging.push(
    `${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"sku\r\n`,
    'GET /products/CUP/stock HTTP/1.1\r\nHost: x\r\n\r\n',
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
  const begun = performance.now()
  signal('SIGTERM')
  t.strictSame(await ended, { code: 0, signal: null })
  const took = performance.now() - begun
  t.ok(took >= 950, `after ${took} ms`)
  await eventually(() => sockets.every((socket) => socket.readableEnded || socket.destroyed))
  t.match(messages(service).at(-1), /end of the grace time is cut off/)
})

beside('a second signal ends it at once', async (t) => {
  const service = await spawnService(t, { SHUTDOWN_GRACE_SECONDS: '60' })
  const { port, sandbox, signal, ended } = service
  sandbox.fault('/wms/products', { delayMs: 60_000 })
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  socket.write('GET /products/CUP/stock HTTP/1.1\r\nHost: x\r\n\r\n')
  await eventually(() => callsOf(service, '/wms/products') === 1)
  signal('SIGINT')
  await service.until(() => messages(service).includes('stopping'))
  signal('SIGTERM')
  t.strictSame(await ended, { code: 1, signal: null })
})

/** Has the process do `what` at SIGUSR2, for which it has no use of its own. */
const atSignal = (what: string) => {
  const code = `process.on('SIGUSR2', () => { ${what} })`
  return { nodeArguments: ['--import', `data:text/javascript,${encodeURIComponent(code)}`] }
}

beside('a fault that nobody catches is logged whole, without secrets, and ends it with 1', async (t) => {
  const fault = "throw new Error('outside: sandbox-access-token', { cause: new TypeError('inside') })"
  const { signal, ended, log } = await spawnService(t, {}, atSignal(fault))
  signal('SIGUSR2')
  t.strictSame(await ended, { code: 1, signal: null })
  const line = log.at(-1)
  t.match(line, { level: 60, msg: 'a fault that nobody caught ends the process', err: { type: 'Error' } })
  const { stack } = Object(line?.['err'])
  t.match(stack, /^Error: outside: \[redacted\]\n +at process\.<anonymous> \(data:text/)
  t.match(stack, /caused by: TypeError: inside\n +at process\.<anonymous>/)
})

beside('a promise that nobody looks after is such a fault, also while it stops', async (t) => {
  const { signal, ended, log, until } = await spawnService(t, {}, atSignal("Promise.reject(new Error('lost'))"))
  signal('SIGTERM')
  await until(() => log.some(({ msg }) => msg === 'stopping'))
  signal('SIGUSR2')
  t.strictSame(await ended, { code: 1, signal: null })
  t.match(log.at(-1), { level: 60, err: { message: 'lost', stack: /^Error: lost\n +at / } })
})

beside('loses none of a hundred requests that are in flight, on new connections and kept ones', async (t) => {
  const service = await spawnService(t, {}, { sandbox: { products: 300 } })
  const { port, sandbox, signal, ended } = service
  const kept = keptAgent(t, 50)
  const warm = Array.from({ length: 50 }, () => ask(kept, port, '/livez'))
  t.ok((await Promise.all(warm)).every(({ status }) => status === 200))
  sandbox.options.latencyMs = 700
  const fresh = keptAgent(t)
  const sent = Array.from({ length: 100 }, (_, n) =>
    ask(n < 50 ? kept : fresh, port, `/products/${generatedSku(n)}/stock`),
  )
  await eventually(() => callsOf(service, '/wms/products') > 0)
  signal('SIGTERM')
  const answers = await Promise.all(sent)
  t.strictSame(new Set(answers.map(({ status }) => status)), new Set([200]))
  t.strictSame(await ended, { code: 0, signal: null })
})

beside('loses no request sent before the signal under constant load', async (t) => {
  const { port, signal, ended } = await spawnService(t)
  const agent = keptAgent(t, 20)
  await ask(agent, port, '/products/CUP/stock')
  let stopAt = Number.POSITIVE_INFINITY
  const over = new AbortController()
  let answered = 0
  const lost: number[] = []
  const client = async () => {
    let turns = 0
    while (!over.signal.aborted) {
      const sentAt = performance.now()
      try {
        // A connection of its own for every other: what the kernel has taken is sent as well.
        const asked = get({ agent: turns++ % 2 === 0 && agent, port, host: '127.0.0.1', path: '/products/CUP/stock' })
        const [reply] = (await once(asked, 'response')) as [IncomingMessage]
        await text(reply)
        if (reply.statusCode === 200) answered++
        else lost.push(sentAt)
      } catch {
        lost.push(sentAt)
      }
      await sleep(10)
    }
  }
  const clients = Array.from({ length: 20 }, client)
  await eventually(() => answered > 150)
  stopAt = performance.now()
  signal('SIGTERM')
  t.strictSame(await ended, { code: 0, signal: null })
  over.abort()
  await Promise.all(clients)
  t.strictSame(
    lost.filter((sentAt) => sentAt <= stopAt),
    [],
  )
  t.ok(lost.length > 0, 'it was sent requests to the end')
  t.ok(Math.min(...lost) > stopAt + 500, 'nor is any lost while callers learn that they are to go elsewhere')
})
