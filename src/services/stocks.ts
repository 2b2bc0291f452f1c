import type { ReadContext } from '../cache/read-context.js'
import type { ReadResult } from '../cache/read-through.js'
import { type Candidate, isProblem, type Problem, problem } from '../errors.js'
import { flagOf, idOf, merchantOf, textOf } from '../records/fields.js'
import type { InventoryItem } from '../records/inventory-item.js'
import type { Product } from '../records/product.js'
import type { SyncState } from '../records/sync-state.js'
import type { Warehouse } from '../records/warehouse.js'
import { runToEnd, type Steps } from '../steps.js'
import { referencedItemIds } from '../stock/components.js'
import { composeStock } from '../stock/compose.js'
import { type Selection, selectProduct } from '../stock/selection.js'
import type { Stock } from '../stock/stock.js'
import { confirmAmbiguous } from './ambiguous-products.js'
import type { Catalog } from './catalog.js'
import { readInParts } from './read-in-parts.js'
import type { StockCache, StockSources } from './stock-cache.js'
import { sourceOf } from './stock-json.js'
import type { RunSteps } from './work-turns.js'

/** The part of the catalog that stocks are made of. */
export type StockRecords = Pick<
  Catalog,
  'connection' | 'productsBySku' | 'itemsById' | 'warehouses' | 'connectionState' | 'incomplete' | 'confirmProducts'
>

/** The options of a stock request. */
export interface StockOptions {
  readonly warehouseCustomerId?: string | undefined
  readonly warehouseIds?: readonly string[] | undefined
  readonly include?: { readonly lots?: boolean; readonly locations?: boolean } | undefined
  /** As in `composeStock`. */
  readonly toleratesUnknownWarehouses?: boolean | undefined
}

/** The outcome for one SKU. `readAt` is the epoch ms of its oldest record; `unavailable`: a record could not be read. */
export type StockOutcome =
  | { readonly status: 'ok'; readonly stock: Stock; readonly readAt: number }
  | { readonly status: 'not_found'; readonly readAt: number }
  | { readonly status: 'ambiguous'; readonly products: readonly Product[]; readonly readAt: number }
  | { readonly status: 'unavailable'; readonly error: Error }

/** The product of a SKU and the items that its stock needs. */
export interface ChosenProduct {
  readonly status: 'chosen'
  readonly product: Product
  readonly itemIds: readonly string[]
  /** When the product was read, and whether it is stale. */
  readonly read: ReadResult<unknown>
}

/**
 * The stock of many SKUs, each independent of the others. All products are read first, then all of their items, so a cold
 * batch takes one upstream call per hundred SKUs and one per hundred items.
 *
 * @param cache keeps composed stocks from one request to the next
 * @param run runs the parts that take long with many SKUs; default: without interruption
 */
export async function getStocks(
  records: StockRecords,
  skus: ReadonlySet<string>,
  options: StockOptions,
  context: ReadContext,
  { cache, run = async (steps) => runToEnd(steps) }: { readonly cache?: StockCache; readonly run?: RunSteps } = {},
): Promise<Map<string, StockOutcome>> {
  const read = await readInParts(records.productsBySku, skus, context, run)
  // Second, beside the items: after an outage one call is let through, and that one must not be spent on names.
  const warehousesRead = records.warehouses(context)
  const { warehouseCustomerId } = options
  const requests = Array.from(skus, (sku) => ({ sku, warehouseCustomerId }))
  const products = await confirmAmbiguous(records, read, requests, context)
  const { choices, itemIds } = await run(chooseProducts(skus, products, warehouseCustomerId))
  const items = await readInParts(records.itemsById, itemIds, context, run)
  const incomplete = records.incomplete(context)
  const join: JoinContext = {
    connectionName: records.connection,
    warehouseIds: options.warehouseIds,
    include: options.include,
    toleratesUnknownWarehouses: options.toleratesUnknownWarehouses,
    items,
    warehouses: await warehousesRead,
    connection: records.connectionState(context),
    incomplete,
    cache: isPlain(options) && incomplete.length === 0 ? cache : undefined,
  }
  return run(composeAll(choices, join))
}

function* chooseProducts(
  skus: ReadonlySet<string>,
  products: Awaited<ReturnType<StockRecords['productsBySku']>>,
  warehouseCustomerId: string | undefined,
): Steps<{ readonly choices: ReadonlyMap<string, Choice>; readonly itemIds: ReadonlySet<string> }> {
  const choices = new Map<string, Choice>()
  const itemIds = new Set<string>()
  for (const sku of skus) {
    if (choices.size > 0) yield
    const choice = chooseProduct(products.get(sku), warehouseCustomerId)
    choices.set(sku, choice)
    if (choice.status === 'chosen') for (const id of choice.itemIds) itemIds.add(id)
  }
  return { choices, itemIds }
}

function* composeAll(choices: ReadonlyMap<string, Choice>, join: JoinContext): Steps<Map<string, StockOutcome>> {
  const outcomes = new Map<string, StockOutcome>()
  for (const [sku, choice] of choices) {
    if (outcomes.size > 0) yield
    outcomes.set(sku, choice.status === 'chosen' ? composeChosen(sku, choice, join) : choice)
  }
  return outcomes
}

/** Whether the records alone determine the stock: no warehouses are selected, and no details included. */
export const isPlain = ({ warehouseIds, include }: StockOptions): boolean =>
  !warehouseIds?.length && !include?.lots && !include?.locations

type Choice = ChosenProduct | Exclude<StockOutcome, { status: 'ok' }>

/** Selects the product of a SKU, or says why there is no stock. */
export function chooseProduct(
  read: ReadResult<readonly Product[]> | Error | undefined,
  warehouseCustomerId: string | undefined,
): ChosenProduct | Exclude<StockOutcome, { status: 'ok' }> {
  if (read === undefined || read instanceof Error) return unavailable(read)
  const selection = selectProduct(read.value ?? [], warehouseCustomerId)
  if (selection.status !== 'ok') return { ...selection, readAt: read.readAt }
  const { product } = selection
  return { status: 'chosen', product, itemIds: referencedItemIds(product), read }
}

/** What the stocks of one request have in common. */
interface JoinContext extends StockOptions {
  readonly connectionName: string
  readonly items: ReadonlyMap<string, ReadResult<InventoryItem> | Error>
  readonly warehouses: ReadonlyMap<string, Warehouse>
  readonly connection: SyncState | undefined
  readonly incomplete: readonly string[]
  /** Undefined if the stocks depend on more than their {@link StockSources}. */
  readonly cache: StockCache | undefined
}

/** The stock of a chosen product; unavailable if one of its items is. */
function composeChosen(sku: string, { product, itemIds, read }: ChosenProduct, join: JoinContext): StockOutcome {
  let { readAt, stale } = read
  const items: (InventoryItem | undefined)[] = []
  for (const id of itemIds) {
    const item = join.items.get(id)
    if (item === undefined || item instanceof Error) return unavailable(item)
    items.push(item.value)
    readAt = Math.min(readAt, item.readAt)
    stale ||= item.stale
  }
  const { warehouses, connection } = join
  const sources = { product, items, warehouses, connection, readAt, stale }
  const compose = () => composeFrom(sku, itemIds, sources, join)
  return {
    status: 'ok',
    stock: join.cache?.get(`${join.connectionName} ${sku}`, sources, compose) ?? compose(),
    readAt,
  }
}

function composeFrom(sku: string, itemIds: readonly string[], sources: StockSources, join: JoinContext): Stock {
  const { product, warehouses, connection, readAt, stale } = sources
  const items = new Map<string, InventoryItem>()
  for (const [index, id] of itemIds.entries()) {
    const item = sources.items[index]
    if (item !== undefined) items.set(id, item)
  }
  return composeStock({
    connection: join.connectionName,
    sku,
    product,
    items,
    warehouses,
    warehouseIds: join.warehouseIds,
    include: join.include,
    toleratesUnknownWarehouses: join.toleratesUnknownWarehouses,
    syncIncomplete: join.incomplete,
    asOf: new Date(readAt).toISOString(),
    stale,
    source: sourceOf(connection),
  })
}

const unavailable = (
  error = new Error('the catalog returned no result for a key'),
): StockOutcome & { status: 'unavailable' } => ({
  status: 'unavailable',
  error,
})

type FailedOutcome = Exclude<Selection, { status: 'ok' }> | Extract<StockOutcome, { status: 'unavailable' }>

/** The error of a SKU that has no stock. Throws an unexpected error as it is. */
export function stockProblem(sku: string, outcome: FailedOutcome): Problem {
  if (outcome.status === 'not_found') {
    return problem('product_not_found', `Trackstar has no product with the SKU ${JSON.stringify(sku)}`)
  }
  if (outcome.status === 'ambiguous') {
    const candidates = outcome.products.map(toCandidate)
    return problem('sku_ambiguous', `${candidates.length} products share the SKU ${JSON.stringify(sku)}`, {
      candidates,
    })
  }
  if (isProblem(outcome.error)) return outcome.error
  throw outcome.error
}

const toCandidate = (product: Product): Candidate => ({
  product_id: idOf(product),
  name: textOf(product.name),
  warehouse_customer_id: merchantOf(product),
  active: flagOf(product.active),
})
