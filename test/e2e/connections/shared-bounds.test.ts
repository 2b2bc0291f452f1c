import { setImmediate as nextTurn } from 'node:timers/promises'
import tap from 'tap'
import { createLogger } from '../../../src/http/logging.js'
import type { Status } from '../../../src/routes/status.js'
import { startConnections } from '../../connections-service.js'
import { eventually } from '../../harness.js'

type Shown = Status['connections'][number]

tap.test('requests that wait for one dead connection leave half of the places to the others', async (t) => {
  // Nothing ends the wait but the end of the upstream.
  const environment = { TRACKSTAR_TIMEOUT_MS: '60000', REQUEST_TIMEOUT_MS: '60000', CLIENT_RATE_LIMIT: '0' }
  const { get, sandbox, close } = await startConnections(t, { au: {}, us: {} }, { environment })
  sandbox('au').fault('/wms/*', { delayMs: 60_000 })
  const refused: unknown[] = []
  const ask = async (n: number) => {
    const reply = await get(`/products/SKU-${n}/stock?connection=au`)
    const { code, detail } = reply.json()
    return [reply.statusCode, code, detail]
  }
  const asked: Promise<unknown>[] = []
  for (let n = 0; n < 1100; n++) {
    asked.push(ask(n).then((answer) => refused.push(answer)))
    if (n % 20 === 0) await nextTurn()
  }
  await eventually(() => refused.length >= 100)
  const waiting = async (connection: string) => {
    const { body } = await get('/metrics')
    return Number(
      new RegExp(`^trackstar_requests_awaiting\\{connection="${connection}"\\} (\\d+)$`, 'm').exec(body)?.[1],
    )
  }
  t.equal(await waiting('au'), 1000)
  t.equal(refused.length, 100, 'the others are refused at once')
  t.match(refused[0], [503, 'overloaded'])
  const other = await get('/products/CUP/stock?connection=us')
  t.match([other.statusCode, other.json()], [200, { available: 40 }])
  t.equal(other.headers['cache-status'], 'trackstar-bff; fwd=miss')
  await close()
  await Promise.all(asked)
  t.equal(await waiting('au'), 0)
})

tap.test('mirrors that fit by themselves, but not together, share CACHE_MAX_MB', async (t) => {
  const lines: string[] = []
  // About 0.6 MB each.
  const given = Object.fromEntries(['au', 'us', 'ca'].map((name) => [name, { sandbox: { products: 300 } }]))
  const { get } = await startConnections(t, given, {
    environment: { CATALOG_MODE: 'mirror', CACHE_MAX_MB: '1', LOG_LEVEL: 'warn', SYNC_INTERVAL_SECONDS: '86400' },
    logger: (config) => createLogger(config, { write: (line) => void lines.push(line) }),
  })
  const shown = async (): Promise<readonly Shown[]> => (await get('/status')).json().connections
  await eventually(async () => (await shown()).every(({ mirror }) => mirror?.state !== 'loading'))
  const connections = await shown()
  const off = connections.filter(({ mirror }) => mirror?.state === 'off').map(({ name }) => name)
  t.ok(off.length > 0 && off.length < 3, `${off.length} mirrors are given up`)
  const bytes = connections.reduce((sum, { cache }) => sum + cache.bytes, 0)
  t.ok(bytes <= 1_000_000, `${bytes} bytes`)
  const warned = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg.startsWith('mirror stopped'))
  t.strictSame(warned.map(({ connection }) => connection).toSorted(), off.toSorted())
  for (const { name } of connections) {
    t.equal((await get(`/products/CUP/stock?connection=${name}`)).json().available, 40, name)
  }
})
