import { idOf, merchantOf } from '../records/fields.js'
import type { Product } from '../records/product.js'
import { sumAvailable, sumQuantities } from '../stock/group-stock.js'
import { selectProduct } from '../stock/selection.js'
import type { Quantities } from '../stock/stock.js'
import { LazyOrder, RecentOrders } from './lazy-order.js'
import type { StockIndex, StockIndexEntry } from './stock-index.js'
import type { StockPosition } from './stock-order.js'
import { takeAll } from './warehouse-order.js'

/** A connection of a group. */
export interface GroupMember {
  readonly connection: string
  readonly index: StockIndex
}

/** Some of the stock of a group. Without warehouses: all of them. */
export interface GroupSelection {
  readonly warehouseIds?: readonly string[] | undefined
  /** Only products of this merchant; default: all. */
  readonly warehouseCustomerId?: string | undefined
}

/** The position of a SKU in the order of a group. `productId` is its key: ids of products are those of one connection. */
export interface GroupPosition extends StockPosition {
  readonly sku: string
  /** The merchant, for a SKU that means something only with one; null for the products without one. */
  readonly merchant: string | null | undefined
}

/** What one connection has of a SKU. */
export type MemberStock =
  | MemberProduct
  | { readonly connection: string; readonly status: 'not_found' | 'ambiguous' | 'unavailable' }

/** The product that a SKU selects in a connection. */
export interface MemberProduct
  extends Pick<StockIndexEntry, 'productId' | 'name' | 'warehouseCustomerId' | 'available' | 'quantities'> {
  readonly connection: string
  readonly status: 'ok'
}

/** The stock of a SKU in a group. */
export interface GroupStockEntry extends GroupPosition {
  /** One for each connection, in the order of the group. */
  readonly members: readonly MemberStock[]
  /** The first of them that has the SKU. */
  readonly first: MemberProduct
  readonly quantities: Quantities
}

/**
 * The stock of every SKU in a group: the sums over the indexes of its connections, in the order of what is available. The
 * rule is that of the stock of a group: a connection counts if the SKU selects one of its products. A SKU that several
 * merchants share in one connection means something only with a merchant, so it has a sum for each of them.
 *
 * Nothing is kept until it is asked for. Then an order costs a few µs for each SKU and connection, and after that only what
 * the changes of stock cost.
 */
export class GroupStockIndex {
  readonly #orders = new RecentOrders<LazyOrder<GroupPosition>>()
  readonly #unwatch: readonly (() => void)[]

  /** @param members in the order of the group */
  constructor(private readonly members: readonly GroupMember[]) {
    const noteChange = (sku: string) => this.#orders.noteChange(sku)
    this.#unwatch = members.map(({ index }) => index.watch(noteChange))
  }

  /** How many products the connections have. */
  get size(): number {
    return this.members.reduce((sum, { index }) => sum + index.size, 0)
  }

  /** The order of the SKUs by the sum of what is available. The latest ones are kept, as far as there is room. */
  orderIn(selection: GroupSelection): LazyOrder<GroupPosition> {
    const warehouseIds = Array.from(new Set(selection.warehouseIds)).sort()
    const key = JSON.stringify([selection.warehouseCustomerId ?? null, ...warehouseIds])
    return this.#orders.get(
      key,
      this.size,
      () => new LazyOrder((sku) => this.#positionsOf(sku, { ...selection, warehouseIds }), this.#skus()),
    )
  }

  /** The stock at a position now; undefined if no connection has the SKU any more. */
  get(
    { sku, merchant }: Pick<GroupPosition, 'sku' | 'merchant'>,
    selection: GroupSelection,
  ): GroupStockEntry | undefined {
    const members = this.members.map((member) => stockOf(member, member.index.productsOf(sku), merchant, selection))
    const having = members.filter(hasStock)
    const [first] = having
    if (first === undefined) return undefined
    return {
      sku,
      merchant,
      productId: keyOf(sku, merchant),
      available: sumAvailable(having.map(({ available }) => available)),
      quantities: sumQuantities(having.map(({ quantities }) => quantities)),
      members,
      first,
    }
  }

  /** Ends the watch over the connections. */
  close(): void {
    for (const unwatch of this.#unwatch) unwatch()
  }

  *#skus(): Generator<string> {
    for (const { index } of this.members) yield* takeAll(index.orderOf().entries(), ({ sku }) => sku)
  }

  #positionsOf(sku: string, selection: GroupSelection): GroupPosition | readonly GroupPosition[] {
    const products = this.members.map(({ index }) => index.productsOf(sku))
    const positionOf = (merchant: string | null | undefined): GroupPosition | undefined => {
      const having = this.members
        .map((member, n) => stockOf(member, products[n] ?? [], merchant, selection))
        .filter(hasStock)
      if (having.length === 0) return undefined
      const available = sumAvailable(having.map((one) => one.available))
      return { available, productId: keyOf(sku, merchant), sku, merchant }
    }
    const { warehouseCustomerId } = selection
    if (warehouseCustomerId !== undefined) return positionOf(warehouseCustomerId) ?? []
    if (!products.some(haveSeveralMerchants)) return positionOf(undefined) ?? []
    const merchants = new Set(products.flat().map(merchantOf))
    return Array.from(merchants).flatMap((merchant) => positionOf(merchant) ?? [])
  }
}

const hasStock = (member: MemberStock): member is MemberProduct => member.status === 'ok'

function stockOf(
  { connection, index }: GroupMember,
  products: readonly Product[],
  merchant: string | null | undefined,
  { warehouseIds = [] }: GroupSelection,
): MemberStock {
  const candidates = merchant === undefined ? products : products.filter((one) => merchantOf(one) === merchant)
  const selection = selectProduct(candidates)
  if (selection.status !== 'ok') return { connection, status: selection.status }
  const productId = idOf(selection.product)
  const entry = index.get(productId)
  // A product whose stock could not be computed, or whose change is still to be.
  if (entry === undefined) return { connection, status: 'unavailable' }
  const { name, warehouseCustomerId } = entry
  const quantities = warehouseIds.length === 0 ? entry.quantities : index.quantitiesIn(productId, warehouseIds)
  if (quantities === undefined) return { connection, status: 'unavailable' }
  const available = Math.max(0, quantities.fulfillable)
  return { connection, status: 'ok', productId, name, warehouseCustomerId, available, quantities }
}

const haveSeveralMerchants = (products: readonly Product[]): boolean =>
  products.length > 1 && new Set(products.map(merchantOf)).size > 1

/** No text that is valid in UTF-8 has an unpaired surrogate, so no SKU is like a SKU with a merchant. */
const keyOf = (sku: string, merchant: string | null | undefined): string =>
  merchant === undefined ? sku : `${sku}\ud800${merchant ?? ''}`
