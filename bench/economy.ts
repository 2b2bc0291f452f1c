/** What callers cost upstream: cold bursts, a mixed load with an outage in the middle, and a flood. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { generatedSku } from '../src/sandbox/generated-catalog.js'
import type { FloodReport } from './flood-process.js'
import { startHarness } from './harness.js'
import { ask, type Outcome, openLoop, percentile, print, type Row } from './load.js'

const stockPath = (sku: string) => `/products/${encodeURIComponent(sku)}/stock`
const count = (outcomes: readonly Outcome[], status: number) =>
  outcomes.filter((outcome) => outcome.status === status).length
const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`
/** SKUs of plain products with two items each; of ten generated products, two are not plain. */
const plainSkus = (from: number, many: number) =>
  Array.from({ length: many * 2 }, (_, n) => from + n)
    .filter((n) => n % 10 < 8)
    .slice(0, many)
    .map(generatedSku)

const rows: Row[] = []
const addRate = (refused: number, worst: number) =>
  add('  429s, most reads in any second', `${refused}, ${worst}`, '0, 10', refused === 0 && worst <= 10)
const add = (name: string, measured: string, bound: string, ok: boolean) =>
  rows.push({ case: name, measured, bound, ok })

/**
 * @param minutes of the mixed load; the bound is for 4
 * @param only one of `cold`, `mixed` and `flood`; default: all
 */
export async function economy(minutes: number, only?: string): Promise<void> {
  const parts = { cold: coldBursts, mixed: () => mixedLoad(minutes * 60), flood: () => flood(50) }
  for (const [name, part] of Object.entries(parts)) if (only === undefined || only === name) await part()
  print(`economy: sandbox at 10 reads a second and 100 ms latency, mixed load of ${minutes} min`, rows)
  if (rows.some((row) => row.ok === false)) process.exitCode = 1
}

async function coldBursts(): Promise<void> {
  const cases = [
    {
      name: '1,000 callers at once, one cold SKU of two items',
      run: (client: Parameters<typeof ask>[0]) =>
        Promise.all(Array.from({ length: 1000 }, () => ask(client, stockPath(generatedSku(0))))),
      calls: 2,
    },
    {
      name: '500 distinct cold SKUs of two items at once',
      run: (client: Parameters<typeof ask>[0]) =>
        Promise.all(plainSkus(0, 500).map((sku) => ask(client, stockPath(sku)))),
      calls: 18,
      seconds: 3,
    },
    {
      name: '1,000 cold SKUs in one POST /stock/query',
      run: async (client: Parameters<typeof ask>[0]) => [
        await ask(client, '/stock/query', { skus: plainSkus(0, 1000) }),
      ],
      calls: 33,
    },
  ]
  for (const { name, run, calls, seconds } of cases) {
    const harness = await startHarness({ connections: 1000 })
    const start = performance.now()
    const outcomes = await run(harness.client)
    const took = performance.now() - start
    const report = await harness.command({ do: 'report' })
    const answered = count(outcomes, 200)
    const isTimely = seconds === undefined || took <= seconds * 1000
    add(
      name,
      `${report.recordCalls} calls, ${answered}/${outcomes.length} answered in ${ms(took)}`,
      `${calls} calls${seconds ? ` in ${seconds} s` : ''}`,
      report.recordCalls <= calls && answered === outcomes.length && isTimely,
    )
    addRate(report.refused, report.worstReadsPerSecond)
    await harness.close()
  }
}

async function mixedLoad(seconds: number): Promise<void> {
  const harness = await startHarness({ sandbox: { SANDBOX_PRODUCTS: '5100' } })
  const skus = Array.from({ length: 5000 }, (_, n) => generatedSku(n))
  for (let n = 0; n < skus.length; n += 500) await ask(harness.client, '/stock/query', { skus: skus.slice(n, n + 500) })
  await harness.command({ do: 'report' })

  const outcomes: (Outcome & { at: number })[] = []
  const start = performance.now()
  const outage = { from: seconds / 2 - 15, to: seconds / 2 + 15 }
  let during: { calls: number; perSecond: readonly number[] } | undefined
  let before: { calls: number; refused: number; worst: number } | undefined
  const outageDone = (async () => {
    await sleep(outage.from * 1000)
    const report = await harness.command({ do: 'fault', fault: { reset: true } })
    before = { calls: report.calls, refused: report.refused, worst: report.worstReadsPerSecond }
    await sleep((outage.to - outage.from) * 1000)
    during = await harness.command({ do: 'heal' })
  })()
  await openLoop(200, seconds, async () => {
    const sku = skus[Math.floor(Math.random() * skus.length)] ?? ''
    const at = (performance.now() - start) / 1000
    // Mostly single reads, and some small batches.
    const outcome = await ask(
      harness.client,
      Math.random() < 0.95 ? stockPath(sku) : `/stock?sku=${encodeURIComponent(sku)}&sku=CUP`,
    )
    outcomes.push({ ...outcome, body: outcome.status === 200 ? '' : outcome.body, at })
  })
  await outageDone
  const after = await harness.command({ do: 'report' })

  const inOutage = outcomes.filter(({ at }) => at >= outage.from && at < outage.to)
  const outside = outcomes.filter(({ at }) => at < outage.from || at >= outage.to + 5)
  const recovering = outcomes.filter(({ at }) => at >= outage.to + 5)
  const good = (count(outside, 200) / outside.length) * 100
  const p99 = percentile(
    outside.map((outcome) => outcome.ms),
    0.99,
  )
  add('mixed load, 200/s over 5,000 SKUs: answered 200', `${good.toFixed(3)} %`, '≥ 99.9 %', good >= 99.9)
  add(
    '  p50, p99',
    `${ms(
      percentile(
        outside.map((o) => o.ms),
        0.5,
      ),
    )}, ${ms(p99)}`,
    'p99 < 50 ms',
    p99 < 50,
  )
  addRate((before?.refused ?? 0) + after.refused, after.worstReadsPerSecond)
  const others = outcomes.filter((outcome) => outcome.status !== 200)
  if (others.length > 0) {
    const examples = others
      .slice(0, 5)
      .map(({ status, at, body }) => `${status} at ${at.toFixed(0)} s ${body.slice(0, 120)}`)
    process.stdout.write(`not 200: ${others.length}, for example\n  ${examples.join('\n  ')}\n`)
  }
  const served = (count(inOutage, 200) / inOutage.length) * 100
  add(
    'upstream down for 30 s: cached SKUs answered',
    `${served.toFixed(3)} %, p99 ${ms(
      percentile(
        inOutage.map((o) => o.ms),
        0.99,
      ),
    )}`,
    '100 %',
    served === 100,
  )
  const late = during?.perSecond.slice(2) ?? []
  add(
    '  calls a second after the circuit opens',
    `at most ${Math.max(0, ...late)}, ${during?.calls ?? 0} in all`,
    '1',
    Math.max(0, ...late) <= 1,
  )
  const fresh = recovering.filter(
    ({ cacheStatus }) => cacheStatus.includes('hit') || cacheStatus.includes('fwd'),
  ).length
  add(
    '  answered from 5 s after it is back',
    `${((count(recovering, 200) / recovering.length) * 100).toFixed(3)} % of ${fresh}, ${after.calls} calls since`,
    '≥ 99.9 %',
    count(recovering, 200) / recovering.length >= 0.999 && after.calls > 0,
  )
  await harness.close()
}

async function flood(seconds: number): Promise<void> {
  const harness = await startHarness({ connections: 50 })
  await ask(harness.client, stockPath(harness.plainSku))
  // Enough requests for the process to reach its working size.
  await openLoop(500, 4, async () => void (await ask(harness.client, stockPath(harness.plainSku))))
  const startMb = await harness.residentMb()
  let peakMb = startMb
  const known: Outcome[] = []
  const load = { isOver: false }
  const watched = (async () => {
    for (; !load.isOver; await sleep(500)) peakMb = Math.max(peakMb, await harness.residentMb())
  })()
  const flooding = fork(fileURLToPath(new URL('./flood-process.js', import.meta.url)), [
    harness.origin,
    String(seconds),
  ])
  const reported = once(flooding, 'message')
  await openLoop(20, seconds, async () => void known.push(await ask(harness.client, stockPath(harness.plainSku))))
  const [{ statuses, refusedP99Ms }] = (await reported) as [FloodReport]
  load.isOver = true
  await watched
  const report = await harness.command({ do: 'report' })
  const p99 = percentile(
    known.map((outcome) => outcome.ms),
    0.99,
  )
  const counts = Object.entries(statuses).map(([status, many]) => `${many} × ${status}`)
  const grown = peakMb - startMb
  add(
    '100,000 unknown SKUs, 2,000/s: memory over start',
    `${grown.toFixed(0)} MB (${startMb.toFixed(0)} → ${peakMb.toFixed(0)})`,
    '≤ 100 MB',
    grown <= 100,
  )
  add(
    '  answers',
    `${counts.join(', ')}; refused within p99 ${ms(refusedP99Ms)}`,
    'refused immediately',
    !('0' in statuses) && !('500' in statuses),
  )
  add(
    '  a known SKU during the flood',
    `${count(known, 200)}/${known.length}, p99 ${ms(p99)}`,
    'p99 < 50 ms',
    p99 < 50 && count(known, 200) === known.length,
  )
  addRate(report.refused, report.worstReadsPerSecond)
  await harness.close()
}
