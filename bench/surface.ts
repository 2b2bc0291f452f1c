/** What stands between a caller and the stock: what it costs, what it withstands, and what a stop loses. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { fuzz } from './fuzz.js'
import { setStage } from './harness.js'
import { ask, percentile, print, type Row } from './load.js'
import { type Round, takeHammer } from './loadgen.js'
import type { Rest } from './loadgen-process.js'
import { shares, takeProfile } from './parts.js'
import { type Stopped, stopUnderLoad } from './stop.js'

const key = 'bench-0123456789abcdef0123456789abcdef'
const page = 'https://shop.example'
/** The service as it is run for browsers and services at once, with a limit that counts but refuses nobody. */
const everythingOn = {
  AUTH_MODE: 'api-key',
  API_KEYS: `bench:${key}`,
  CORS_ORIGINS: page,
  CLIENT_RATE_LIMIT: '1000000000',
  CATALOG_MODE: 'mirror',
  LOG_LEVEL: 'info',
}
const headers = [
  'Host: 127.0.0.1',
  `Authorization: Bearer ${key}`,
  `Origin: ${page}`,
  'Accept: application/json',
  'Accept-Encoding: gzip, deflate, br',
  'User-Agent: bench',
]
const request = (path: string) => [`GET ${path} HTTP/1.1`, ...headers, '\r\n'].join('\r\n')
/** Requests until a server has compiled what is hot, and is as fast as it gets. */
const warmUp = 40_000
const stockPath = (sku: string) => `/products/${encodeURIComponent(sku)}/stock`
const median = (values: readonly number[]) => percentile(values, 0.5)
const micros = (value: number) => `${value.toFixed(1)} µs`

const rows: Row[] = []
const add = (name: string, measured: string, bound: string, ok: boolean | null) =>
  rows.push({ case: name, measured, bound, ok })

/** @param only one of its parts: `throughput`, `parts`, `stop`, `fuzz` */
export async function surface(only?: string): Promise<void> {
  const benches = { throughput, parts: costOfParts, stop, fuzz: fuzzed }
  for (const [name, bench] of Object.entries(benches)) if (only === undefined || only === name) await bench()
  print('surface: a warm stock with everything that is around it', rows)
  if (rows.some((row) => row.ok === false)) process.exitCode = 1
}

/** What the service is measured against, in a process of its own, which says by message where it listens. */
async function startConstant(body: string) {
  const child = fork(fileURLToPath(new URL('./constant-process.js', import.meta.url)), [body])
  const [origin] = (await once(child, 'message')) as [string]
  return { target: { origin, pid: child.pid ?? 0, request: request('/constant') }, close: () => child.disconnect() }
}

async function throughput(): Promise<void> {
  const stage = await setStage({ sandbox: { SANDBOX_PRODUCTS: '100' }, service: everythingOn })
  const path = stockPath(stage.plainSku)
  const { body } = await ask(stage.client, path, undefined, { authorization: `Bearer ${key}` })
  const bare = await startConstant(body)
  const hammer = takeHammer()
  const targets = {
    service: { origin: stage.origin, pid: stage.pid, request: request(path) },
    constant: bare.target,
  }
  for (const target of Object.values(targets)) await hammer.strike(target, { answers: warmUp })
  const inRounds = async (rest: Rest) => {
    const rounds: { readonly service: Round; readonly constant: Round }[] = []
    for (let n = 0; n < 7; n++) {
      rounds.push({
        service: await hammer.strike(targets.service, { seconds: 3 }, rest),
        constant: await hammer.strike(targets.constant, { seconds: 3 }, rest),
      })
    }
    return rounds
  }
  const rounds = await inRounds('awake')
  const asleep = await inRounds('asleep')
  for (const name of ['service', 'constant'] as const) {
    const of = (read: (round: Round) => number) => rounds.map((round) => read(round[name]))
    const cpu = of((round) => round.cpuMicros)
    const others = [...rounds, ...asleep].reduce((sum, round) => sum + round[name].others, 0)
    add(
      name === 'service' ? `warm stock, everything on, ${body.length} bytes` : '  a constant route, the same size',
      `${median(of((round) => round.perSecond)).toFixed(0)} req/s, ${micros(median(cpu))} of CPU each (${micros(Math.min(...cpu))} at best)`,
      'all 200',
      others === 0,
    )
  }
  const ratio = (of: typeof rounds) => median(of.map((round) => round.service.perSecond / round.constant.perSecond))
  const ofThroughput = ratio(rounds)
  const ofCpu = median(rounds.map((round) => round.constant.cpuMicros / round.service.cpuMicros))
  add('  of its throughput', ofThroughput.toFixed(2), '≥ 0.30', ofThroughput >= 0.3)
  add('  of its requests in the same CPU time', ofCpu.toFixed(2), '', null)
  const busy = (name: 'service' | 'constant') =>
    `${(median(asleep.map((round) => round[name].generatorBusy)) * 100).toFixed(0)} %`
  add(
    '  of its throughput, by a generator that has to be woken',
    `${ratio(asleep).toFixed(2)}; it was busy for ${busy('service')} and ${busy('constant')} of the time`,
    '',
    null,
  )
  bare.close()
  hammer.close()
  await stage.close()
}

/** Long beside the stop that comes after it, which is in the profile as well. */
const profiledSeconds = 12

/** What the service's own profile says of where its time goes, in µs of a request. */
async function costOfParts(): Promise<void> {
  const profile = await takeProfile()
  const stage = await setStage({ sandbox: { SANDBOX_PRODUCTS: '100' }, service: everythingOn, flags: profile.flags })
  const hammer = takeHammer()
  const target = { origin: stage.origin, pid: stage.pid, request: request(stockPath(stage.plainSku)) }
  await hammer.strike(target, { answers: warmUp })
  const { cpuMicros, others } = await hammer.strike(target, { seconds: profiledSeconds })
  hammer.close()
  await stage.close()
  add('a request, while it is being profiled', micros(cpuMicros), 'all 200', others === 0)
  for (const { name, share } of shares(await profile.read(), profiledSeconds * 1e6))
    add(`  ${name}`, micros(share * cpuMicros), '', null)
}

const stops = 3
const perSecond = 500

async function stop(): Promise<void> {
  const runs: Stopped[] = []
  for (let n = 0; n < stops; n++) runs.push(await stopUnderLoad(perSecond, everythingOn, headers.join('\r\n')))
  const sum = (read: (run: Stopped) => number) => runs.reduce((total, run) => total + read(run), 0)
  const lost = sum((run) => run.lost)
  const codes = runs.map(({ exitCode }) => exitCode)
  add(
    `${stops} stops under ${perSecond} requests a second`,
    `${lost} lost of ${sum((run) => run.sent)} sent before the signal, ${sum((run) => run.inFlight)} of them in flight then; exit ${codes.join(', ')}, after ${Math.max(...runs.map(({ seconds }) => seconds)).toFixed(1)} s at most`,
    '0 lost',
    lost === 0 && codes.every((code) => code === 0),
  )
}

const fuzzedRequests = 10_000

async function fuzzed(): Promise<void> {
  const { of500, undocumented, unexpectedCalls, seed, faults } = await fuzz(fuzzedRequests)
  add(
    `${fuzzedRequests} fuzzed requests (seed ${seed})`,
    `${of500} answers of 500, ${undocumented} not as documented, ${unexpectedCalls} calls upstream that nobody expects`,
    '0',
    of500 + undocumented + unexpectedCalls === 0,
  )
  for (const fault of faults.slice(0, 3)) add('  ', fault.slice(0, 200), '', null)
}
