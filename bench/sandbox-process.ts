/** The sandbox in a process of its own, told over IPC what to do: what it stalls must not be measured as the service's. */
import { generatedSku } from '../src/sandbox/generated-catalog.js'
import { createSandbox, type Fault } from '../src/sandbox/sandbox.js'

export type Order =
  | { readonly do: 'change'; readonly itemId: string; readonly fulfillable: number }
  | { readonly do: 'report' }
  | { readonly do: 'fault'; readonly fault: Fault }
  | { readonly do: 'heal' }

/** What has arrived since the last report. */
export interface Report {
  readonly address: string
  readonly apiKey: string
  readonly accessToken: string
  readonly calls: number
  /** Without the one-off list of warehouses, and what upstream says of itself. */
  readonly recordCalls: number
  /** Those of a mirror that looks for changes. */
  readonly changeCalls: number
  readonly refused: number
  readonly worstReadsPerSecond: number
  /** Calls in each second since the last report, and the most in any of them. */
  readonly perSecond: readonly number[]
  readonly plainSku: string
}

const sandbox = createSandbox({
  products: Number(process.env.SANDBOX_PRODUCTS ?? 6000),
  latencyMs: Number(process.env.SANDBOX_LATENCY_MS ?? 100),
  readRate: Number(process.env.SANDBOX_READ_RATE ?? 10),
  itemsPerProduct: process.env.SANDBOX_ITEMS_PER_PRODUCT === '1' ? 1 : 2,
})
const address = await sandbox.listen()
let from = 0

function report(): Report {
  const calls = sandbox.calls.slice(from)
  from = sandbox.calls.length
  const start = calls[0]?.at ?? 0
  const perSecond: number[] = []
  for (const { at } of calls) {
    const second = Math.floor((at - start) / 1000)
    perSecond[second] = (perSecond[second] ?? 0) + 1
  }
  return {
    address,
    apiKey: sandbox.credentials.apiKey,
    accessToken: sandbox.credentials.accessToken,
    calls: calls.length,
    recordCalls: calls.filter(({ path }) => path === '/wms/products' || path.startsWith('/wms/inventory')).length,
    changeCalls: calls.filter(({ query }) => query.has('trackstar_updated_date[gte]')).length,
    refused: calls.filter(({ status }) => status === 429).length,
    worstReadsPerSecond: sandbox.worstReadsPerSecond(),
    perSecond: Array.from(perSecond, (count) => count ?? 0),
    plainSku: generatedSku(0),
  }
}

process.on('message', (order: Order) => {
  if (order.do === 'fault') sandbox.fault('/*', order.fault)
  if (order.do === 'heal') sandbox.clearFaults()
  if (order.do === 'change') sandbox.change('inventory', order.itemId, { fulfillable: order.fulfillable })
  process.send?.(report())
})
process.on('disconnect', () => process.exit(0))
process.send?.(report())
