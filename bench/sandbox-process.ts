/** The sandbox in its own process, controlled over IPC, so that its stalls do not count as the service's. */
import { generatedSku } from '../src/sandbox/generated-catalog.js'
import { createSandbox, type Fault } from '../src/sandbox/sandbox.js'

export type Command =
  | { readonly do: 'change'; readonly itemId: string; readonly fulfillable: number }
  | { readonly do: 'report' }
  | { readonly do: 'fault'; readonly fault: Fault }
  | { readonly do: 'heal' }

/** The calls since the last report. */
export interface Report {
  readonly address: string
  readonly apiKey: string
  readonly accessToken: string
  readonly calls: number
  /** Without calls for warehouses and connection status. */
  readonly recordCalls: number
  /** Calls of a mirror that look for changes. */
  readonly changeCalls: number
  readonly refused: number
  readonly worstReadsPerSecond: number
  /** Calls in each second since the last report. */
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

process.on('message', (command: Command) => {
  if (command.do === 'fault') sandbox.fault('/*', command.fault)
  if (command.do === 'heal') sandbox.clearFaults()
  if (command.do === 'change') sandbox.change('inventory', command.itemId, { fulfillable: command.fulfillable })
  process.send?.(report())
})
process.on('disconnect', () => process.exit(0))
process.send?.(report())
