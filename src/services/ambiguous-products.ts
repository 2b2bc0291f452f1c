import { LRUCache } from 'lru-cache'
import type { ReadContext } from '../cache/read-context.js'
import { completesWithin } from '../cache/read-through.js'
import { idOf } from '../records/fields.js'
import type { Product } from '../records/product.js'
import { selectProduct } from '../stock/selection.js'
import type { Clock } from '../trackstar/clock.js'
import type { Catalog } from './catalog.js'

/** A request waits no longer than this; a deleted product takes two reads, a second apart. */
const maxWaitMs = 3000
/** Most groups of products whose confirmation is remembered. */
const maxRemembered = 10_000

export interface AmbiguousProductsOptions {
  readonly clock: Clock
  /** After this, a confirmation is repeated in the background. */
  readonly ttlMs: number
  /** Whether the products come from a mirror. An answer to a lookup by SKU needs no confirmation. */
  readonly isMirrored: () => boolean
  /** Reads products by their ids, and resolves when they are known or removed. */
  readonly refreshAll: (ids: readonly string[]) => Promise<void>
}

/**
 * Confirms that the products that make a SKU ambiguous exist. Upstream announces no deletions: when a product is deleted
 * and created again with the same SKU, a mirror has both until the next comparison.
 */
export class AmbiguousProducts {
  /** When the products were last read, by their ids, in the clock's `elapsed` ms. */
  readonly #confirmedAt = new LRUCache<string, number>({ maxSize: maxRemembered, sizeCalculation: () => 1 })
  readonly #pending = new Map<string, Promise<void>>()

  constructor(private readonly options: AmbiguousProductsOptions) {}

  /**
   * Reads the products by their ids if that was never done, and waits for it. Repeats it in the background if it was done
   * too long ago. Returns whether it has waited, so that the SKU must be looked up again.
   */
  async confirm(products: readonly Product[], context: ReadContext): Promise<boolean> {
    const { clock, ttlMs, isMirrored } = this.options
    if (!isMirrored() || context.directives.onlyIfCached) return false
    const ids = products.map(idOf).toSorted()
    const name = JSON.stringify(ids)
    const confirmedAt = this.#confirmedAt.get(name)
    if (confirmedAt !== undefined && clock.elapsed() - confirmedAt < ttlMs) return false
    const read = this.#pending.get(name) ?? this.#read(name, ids)
    if (confirmedAt !== undefined) return false
    await completesWithin(read, Math.min(maxWaitMs, context.deadline - clock.elapsed()))
    // Also if it takes longer: not every request is to wait while upstream fails.
    this.#confirmedAt.set(name, clock.elapsed())
    return true
  }

  #read(name: string, ids: readonly string[]): Promise<void> {
    const read = this.#readAndConfirm(name, ids)
    this.#pending.set(name, read)
    return read
  }

  async #readAndConfirm(name: string, ids: readonly string[]): Promise<void> {
    const { clock, refreshAll } = this.options
    await refreshAll(ids)
    this.#pending.delete(name)
    this.#confirmedAt.set(name, clock.elapsed())
  }
}

type ProductReads = Awaited<ReturnType<Catalog['productsBySku']>>

/** The products of SKUs; those of a SKU that is ambiguous for a request have been confirmed. */
export async function confirmAmbiguous(
  catalog: Pick<Catalog, 'productsBySku' | 'confirmProducts'>,
  products: ProductReads,
  requests: Iterable<{ readonly sku: string; readonly warehouseCustomerId?: string | undefined }>,
  context: ReadContext,
): Promise<ProductReads> {
  const ambiguous = new Map<string, readonly Product[]>()
  for (const { sku, warehouseCustomerId } of requests) {
    const read = products.get(sku)
    if (read === undefined || read instanceof Error || read.value === undefined || read.value.length < 2) continue
    if (selectProduct(read.value, warehouseCustomerId).status === 'ambiguous') ambiguous.set(sku, read.value)
  }
  if (ambiguous.size === 0) return products
  const confirmed = await Promise.all(
    Array.from(ambiguous, async ([sku, candidates]) =>
      (await catalog.confirmProducts(candidates, context)) ? [sku] : [],
    ),
  )
  const skus = confirmed.flat()
  return skus.length === 0 ? products : new Map([...products, ...(await catalog.productsBySku(skus, context))])
}
