import { flagOf, merchantOf } from '../records/fields.js'
import type { Product } from '../records/product.js'

/** The product that a SKU means, or why there is none. */
export type Selection =
  | { readonly status: 'ok'; readonly product: Product }
  | { readonly status: 'not_found' }
  | { readonly status: 'ambiguous'; readonly products: readonly Product[] }

/**
 * Selects one of the products that share a SKU. `warehouseCustomerId`, if given, decides first. A product of one merchant is
 * never taken for another's; products without a merchant count as those of one merchant. Among several products of one
 * merchant, the only active one is selected; a product that does not say whether it is active is not active.
 */
export function selectProduct(products: readonly Product[], warehouseCustomerId?: string): Selection {
  const ofMerchant =
    warehouseCustomerId === undefined
      ? products
      : products.filter((product) => merchantOf(product) === warehouseCustomerId)
  const [first, ...others] = ofMerchant
  if (first === undefined) return { status: 'not_found' }
  if (others.length === 0) return { status: 'ok', product: first }
  if (others.every((other) => merchantOf(other) === merchantOf(first))) {
    const [active, ...moreActive] = ofMerchant.filter((product) => flagOf(product.active) === true)
    if (active !== undefined && moreActive.length === 0) return { status: 'ok', product: active }
  }
  return { status: 'ambiguous', products: ofMerchant }
}
