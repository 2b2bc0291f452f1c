import type { Product } from '../records/product.js'

/** The one product that a SKU means, or why there is none. */
export type Selection =
  | { readonly status: 'ok'; readonly product: Product }
  | { readonly status: 'not_found' }
  | { readonly status: 'ambiguous'; readonly products: readonly Product[] }

/**
 * Which of the products that share a SKU is meant. A given merchant decides first. One merchant's product is never
 * taken for another's, and no merchant is a merchant of its own here; among several products of one merchant only
 * the one that is the only active one is taken. A product that does not say whether it is active is not.
 */
export function selectProduct(products: readonly Product[], warehouseCustomerId?: string): Selection {
  const ofMerchant =
    warehouseCustomerId === undefined
      ? products
      : products.filter((product) => product.warehouse_customer_id === warehouseCustomerId)
  const [first, ...others] = ofMerchant
  if (first === undefined) return { status: 'not_found' }
  if (others.length === 0) return { status: 'ok', product: first }
  if (others.every((other) => merchantOf(other) === merchantOf(first))) {
    const [active, ...moreActive] = ofMerchant.filter((product) => product.active === true)
    if (active !== undefined && moreActive.length === 0) return { status: 'ok', product: active }
  }
  return { status: 'ambiguous', products: ofMerchant }
}

const merchantOf = (product: Product) => product.warehouse_customer_id ?? null
