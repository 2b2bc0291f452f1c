/** Everything between a caller and the stock: its cost, its behavior under fuzzing, and what a stop loses. */
import { startConstant } from './constant.js'
import { shares, startProfile } from './cpu-profile.js'
import { everythingOn, getRequest, key, requestHeaders, stockPath } from './everything-on.js'
import { fuzz } from './fuzz.js'
import { startHarness } from './harness.js'
import { ask, percentile, print, type Row } from './load.js'
import { type Measurement, startLoadgen } from './loadgen.js'
import type { IdleMode } from './loadgen-process.js'
import { type StopResult, stopUnderLoad } from './stop-under-load.js'

/** Requests until a server has compiled its hot code. */
const warmUp = 40_000
const median = (values: readonly number[]) => percentile(values, 0.5)
const micros = (value: number) => `${value.toFixed(1)} µs`

const rows: Row[] = []
const add = (name: string, measured: string, bound: string, ok: boolean | null) =>
  rows.push({ case: name, measured, bound, ok })

/** @param only one of its parts: `throughput`, `parts`, `stop`, `fuzz` */
export async function surface(only?: string): Promise<void> {
  const benches = { throughput, parts: costByPart, stop, fuzz: fuzzed }
  for (const [name, bench] of Object.entries(benches)) if (only === undefined || only === name) await bench()
  print('surface: a cached stock with every feature on', rows)
  if (rows.some((row) => row.ok === false)) process.exitCode = 1
}

async function throughput(): Promise<void> {
  const harness = await startHarness({ sandbox: { SANDBOX_PRODUCTS: '100' }, service: everythingOn })
  const path = stockPath(harness.plainSku)
  const { body } = await ask(harness.client, path, undefined, { authorization: `Bearer ${key}` })
  const bare = await startConstant(body)
  const loadgen = startLoadgen()
  const targets = {
    service: { origin: harness.origin, pid: harness.pid, request: getRequest(path) },
    constant: bare.target,
  }
  for (const target of Object.values(targets)) await loadgen.run(target, { responses: warmUp })
  const inRounds = async (idleMode: IdleMode) => {
    const rounds: { readonly service: Measurement; readonly constant: Measurement }[] = []
    for (let n = 0; n < 7; n++) {
      rounds.push({
        service: await loadgen.run(targets.service, { seconds: 3 }, idleMode),
        constant: await loadgen.run(targets.constant, { seconds: 3 }, idleMode),
      })
    }
    return rounds
  }
  const rounds = await inRounds('polling')
  const blockingRounds = await inRounds('blocking')
  for (const name of ['service', 'constant'] as const) {
    const of = (read: (round: Measurement) => number) => rounds.map((round) => read(round[name]))
    const cpu = of((round) => round.cpuMicros)
    const failures = [...rounds, ...blockingRounds].reduce((sum, round) => sum + round[name].failures, 0)
    add(
      name === 'service' ? `warm stock, everything on, ${body.length} bytes` : '  a constant route, the same size',
      `${median(of((round) => round.perSecond)).toFixed(0)} req/s, ${micros(median(cpu))} of CPU each (${micros(Math.min(...cpu))} at best)`,
      'all 200',
      failures === 0,
    )
  }
  const ratio = (of: typeof rounds) => median(of.map((round) => round.service.perSecond / round.constant.perSecond))
  const ofThroughput = ratio(rounds)
  const ofCpu = median(rounds.map((round) => round.constant.cpuMicros / round.service.cpuMicros))
  add('  of its throughput', ofThroughput.toFixed(2), '≥ 0.30', ofThroughput >= 0.3)
  add('  of its requests per CPU time', ofCpu.toFixed(2), '', null)
  const busy = (name: 'service' | 'constant') =>
    `${(median(blockingRounds.map((round) => round[name].generatorBusy)) * 100).toFixed(0)} %`
  add(
    '  of its throughput, with a load generator that blocks',
    `${ratio(blockingRounds).toFixed(2)}; it was busy ${busy('service')} and ${busy('constant')} of the time`,
    '',
    null,
  )
  bare.close()
  loadgen.close()
  await harness.close()
}

/** Long compared with the stop after it, which the profile includes. */
const profiledSeconds = 12

/** The CPU time of each part of a request, by the service's own profile. */
async function costByPart(): Promise<void> {
  const profile = await startProfile()
  const harness = await startHarness({
    sandbox: { SANDBOX_PRODUCTS: '100' },
    service: everythingOn,
    flags: profile.flags,
  })
  const loadgen = startLoadgen()
  const target = { origin: harness.origin, pid: harness.pid, request: getRequest(stockPath(harness.plainSku)) }
  await loadgen.run(target, { responses: warmUp })
  const { cpuMicros, failures } = await loadgen.run(target, { seconds: profiledSeconds })
  loadgen.close()
  await harness.close()
  add('a request while profiling', micros(cpuMicros), 'all 200', failures === 0)
  for (const { name, share } of shares(await profile.read(), profiledSeconds * 1e6))
    add(`  ${name}`, micros(share * cpuMicros), '', null)
}

const stops = 3
const perSecond = 500

async function stop(): Promise<void> {
  const runs: StopResult[] = []
  for (let n = 0; n < stops; n++) runs.push(await stopUnderLoad(perSecond, everythingOn, requestHeaders.join('\r\n')))
  const sum = (read: (run: StopResult) => number) => runs.reduce((total, run) => total + read(run), 0)
  const lost = sum((run) => run.lost)
  const codes = runs.map(({ exitCode }) => exitCode)
  add(
    `${stops} stops under ${perSecond} requests a second`,
    `${lost} lost of ${sum((run) => run.sent)} sent before the signal, ${sum((run) => run.inFlight)} in flight at the signal; exit ${codes.join(', ')}, after ${Math.max(...runs.map(({ seconds }) => seconds)).toFixed(1)} s at most`,
    '0 lost',
    lost === 0 && codes.every((code) => code === 0),
  )
}

const fuzzedRequests = 10_000

async function fuzzed(): Promise<void> {
  const { serverErrors, undocumented, unexpectedCalls, seed, faults } = await fuzz(fuzzedRequests)
  add(
    `${fuzzedRequests} fuzzed requests (seed ${seed})`,
    `${serverErrors} responses with 500, ${undocumented} not as documented, ${unexpectedCalls} unexpected calls upstream`,
    '0',
    serverErrors + undocumented + unexpectedCalls === 0,
  )
  for (const fault of faults.slice(0, 3)) add('  ', fault.slice(0, 200), '', null)
}
