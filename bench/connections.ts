/** What many connections in one process cost, and what one of them costs the others. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool } from 'undici'
import { generatedSku } from '../src/sandbox/generated-catalog.js'
import { severalConnections } from '../src/sandbox/several-connections.js'
import { everythingOn, getRequest, key, stockPath } from './everything-on.js'
import { type Harness, startHarness } from './harness.js'
import { ask, type Outcome, openLoop, percentile, print, type Row } from './load.js'
import { type Measurement, startLoadgen, type Target } from './loadgen.js'

const many = 50
const products = 2000
const rounds = 5
const authorization = { authorization: `Bearer ${key}` }
const group = { name: 'first-three', size: 3 }

const rows: Row[] = []
const add = (name: string, measured: string, bound: string, ok: boolean | null) =>
  rows.push({ case: name, measured, bound, ok })
const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`
const p99Of = (outcomes: readonly Outcome[]) =>
  percentile(
    outcomes.map((outcome) => outcome.ms),
    0.99,
  )
const failuresOf = (outcomes: readonly Outcome[]) => outcomes.filter(({ status }) => status !== 200).length

/** An entry of `CONNECTIONS_FILE`. */
interface ConnectionEntry {
  readonly name: string
  readonly access_token: string
  readonly connection_id: string
  readonly catalog_mode?: string
}

/** The connections of the sandbox: those of the service and one more. The first has the defaults of a sandbox. */
const known = severalConnections(many + 1).map(
  ({ name, options: { accessToken = 'sandbox-access-token', connectionId = 'conn_sandbox' } }): ConnectionEntry => ({
    name,
    access_token: accessToken,
    connection_id: connectionId,
  }),
)
const spare = known.at(-1) as ConnectionEntry
const nameOf = (index: number) => known[index]?.name ?? ''
const pathIn = (name: string, sku: string) => `${stockPath(sku)}?connection=${name}`

/** A service of 50 connections. */
interface Service extends Harness {
  /** Writes the file and makes the service read it. */
  apply(entries: readonly ConnectionEntry[]): Promise<void>
}

/** @param only one of its parts */
export async function connections(only?: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-connections-'))
  const service = await startService(join(folder, 'connections.json'))
  try {
    await firstLoads(service)
    const parts = { faults, throughput, reload }
    for (const [name, part] of Object.entries(parts)) if (only === undefined || only === name) await part(service)
  } finally {
    await service.close()
    await rm(folder, { recursive: true })
  }
  print(`connections: ${many} of ${products} products, each at 10 reads a second and 100 ms latency`, rows)
  if (rows.some((row) => row.ok === false)) process.exitCode = 1
}

async function startService(file: string): Promise<Service> {
  const write = (entries: readonly ConnectionEntry[]) => {
    const members = entries.slice(0, group.size).map(({ name }) => name)
    return writeFile(
      file,
      JSON.stringify({ connections: entries, groups: [{ name: group.name, connections: members }] }),
    )
  }
  await write(known.slice(0, many))
  const harness = await startHarness({
    sandbox: { SANDBOX_CONNECTIONS: String(many + 1), SANDBOX_PRODUCTS: String(products) },
    service: { ...everythingOn, TRACKSTAR_ACCESS_TOKEN: '', CONNECTIONS_FILE: file, CACHE_MAX_MB: '512' },
  })
  return {
    ...harness,
    async apply(next) {
      await write(next)
      process.kill(harness.pid, 'SIGHUP')
    },
  }
}

/** The names of the connections that are loaded. */
async function loaded({ client }: Harness): Promise<readonly string[]> {
  const reply = await ask(client, '/connections', undefined, authorization)
  // A busy service may reject it.
  if (reply.status !== 200) return []
  const { data } = JSON.parse(reply.body) as { data: { name: string; kind: string; state: string }[] }
  return data.filter(({ kind, state }) => kind === 'connection' && state === 'live').map(({ name }) => name)
}

async function firstLoads(service: Service): Promise<void> {
  const idleMb = await service.residentMb()
  const start = performance.now()
  await service.loopDelay()
  const outcomes: Outcome[] = []
  let live = await loaded(service)
  while (live.length < many && performance.now() - start < 180_000) {
    const names = live
    await openLoop(names.length > 0 ? 50 : 0, 0.5, async (n) => {
      const path = pathIn(names[n % names.length] ?? '', generatedSku(n % 100))
      outcomes.push(await ask(service.client, path, undefined, authorization))
    })
    if (names.length === 0) await sleep(100)
    live = await loaded(service)
  }
  const seconds = (performance.now() - start) / 1000
  const delay = await service.loopDelay()
  add('first load of all', `${live.length} live after ${seconds.toFixed(1)} s`, '≤ 60 s', seconds <= 60)
  const p99 = p99Of(outcomes)
  const failed = failuresOf(outcomes)
  const callers = `p99 ${ms(p99)} of ${outcomes.length}, ${failed} failed`
  add('  callers of those that are loaded', callers, 'p99 ≤ 50 ms', p99 <= 50 && failed === 0)
  add('  event loop delay', `p99 ${ms(delay.p99Ms)}, max ${ms(delay.maxMs)}`, 'p99 ≤ 20 ms', delay.p99Ms <= 20)
  await sleep(5000)
  const records = await recordsOf(service)
  const each = (((await service.residentMb()) - idleMb) * 1024) / records
  add('  resident memory', `${each.toFixed(2)} kB a record, ${records} records`, '≤ 1.6 kB', each <= 1.6)
}

async function recordsOf({ client }: Harness): Promise<number> {
  const reply = await ask(client, '/status', undefined, authorization)
  const status = JSON.parse(reply.body) as { connections: { mirror: { products: number; inventory: number } }[] }
  return status.connections.reduce((sum, { mirror }) => sum + mirror.products + mirror.inventory, 0)
}

/** Of the connections that callers ask, the last three get faults. */
async function faults(service: Service): Promise<void> {
  const faulty = 3
  const before: number[] = []
  const during: number[] = []
  let failed = 0
  for (let round = 0; round < 3; round++) {
    const quiet = await callOthers(service, faulty)
    await service.command({ do: 'fault', connection: many - 1, fault: { delayMs: 120_000 } })
    await service.command({ do: 'fault', connection: many - 2, fault: { status: 401, body: { error: 'revoked' } } })
    await service.command({ do: 'fault', connection: many - 3, fault: { delayMs: 2000 } })
    const disturbed = await callOthers(service, faulty)
    await service.command({ do: 'heal' })
    before.push(p99Of(quiet))
    during.push(p99Of(disturbed))
    failed += failuresOf([...quiet, ...disturbed])
    await sleep(2000)
  }
  const [alone, beside] = [percentile(before, 0.5), percentile(during, 0.5)]
  add(
    '200 requests/s over 47 connections, beside one dead, one refusing and one slow',
    `p99 ${ms(beside)}, and ${ms(alone)} without; ${failed} failed`,
    '≤ 1.2 times',
    beside <= alone * 1.2 && failed === 0,
  )
}

/** The others' requests; one of 50 goes upstream. Those for the last connections all do, and are not counted. */
async function callOthers({ client, origin }: Harness, faulty: number): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  // Its requests wait for seconds, and must not take the sockets of the others.
  const waiting = new Pool(origin, { connections: 500 })
  const upstream = { ...authorization, 'cache-control': 'no-cache' }
  await openLoop(210, 10, async (n) => {
    const isForFaulty = n % 21 === 0
    const index = isForFaulty ? many - 1 - (n % faulty) : n % (many - faulty)
    const sku = generatedSku((n * 7) % 1000)
    const headers = isForFaulty || n % 50 === 1 ? upstream : authorization
    const asked = ask(isForFaulty ? waiting : client, pathIn(nameOf(index), sku), undefined, headers)
    // A caller of a dead connection waits for its timeout; the measurement does not.
    if (!isForFaulty) outcomes.push(await asked)
  })
  await waiting.destroy()
  return outcomes
}

async function throughput(service: Service): Promise<void> {
  const single = await startHarness({
    sandbox: { SANDBOX_PRODUCTS: String(products), SANDBOX_READ_RATE: '0', SANDBOX_LATENCY_MS: '0' },
    service: { ...everythingOn, TRACKSTAR_READ_RATE: '200' },
  })
  while ((await loaded(single)).length === 0) await sleep(200)
  const loadgen = startLoadgen()
  const target = ({ origin, pid }: Harness, name: string): Target => ({
    origin,
    pid,
    request: getRequest(pathIn(name, generatedSku(0))),
  })
  const targets = new Map([
    ['one', target(single, 'default')],
    ['many', target(service, nameOf(0))],
    ['group', target(service, group.name)],
  ])
  const results = new Map<string, Measurement[]>(Array.from(targets.keys(), (name) => [name, []]))
  for (const one of targets.values()) await loadgen.run(one, { responses: 30_000 })
  for (let round = 0; round < rounds; round++) {
    for (const [name, one] of targets) results.get(name)?.push(await loadgen.run(one, { seconds: 3 }))
  }
  const ratio = (a: string, b: string) => {
    const others = results.get(b) ?? []
    const ratios = results.get(a)?.map(({ perSecond }, round) => perSecond / (others[round]?.perSecond ?? 0)) ?? []
    return percentile(ratios, 0.5)
  }
  for (const [name, measurements] of results) {
    const perSecond = percentile(
      measurements.map((one) => one.perSecond),
      0.5,
    )
    const failures = measurements.reduce((sum, one) => sum + one.failures, 0)
    add(`${name}: warm stock`, `${perSecond.toFixed(0)} req/s`, 'no failures', failures === 0)
  }
  const [amongMany, combined] = [ratio('many', 'one'), ratio('group', 'many')]
  add(`warm stock with ${many} connections against with one`, amongMany.toFixed(2), '≥ 0.95', amongMany >= 0.95)
  add(`combined stock of ${group.size} against one of them`, combined.toFixed(2), '≥ 0.5', combined >= 0.5)
  loadgen.close()
  await single.close()
}

/** Under load, one connection gets another token, one is added and one removed. */
async function reload(service: Service): Promise<void> {
  const { client } = service
  const kept = many - 1
  const outcomes: Outcome[] = []
  const load = openLoop(200, 12, async (n) => {
    const path = pathIn(nameOf(n % kept), generatedSku(n % 1000))
    outcomes.push(await ask(client, path, undefined, authorization))
  })
  await sleep(3000)
  const rekeyed = { ...known[5], access_token: 'another-access-token' } as ConnectionEntry
  await service.command({ do: 'rekey', connection: 5, accessToken: rekeyed.access_token })
  const added: ConnectionEntry = { ...spare, catalog_mode: 'on-demand' }
  const start = performance.now()
  await service.apply([...known.slice(0, kept).map((entry, index) => (index === 5 ? rekeyed : entry)), added])
  let status = 0
  while (status !== 200 && performance.now() - start < 30_000) {
    ;({ status } = await ask(client, pathIn(added.name, generatedSku(1)), undefined, authorization))
    if (status !== 200) await sleep(20)
  }
  const seconds = (performance.now() - start) / 1000
  await load
  const removed = await ask(client, pathIn(nameOf(kept), generatedSku(1)), undefined, authorization)
  const failed = failuresOf(outcomes)
  add(
    'a token replaced, a connection added and one removed under load',
    `${failed} of ${outcomes.length} failed; the removed one answers ${removed.status}`,
    '0 failed, 404',
    failed === 0 && removed.status === 404,
  )
  add('  the added one answers', `after ${seconds.toFixed(2)} s`, '≤ 2 s', status === 200 && seconds <= 2)
}
