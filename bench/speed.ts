/**
 * What a request costs when nothing has changed, and how long the event loop is held when much has. Measures this checkout
 * and, if `BENCH_BASELINE` names the folder of another one that is built, that one too, in turns.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { generatedSku, generateProduct } from '../src/sandbox/generated-catalog.js'
import { sandboxWebhookSecret, signWebhook } from '../src/sandbox/sandbox.js'
import { startConstant } from './constant.js'
import { everythingOn, getRequest, key, stockPath } from './everything-on.js'
import { type Harness, type HarnessOptions, startHarness } from './harness.js'
import { ask, percentile, print, type Row } from './load.js'
import { type Loadgen, type Measurement, startLoadgen, type Target } from './loadgen.js'
import { webhookDelays } from './mirror.js'
import type { Kits } from './sandbox-process.js'

const baseline = process.env.BENCH_BASELINE
const rounds = 5
const roundSeconds = 3
const warmUp = 40_000
const authorization = { authorization: `Bearer ${key}` }

const rows: Row[] = []
const add = (name: string, measured: string, bound: string, ok: boolean | null) =>
  rows.push({ case: name, measured, bound, ok })
const median = (values: readonly number[]) => percentile(values, 0.5)
const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`
const perSecond = (measurements: readonly Measurement[]) => median(measurements.map((one) => one.perSecond))
const cpu = (measurements: readonly Measurement[]) => median(measurements.map((one) => one.cpuMicros))

/** @param only one of its parts */
export async function speed(only?: string): Promise<void> {
  const parts = { hot: throughput, many: manySkus, load: loadAndCompare, low: lowStock, basket, webhooks }
  for (const [name, part] of Object.entries(parts)) if (only === undefined || only === name) await part()
  print(`speed: ${baseline ? 'this checkout and the baseline, in turns' : 'this checkout'}`, rows)
  if (rows.some((row) => row.ok === false)) process.exitCode = 1
}

/** This checkout and the baseline, if there is one, with the same options. */
async function startSides(options: HarnessOptions): Promise<ReadonlyMap<string, Harness>> {
  const sides = new Map([['this', await startLive(options)]])
  if (baseline) sides.set('baseline', await startLive({ ...options, checkout: baseline }))
  return sides
}

/** A service that has mirrored the whole catalog and compared it once. */
async function startLive({ sandbox, service, ...options }: HarnessOptions): Promise<Harness> {
  const harness = await startHarness({
    sandbox: { SANDBOX_READ_RATE: '0', SANDBOX_LATENCY_MS: '0', ...sandbox },
    service: { ...everythingOn, TRACKSTAR_READ_RATE: '200', ...service },
    ...options,
  })
  await untilLive(harness)
  return harness
}

async function untilLive(harness: Harness): Promise<void> {
  for (;;) {
    const { connections } = JSON.parse((await ask(harness.client, '/status', undefined, authorization)).body)
    const [{ mirror }] = connections
    if (mirror.state === 'live' && !mirror.pages_left) return
    await sleep(200)
  }
}

const hotProducts = 20_000

async function throughput(): Promise<void> {
  const sides = await startSides({ sandbox: { SANDBOX_PRODUCTS: String(hotProducts) } })
  const loadgen = startLoadgen()
  const targets = new Map<string, Target>()
  const path = stockPath(generatedSku(0))
  const anyPath = Array.from({ length: hotProducts - 100 }, (_, n) => getRequest(stockPath(generatedSku(n))))
  let body = ''
  for (const [side, { client, origin, pid }] of sides) {
    const reply = await client.request({ path, method: 'GET', headers: authorization })
    body = await reply.body.text()
    const etag = String(reply.headers.etag)
    targets.set(`${side}: hot`, { origin, pid, request: getRequest(path) })
    targets.set(`${side}: random`, { origin, pid, request: anyPath })
    const request = getRequest(path, [`If-None-Match: ${etag}`])
    targets.set(`${side}: 304`, { origin, pid, request, expectedStatus: 304 })
  }
  const constant = await startConstant(body)
  targets.set('constant', constant.target)
  const results = await inTurns(loadgen, targets)
  const of = (name: string) => results.get(name) ?? []
  for (const [name, measurements] of results) {
    const failures = measurements.reduce((sum, one) => sum + one.failures, 0)
    add(
      name,
      `${perSecond(measurements).toFixed(0)} req/s, ${cpu(measurements).toFixed(1)} µs of CPU each`,
      'no failures',
      failures === 0,
    )
  }
  /** Of each round, so that a slow moment of the machine counts for both. */
  const ratio = (a: string, b: string) =>
    median(of(a).map((one, round) => one.perSecond / (of(b)[round]?.perSecond ?? 0)))
  for (const side of sides.keys()) {
    const bounds = side === 'this' ? { hot: 0.45, random: 0.85, unchanged: 1.1 } : undefined
    const addRatio = (name: string, a: string, b: string, bound: number | undefined) => {
      const measured = ratio(a, b)
      add(`${side}: ${name}`, measured.toFixed(2), bound ? `≥ ${bound}` : '', bound ? measured >= bound : null)
    }
    addRatio('one hot SKU against the constant route', `${side}: hot`, 'constant', bounds?.hot)
    addRatio(`any of ${hotProducts} SKUs against the hot one`, `${side}: random`, `${side}: hot`, bounds?.random)
    addRatio('304 against the same 200', `${side}: 304`, `${side}: hot`, bounds?.unchanged)
  }
  loadgen.close()
  constant.close()
  for (const harness of sides.values()) await harness.close()
}

async function inTurns(
  loadgen: Loadgen,
  targets: ReadonlyMap<string, Target>,
): Promise<ReadonlyMap<string, readonly Measurement[]>> {
  for (const target of targets.values()) await loadgen.run(target, { responses: warmUp })
  const results = new Map<string, Measurement[]>(Array.from(targets.keys(), (name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, target] of targets) {
      results.get(name)?.push(await loadgen.run(target, { seconds: roundSeconds }))
    }
  }
  return results
}

const kits: readonly Kits[] = [
  { prefix: 'FIVE', count: 1000, components: 5, itemsPerComponent: 1 },
  { prefix: 'TWENTY', count: 1000, components: 20, itemsPerComponent: 1 },
]

async function manySkus(): Promise<void> {
  const sides = await startSides({ sandbox: { SANDBOX_PRODUCTS: '5000', BENCH_KITS: JSON.stringify(kits) } })
  const queries = {
    plain: Array.from({ length: 1250 }, (_, n) => n)
      .filter((n) => n % 10 < 8)
      .map(generatedSku),
    FIVE: Array.from({ length: 1000 }, (_, n) => `FIVE-${n}`),
    TWENTY: Array.from({ length: 1000 }, (_, n) => `TWENTY-${n}`),
  }
  const taken = new Map<string, number>()
  // Reads whole responses without decoding them, so that only the service is measured.
  const loadgen = startLoadgen(1)
  for (const [name, skus] of Object.entries(queries)) {
    const request = queryRequest(skus)
    const times = new Map(Array.from(sides.keys(), (side) => [side, [] as number[]]))
    const firstHold = new Map<string, number>()
    for (const [side, harness] of sides) {
      await harness.loopDelay()
      await ask(harness.client, '/stock/query', { skus }, authorization)
      firstHold.set(side, (await harness.loopDelay()).maxMs)
    }
    // Until the code is compiled and the buffers of the connection have grown.
    for (const { origin, pid } of sides.values()) await loadgen.run({ origin, pid, request }, { responses: 100 })
    for (const harness of sides.values()) await harness.loopDelay()
    for (let round = 0; round < rounds; round++) {
      for (const [side, { origin, pid }] of sides) {
        times.get(side)?.push((await loadgen.run({ origin, pid, request }, { responses: 40 })).medianMs)
      }
    }
    for (const [side, harness] of sides) {
      const held = (await harness.loopDelay()).maxMs
      taken.set(`${side} ${name}`, median(times.get(side) ?? []))
      const bound = side === 'this' ? { plain: 10, FIVE: 12, TWENTY: undefined }[name] : undefined
      const measured = taken.get(`${side} ${name}`) ?? Number.NaN
      add(
        `${side}: POST /stock/query, 1,000 ${name === 'plain' ? 'plain SKUs' : `kits of ${name}`}`,
        `median ${ms(measured)}`,
        bound ? `≤ ${bound} ms` : '',
        bound ? measured <= bound : null,
      )
      const worst = Math.max(held, firstHold.get(side) ?? 0)
      const isBound = side === 'this' && name === 'TWENTY'
      add(
        '  longest the event loop is held',
        `${ms(held)}, ${ms(firstHold.get(side) ?? 0)} the first time`,
        isBound ? '≤ 10 ms' : '',
        isBound ? worst <= 10 : null,
      )
    }
  }
  if (sides.has('baseline')) {
    const ratio = (taken.get('baseline plain') ?? 0) / (taken.get('this plain') ?? 1)
    add('  1,000 plain SKUs, times faster than the baseline', ratio.toFixed(1), '≥ 6', ratio >= 6)
  }
  for (const [side, { client, origin, pid, ...harness }] of sides) {
    const request = queryRequest(queries.plain)
    const looping = loadgen.run({ origin, pid, request }, { seconds: 10 }, 'blocking')
    const times: number[] = []
    for (const end = performance.now() + 10_000; performance.now() < end; await sleep(5)) {
      times.push((await ask(client, stockPath(generatedSku(3000)), undefined, authorization)).ms)
    }
    const { perSecond: queriesPerSecond } = await looping
    const p99 = percentile(times, 0.99)
    add(
      `${side}: a single stock while 1,000 SKUs are queried in a loop`,
      `p99 ${ms(p99)}, beside ${queriesPerSecond.toFixed(0)} queries/s`,
      side === 'this' ? 'p99 ≤ 25 ms' : '',
      side === 'this' ? p99 <= 25 : null,
    )
    await harness.close()
  }
  loadgen.close()
}

function queryRequest(skus: readonly string[]): string {
  const body = JSON.stringify({ skus })
  const head = getRequest('/stock/query', ['Content-Type: application/json', `Content-Length: ${body.length}`])
  return head.replace('GET', 'POST').replace('gzip, deflate, br', 'identity') + body
}

const manyProducts = 100_000

/** 200,000 records: the first load, the comparison after it, and 50 webhooks a second, then every stock once. */
async function loadAndCompare(): Promise<void> {
  const harness = await startHarness({
    sandbox: { SANDBOX_PRODUCTS: String(manyProducts), SANDBOX_ITEMS_PER_PRODUCT: '1' },
    service: {
      ...everythingOn,
      TRACKSTAR_CONNECTION_ID: 'conn_sandbox',
      TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
    },
  })
  await harness.loopDelay()
  const load = { isOver: false }
  const sending = sendWebhooks(harness, load)
  await untilLive(harness)
  load.isOver = true
  await sending
  const { p99Ms, maxMs } = await harness.loopDelay()
  add(
    `event loop delay, ${manyProducts * 2} records: first load, comparison, 50 webhooks/s`,
    `p99 ${ms(p99Ms)}, max ${ms(maxMs)}`,
    'p99 ≤ 15 ms, max ≤ 60 ms',
    p99Ms <= 15 && maxMs <= 60,
  )
  let peakMb = 0
  for (let n = 0; n < manyProducts - 100; n += 1000) {
    const skus = Array.from({ length: 1000 }, (_, k) => generatedSku(n + k))
    await ask(harness.client, '/stock/query', { skus }, authorization)
    peakMb = Math.max(peakMb, await harness.residentMb())
  }
  await sleep(3000)
  peakMb = Math.max(peakMb, await harness.residentMb())
  add('  resident memory after every stock was read once', `at most ${peakMb.toFixed(0)} MB`, '≤ 600 MB', peakMb <= 600)
  await harness.close()
}

async function sendWebhooks(harness: Harness, load: { readonly isOver: boolean }): Promise<void> {
  for (let n = 0; !load.isOver; n++) {
    const [item] = generateProduct(1, (n % 8) + 10 * (n % 100), 1).inventory
    const quantities = { onhand: n, committed: 0, unfulfillable: 0, fulfillable: n }
    const trackstar_updated_date = new Date().toISOString()
    const data = { ...item, ...quantities, inventory_by_warehouse_id: null, trackstar_updated_date }
    const body = JSON.stringify({ connection_id: 'conn_sandbox', event_type: 'inventory.updated', data })
    const signature = signWebhook(sandboxWebhookSecret, `msg_speed_${n}`, Math.floor(Date.now() / 1000), body)
    const headers = { ...signature, 'content-type': 'application/json' }
    const reply = await harness.client.request({ path: '/webhooks/trackstar', method: 'POST', body, headers })
    await reply.body.dump()
    await sleep(20)
  }
}

async function lowStock(): Promise<void> {
  const harness = await startLive({
    sandbox: { SANDBOX_PRODUCTS: '200000', SANDBOX_ITEMS_PER_PRODUCT: '1' },
    service: { CACHE_MAX_MB: '1024' },
  })
  const times: number[] = []
  let token: string | null = null
  const page = async (query: string) => {
    const outcome = await ask(harness.client, `/stock/low?${query}`, undefined, authorization)
    times.push(outcome.ms)
    return JSON.parse(outcome.body) as { next_token: string | null }
  }
  for (let n = 0; n < 5; n++) await page('below=10')
  times.length = 0
  do ({ next_token: token } = await page(`below=10${token === null ? '' : `&page_token=${token}`}`))
  while (token !== null && times.length < 200)
  add(
    `/stock/low?below=10 over 200,000 products, ${times.length} pages`,
    `median ${ms(median(times))}, p99 ${ms(percentile(times, 0.99))}`,
    'any page ≤ 5 ms',
    percentile(times, 0.99) <= 5,
  )
  await searches(harness)
  await harness.close()
}

/** Whole SKUs, parts of them, names, texts of one letter, and texts that nothing has. */
async function searches(harness: Harness): Promise<void> {
  const texts = ['BLEND-1', 'BLEND-199999', '9999', 'assam', 'early as', 'b', 'a', '-0', 'no such text', 'é']
  const times = new Map(texts.map((text) => [text, [] as number[]]))
  for (let round = 0; round < 20; round++) {
    for (const text of texts) {
      const path = `/search?q=${encodeURIComponent(text)}`
      const { ms: taken } = await ask(harness.client, path, undefined, authorization)
      if (round > 0) times.get(text)?.push(taken)
    }
  }
  const medians = Array.from(times, ([text, taken]) => ({ text, taken: median(taken) }))
  const slowest = medians.reduce((a, b) => (b.taken > a.taken ? b : a))
  const all = Array.from(times.values()).flat()
  add(
    `/search over 200,000 products, ${texts.length} texts`,
    `median ${ms(median(all))}, p99 ${ms(percentile(all, 0.99))}; slowest ${JSON.stringify(slowest.text)}, median ${ms(slowest.taken)}`,
    'any text ≤ 5 ms',
    slowest.taken <= 5,
  )
}

async function basket(): Promise<void> {
  const wide: Kits = { prefix: 'WIDE', count: 200, components: 50, itemsPerComponent: 10 }
  const sides = await startSides({ sandbox: { SANDBOX_PRODUCTS: '200', BENCH_KITS: JSON.stringify([wide]) } })
  const lines = Array.from({ length: wide.count }, (_, n) => ({ sku: `WIDE-${n}`, quantity: 1 + (n % 7) }))
  for (const [side, harness] of sides) {
    await harness.loopDelay()
    const times: number[] = []
    for (let n = 0; n < 3; n++) times.push((await ask(harness.client, '/stock/check', { lines }, authorization)).ms)
    const { maxMs } = await harness.loopDelay()
    add(
      `${side}: a basket of 200 kits of 50 groups of 10 items`,
      `holds the event loop for ${ms(maxMs)} at most; answered in ${ms(median(times))}`,
      side === 'this' ? '≤ 100 ms at a time' : '',
      side === 'this' ? maxMs <= 100 : null,
    )
    await harness.close()
  }
}

async function webhooks(): Promise<void> {
  const harness = await startLive({
    // The delivered number is then the available one.
    sandbox: { SANDBOX_PRODUCTS: '20000', SANDBOX_ITEMS_PER_PRODUCT: '1' },
    service: {
      AUTH_MODE: 'none',
      TRACKSTAR_CONNECTION_ID: 'conn_sandbox',
      TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
    },
  })
  const { readable } = await webhookDelays(harness)
  const p99 = percentile(readable, 0.99)
  add('webhook accepted → readable, 1,000 event readers', `p99 ${ms(p99)}`, 'p99 ≤ 20 ms', p99 <= 20)
  await harness.close()
}
