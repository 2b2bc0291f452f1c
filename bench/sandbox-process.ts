/** The sandbox in its own process, controlled over IPC, so that its stalls do not count as the service's. */
import { generatedSku } from '../src/sandbox/generated-catalog.js'
import { counts, needs, newItem, newProduct } from '../src/sandbox/new-records.js'
import { createSandboxServer, type Fault } from '../src/sandbox/sandbox.js'
import { severalConnections } from '../src/sandbox/several-connections.js'

export type Command =
  | { readonly do: 'change'; readonly itemId: string; readonly fulfillable: number }
  | { readonly do: 'report' }
  /** Of one connection, by its number from 0; default: the first. */
  | { readonly do: 'fault'; readonly fault: Fault; readonly connection?: number }
  /** All connections. */
  | { readonly do: 'heal' }
  | { readonly do: 'rekey'; readonly connection: number; readonly accessToken: string }

/** The calls of the first connection since the last report. */
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

/** Kits to add to the generated catalog: `count` of them, each with `components` component SKUs of some items each. */
export interface Kits {
  readonly prefix: string
  readonly count: number
  readonly components: number
  readonly itemsPerComponent: number
}

const named = severalConnections(Number(process.env.SANDBOX_CONNECTIONS ?? 1), {
  products: Number(process.env.SANDBOX_PRODUCTS ?? 6000),
  latencyMs: Number(process.env.SANDBOX_LATENCY_MS ?? 100),
  readRate: Number(process.env.SANDBOX_READ_RATE ?? 10),
  itemsPerProduct: process.env.SANDBOX_ITEMS_PER_PRODUCT === '1' ? 1 : 2,
})
const [first, ...others] = named
const server = createSandboxServer([first.options, ...others.map(({ options }) => options)])
const [sandbox] = server.connections
const kits = JSON.parse(process.env.BENCH_KITS ?? '[]') as readonly Kits[]
for (const { prefix, count, components, itemsPerComponent } of kits) {
  for (let n = 0; n < count; n++) {
    // Kits share components, as those of a real catalog do.
    const references = Array.from({ length: components }, (_, component) =>
      componentItems(prefix, (n + component * 7) % (components * 2), itemsPerComponent),
    )
    const kit = newProduct(`prod_${prefix}_${n}`, `${prefix}-${n}`, `Kit ${n}`, references.flat(), { is_kit: true })
    sandbox.data.products.set(kit.id, kit)
  }
}

function componentItems(prefix: string, component: number, count: number) {
  const sku = `${prefix}-COMPONENT-${component}`
  return Array.from({ length: count }, (_, n) => {
    const id = `inv_${prefix}_${component}_${n}`
    if (sandbox.data.inventory.get(id) === undefined) {
      sandbox.data.inventory.set(id, newItem(id, sku, sku, [['wh_oslo', counts(100 + component, 3)]]))
    }
    return needs(id, sku, 1 + (component % 3))
  })
}

const address = await server.listen()
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

function follow(command: Command): void {
  if (command.do === 'change') sandbox.change('inventory', command.itemId, { fulfillable: command.fulfillable })
  if (command.do === 'heal') for (const one of server.connections) one.clearFaults()
  if (command.do === 'fault') server.connections[command.connection ?? 0]?.fault('/*', command.fault)
  const rekeyed = command.do === 'rekey' ? server.connections[command.connection] : undefined
  if (rekeyed && command.do === 'rekey') rekeyed.credentials.accessToken = command.accessToken
}

process.on('message', (command: Command) => {
  follow(command)
  process.send?.(report())
})
process.on('disconnect', () => process.exit(0))
process.send?.(report())
