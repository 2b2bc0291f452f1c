/** The cost of mirroring 100,000 products with one item each, and how soon a change is visible. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { generatedSku } from '../src/sandbox/generated-catalog.js'
import { sandboxWebhookSecret, signWebhook } from '../src/sandbox/sandbox.js'
import { type Harness, startHarness } from './harness.js'
import { ask, type Outcome, openLoop, percentile, print, type Row } from './load.js'
import type { Arrival } from './readers-process.js'

const stockPath = (sku: string) => `/products/${encodeURIComponent(sku)}/stock`
const syncSeconds = 10
const readers = 1000
const deliveries = 200
const rows: Row[] = []
const add = (name: string, measured: string, bound: string, ok: boolean) =>
  rows.push({ case: name, measured, bound, ok })
const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`

interface MirrorStatus {
  readonly state: string
  readonly products: number
  readonly inventory: number
  readonly pages: number
}
interface Stock {
  readonly available: number
  readonly quantities: { readonly fulfillable: number }
  readonly components: readonly { readonly inventory_item_id: string }[]
}

const get = async <T>(harness: Harness, path: string) => JSON.parse((await ask(harness.client, path)).body) as T
const stockOf = (harness: Harness, sku: string) => get<Stock>(harness, stockPath(sku))
const itemOf = async (harness: Harness, sku: string) =>
  (await stockOf(harness, sku)).components[0]?.inventory_item_id ?? ''
const mirrorStatus = async (harness: Harness) =>
  (await get<{ connections: [{ mirror: MirrorStatus }] }>(harness, '/status')).connections[0].mirror
const p99Of = (outcomes: readonly Outcome[]) =>
  percentile(
    outcomes.map((outcome) => outcome.ms),
    0.99,
  )

/** @param products in the catalog, and as many items; the bounds are for 100,000 */
export async function mirror(products: number): Promise<void> {
  const harness = await startHarness({
    sandbox: { SANDBOX_PRODUCTS: String(products), SANDBOX_ITEMS_PER_PRODUCT: '1' },
    service: {
      CATALOG_MODE: 'mirror',
      SYNC_INTERVAL_SECONDS: String(syncSeconds),
      TRACKSTAR_CONNECTION_ID: 'conn_sandbox',
      TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
    },
  })
  await firstLoad(harness, products)
  await stockOfAny(harness, products)
  await webhooks(harness)
  await silentChange(harness)
  await harness.close()
  print(`mirror: ${products} products with one item each, sandbox at 10 reads a second and 100 ms latency`, rows)
  if (rows.some((row) => row.ok === false)) process.exitCode = 1
}

async function firstLoad(harness: Harness, products: number): Promise<void> {
  const start = performance.now()
  const idleMb = await harness.residentMb()
  const skus = Array.from({ length: 100 }, (_, n) => generatedSku(n))
  await ask(harness.client, '/stock/query', { skus })
  const outcomes: Outcome[] = []
  let peakMb = 0
  let status = await mirrorStatus(harness)
  while (status.state !== 'live' && performance.now() - start < 300_000) {
    await openLoop(50, 0.5, async (n) => void outcomes.push(await ask(harness.client, stockPath(skus[n % 100] ?? ''))))
    peakMb = Math.max(peakMb, await harness.residentMb())
    status = await mirrorStatus(harness)
  }
  const seconds = (performance.now() - start) / 1000
  const least = (Math.ceil(products / 1000) * 2) / 10
  const answered = outcomes.filter((outcome) => outcome.status === 200).length
  add(
    `first load, ${status.products} products and ${status.inventory} items`,
    `${seconds.toFixed(1)} s for ${status.pages} pages (at least ${least} s)`,
    `${(least * 1.15).toFixed(1)} s`,
    status.state === 'live' && seconds <= least * 1.15,
  )
  const p99 = p99Of(outcomes)
  const everyone = answered === outcomes.length
  add(
    '  callers during the load',
    `${answered}/${outcomes.length}, p99 ${ms(p99)}`,
    'p99 < 100 ms',
    p99 < 100 && everyone,
  )
  await sleep(3000)
  const loadedMb = await harness.residentMb()
  const each = ((loadedMb - idleMb) * 1024) / (products * 2)
  add(
    '  resident memory',
    `${loadedMb.toFixed(0)} MB, at most ${peakMb.toFixed(0)}; ${each.toFixed(2)} kB a record`,
    '600 MB',
    Math.max(loadedMb, peakMb) <= 600,
  )
}

async function stockOfAny(harness: Harness, products: number): Promise<void> {
  await harness.command({ do: 'report' })
  const outcomes: Outcome[] = []
  await openLoop(500, 10, async () => {
    const sku = generatedSku(Math.floor(Math.random() * (products - 100)))
    outcomes.push(await ask(harness.client, stockPath(Math.random() < 0.9 ? sku : `NO-SUCH-${sku}`)))
  })
  const report = await harness.command({ do: 'report' })
  const calls = report.recordCalls - report.changeCalls
  const measured = `${calls} calls, p99 ${ms(p99Of(outcomes))}`
  add(`stock of ${outcomes.length} SKUs, known and unknown`, measured, '0 calls', calls === 0)
}

/** How long deliveries take to be visible, in ms. */
export interface WebhookDelays {
  /** To a reader of the stock. */
  readonly readable: readonly number[]
  /** To each of 1,000 readers of events. */
  readonly seen: readonly number[]
}

/** Sends signed deliveries one after the other, each with another quantity, to a service without authentication. */
export async function webhookDelays(harness: Harness): Promise<WebhookDelays> {
  const sku = generatedSku(0)
  const itemId = await itemOf(harness, sku)
  const { data: item } = await get<{ data: Record<string, unknown> }>(harness, `/inventory/${itemId}`)
  const args = [harness.origin, String(readers), sku]
  const reading = fork(fileURLToPath(new URL('./readers-process.js', import.meta.url)), args)
  await once(reading, 'message')

  const accepted = new Map<number, number>()
  const readable: number[] = []
  for (let n = 0; n < deliveries; n++) {
    const available = 100_000 + n
    const quantities = { onhand: available, committed: 0, unfulfillable: 0, fulfillable: available }
    // Two changes in one second are in no order.
    const trackstar_updated_date = new Date(Date.now() + n * 1000).toISOString()
    const data = { ...item, ...quantities, inventory_by_warehouse_id: null, trackstar_updated_date }
    const body = JSON.stringify({ connection_id: 'conn_sandbox', event_type: 'inventory.updated', data })
    const signature = signWebhook(sandboxWebhookSecret, `msg_bench_${n}`, Math.floor(Date.now() / 1000), body)
    const headers = { ...signature, 'content-type': 'application/json' }
    const reply = await harness.client.request({ path: '/webhooks/trackstar', method: 'POST', body, headers })
    await reply.body.dump()
    const at = performance.now()
    accepted.set(available, performance.timeOrigin + at)
    let seen = Number.NaN
    while (seen !== available && performance.now() - at < 5000) seen = (await stockOf(harness, sku)).available
    readable.push(performance.now() - at)
    await sleep(25)
  }
  await sleep(500)
  reading.send('report')
  const [arrivals] = (await once(reading, 'message')) as [Arrival[]]
  reading.disconnect()
  const seen = arrivals.flatMap(({ available, at }) => at.map((time) => time - (accepted.get(available) ?? Number.NaN)))
  return { readable, seen }
}

async function webhooks(harness: Harness): Promise<void> {
  const { readable, seen } = await webhookDelays(harness)
  const p99 = percentile(readable, 0.99)
  add('webhook accepted → new stock readable', `p99 ${ms(p99)} of ${readable.length}`, 'p99 < 20 ms', p99 < 20)
  const seenP99 = percentile(seen, 0.99)
  const expected = deliveries * readers
  add(
    `  → seen by ${readers} readers of events`,
    `p99 ${ms(seenP99)}, ${seen.length} of ${expected} seen`,
    'p99 < 250 ms',
    seenP99 < 250 && seen.length === expected,
  )
}

async function silentChange(harness: Harness): Promise<void> {
  const sku = generatedSku(1)
  const itemId = await itemOf(harness, sku)
  const waits: number[] = []
  for (let n = 0; n < 5; n++) {
    const fulfillable = 200_000 + n
    const from = performance.now()
    await harness.command({ do: 'change', itemId, fulfillable })
    let seen = Number.NaN
    while (seen !== fulfillable && performance.now() - from < 60_000) {
      await sleep(50)
      seen = (await stockOf(harness, sku)).quantities.fulfillable
    }
    waits.push(performance.now() - from)
  }
  const worst = Math.max(...waits) / 1000
  add(
    'a change without webhook',
    `visible within ${worst.toFixed(1)} s`,
    `${syncSeconds + 2} s`,
    worst <= syncSeconds + 2,
  )
  await harness.command({ do: 'report' })
  await sleep(syncSeconds * 3 * 1000)
  const { calls } = await harness.command({ do: 'report' })
  add('  calls upstream an interval', `${(calls / 3).toFixed(1)}, over 3 intervals`, '2', calls <= 6)
}
