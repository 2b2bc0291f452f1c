/** What a mirrored catalog of 100,000 products and as many items takes, and how soon a change is seen. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { generatedSku } from '../src/sandbox/generated-catalog.js'
import { sandboxWebhookSecret, signWebhook } from '../src/sandbox/sandbox.js'
import { type Stage, setStage } from './harness.js'
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

const get = async <T>(stage: Stage, path: string) => JSON.parse((await ask(stage.client, path)).body) as T
const stockOf = (stage: Stage, sku: string) => get<Stock>(stage, stockPath(sku))
const itemOf = async (stage: Stage, sku: string) => (await stockOf(stage, sku)).components[0]?.inventory_item_id ?? ''
const mirrorStatus = async (stage: Stage) =>
  (await get<{ connections: [{ mirror: MirrorStatus }] }>(stage, '/status')).connections[0].mirror
const p99Of = (outcomes: readonly Outcome[]) =>
  percentile(
    outcomes.map((outcome) => outcome.ms),
    0.99,
  )

/** @param products in the catalog, and as many items; the bounds are for 100,000 */
export async function mirror(products: number): Promise<void> {
  const stage = await setStage({
    sandbox: { SANDBOX_PRODUCTS: String(products), SANDBOX_ITEMS_PER_PRODUCT: '1' },
    service: {
      CATALOG_MODE: 'mirror',
      SYNC_INTERVAL_SECONDS: String(syncSeconds),
      TRACKSTAR_CONNECTION_ID: 'conn_sandbox',
      TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
    },
  })
  await firstLoad(stage, products)
  await stockOfAny(stage, products)
  await webhooks(stage)
  await silentChange(stage)
  await stage.close()
  print(`mirror: ${products} products and as many items, sandbox at 10 reads a second and 100 ms latency`, rows)
  if (rows.some((row) => row.ok === false)) process.exitCode = 1
}

async function firstLoad(stage: Stage, products: number): Promise<void> {
  const start = performance.now()
  const idleMb = await stage.residentMb()
  const skus = Array.from({ length: 100 }, (_, n) => generatedSku(n))
  await ask(stage.client, '/stock/query', { skus })
  const outcomes: Outcome[] = []
  let peakMb = 0
  let status = await mirrorStatus(stage)
  while (status.state !== 'live' && performance.now() - start < 300_000) {
    await openLoop(50, 0.5, async (n) => void outcomes.push(await ask(stage.client, stockPath(skus[n % 100] ?? ''))))
    peakMb = Math.max(peakMb, await stage.residentMb())
    status = await mirrorStatus(stage)
  }
  const seconds = (performance.now() - start) / 1000
  const least = (Math.ceil(products / 1000) * 2) / 10
  const answered = outcomes.filter((outcome) => outcome.status === 200).length
  add(
    `first load, ${status.products} products and ${status.inventory} items`,
    `${seconds.toFixed(1)} s for ${status.pages} pages (at best ${least} s)`,
    `${(least * 1.15).toFixed(1)} s`,
    status.state === 'live' && seconds <= least * 1.15,
  )
  const p99 = p99Of(outcomes)
  const everyone = answered === outcomes.length
  add('  callers meanwhile', `${answered}/${outcomes.length}, p99 ${ms(p99)}`, 'p99 < 100 ms', p99 < 100 && everyone)
  await sleep(3000)
  const heldMb = await stage.residentMb()
  const each = ((heldMb - idleMb) * 1024) / (products * 2)
  add(
    '  resident memory',
    `${heldMb.toFixed(0)} MB, at most ${peakMb.toFixed(0)}; ${each.toFixed(2)} kB a record`,
    '600 MB',
    Math.max(heldMb, peakMb) <= 600,
  )
}

async function stockOfAny(stage: Stage, products: number): Promise<void> {
  await stage.order({ do: 'report' })
  const outcomes: Outcome[] = []
  await openLoop(500, 10, async () => {
    const sku = generatedSku(Math.floor(Math.random() * (products - 100)))
    outcomes.push(await ask(stage.client, stockPath(Math.random() < 0.9 ? sku : `NO-SUCH-${sku}`)))
  })
  const report = await stage.order({ do: 'report' })
  const others = report.recordCalls - report.changeCalls
  const measured = `${others} calls, p99 ${ms(p99Of(outcomes))}`
  add(`stock of ${outcomes.length} SKUs, known and unknown`, measured, '0 calls', others === 0)
}

/** Signed deliveries, one after the other, each with a quantity of its own. */
async function webhooks(stage: Stage): Promise<void> {
  const sku = generatedSku(0)
  const itemId = await itemOf(stage, sku)
  const { data: item } = await get<{ data: Record<string, unknown> }>(stage, `/inventory/${itemId}`)
  const args = [stage.origin, String(readers), sku]
  const reading = fork(fileURLToPath(new URL('./readers-process.js', import.meta.url)), args)
  await once(reading, 'message')

  const accepted = new Map<number, number>()
  const readable: number[] = []
  for (let n = 0; n < deliveries; n++) {
    const available = 100_000 + n
    const quantities = { onhand: available, committed: 0, unfulfillable: 0, fulfillable: available }
    const trackstar_updated_date = new Date(Date.now() + n * 1000).toISOString()
    const data = { ...item, ...quantities, inventory_by_warehouse_id: null, trackstar_updated_date }
    const body = JSON.stringify({ connection_id: 'conn_sandbox', event_type: 'inventory.updated', data })
    const signature = signWebhook(sandboxWebhookSecret, `msg_bench_${n}`, Math.floor(Date.now() / 1000), body)
    const headers = { ...signature, 'content-type': 'application/json' }
    const reply = await stage.client.request({ path: '/webhooks/trackstar', method: 'POST', body, headers })
    await reply.body.dump()
    const at = performance.now()
    accepted.set(available, performance.timeOrigin + at)
    let seen = Number.NaN
    while (seen !== available && performance.now() - at < 5000) seen = (await stockOf(stage, sku)).available
    readable.push(performance.now() - at)
    await sleep(25)
  }
  await sleep(500)
  reading.send('report')
  const [arrivals] = (await once(reading, 'message')) as [Arrival[]]
  reading.disconnect()
  const delays = arrivals.flatMap(({ available, at }) =>
    at.map((time) => time - (accepted.get(available) ?? Number.NaN)),
  )
  const p99 = percentile(readable, 0.99)
  add('webhook accepted → new stock readable', `p99 ${ms(p99)} of ${readable.length}`, 'p99 < 20 ms', p99 < 20)
  const seenP99 = percentile(delays, 0.99)
  const expected = deliveries * readers
  add(
    `  → seen by ${readers} readers of events`,
    `p99 ${ms(seenP99)}, ${delays.length} of ${expected} seen`,
    'p99 < 250 ms',
    seenP99 < 250 && delays.length === expected,
  )
}

async function silentChange(stage: Stage): Promise<void> {
  const sku = generatedSku(1)
  const itemId = await itemOf(stage, sku)
  const waits: number[] = []
  for (let n = 0; n < 5; n++) {
    const fulfillable = 200_000 + n
    const from = performance.now()
    await stage.order({ do: 'change', itemId, fulfillable })
    let seen = Number.NaN
    while (seen !== fulfillable && performance.now() - from < 60_000) {
      await sleep(50)
      seen = (await stockOf(stage, sku)).quantities.fulfillable
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
  await stage.order({ do: 'report' })
  await sleep(syncSeconds * 3 * 1000)
  const { calls } = await stage.order({ do: 'report' })
  add('  calls upstream an interval', `${(calls / 3).toFixed(1)}, over 3 intervals`, '2', calls <= 6)
}
