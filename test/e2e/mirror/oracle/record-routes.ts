import type { LightMyRequestResponse } from 'fastify'
import { canonical, truthOf } from './answers.js'
import type { FakeUpstream } from './fake-upstream.js'
import { type Json, joinStock, keyOf } from './join.js'
import { skus } from './records.js'

/**
 * Compares the routes of single records with what upstream lists. Returns what differs; undefined if nothing does.
 * @param isMirror whether where-used is served
 */
export async function differenceOfRecords(
  upstream: FakeUpstream,
  get: (url: string) => Promise<LightMyRequestResponse>,
  isMirror: boolean,
): Promise<string | undefined> {
  const differences: string[] = []
  async function compare(url: string, expectedStatus: number, expected: unknown): Promise<void> {
    const reply = await get(url)
    const data = reply.statusCode === 200 ? reply.json().data : undefined
    if (reply.statusCode === expectedStatus && canonical(data) === canonical(expected)) return
    differences.push(`${url} is ${reply.statusCode} ${reply.body}, not ${expectedStatus} ${canonical(expected)}`)
  }
  for (const sku of skus) {
    const truth = truthOf(upstream, sku)
    const status = { ok: 200, not_found: 404, ambiguous: 409 }[truth.status]
    await compare(`/products/${encodeURIComponent(sku)}`, status, truth.status === 'ok' ? truth.product : undefined)
  }
  for (const id of upstream.histories.inventory.keys()) {
    const item = upstream.listed('inventory', id)
    const path = `/inventory/${encodeURIComponent(id)}`
    await compare(path, item ? 200 : 404, item)
    if (isMirror && item) await compare(`${path}/products`, 200, usersOf(upstream, id))
  }
  return differences.length === 0 ? undefined : differences.join('\n')
}

/** The products that refer to an item, as where-used lists them. */
function usersOf(upstream: FakeUpstream, itemId: string): Json[] {
  const users = [...upstream.records('products')].filter((product) => {
    const references = Array.isArray(product['inventory_items']) ? (product['inventory_items'] as (Json | null)[]) : []
    return references.some((reference) => keyOf(reference?.['inventory_item_id']) === itemId)
  })
  const uses = users.map((product) => {
    const { components, product: joined } = joinStock(product, (id) => upstream.listed('inventory', id))
    return {
      product_id: String(product['id']),
      sku: keyOf(product['sku']),
      name: product['name'],
      is_kit: joined['is_kit'],
      unit_quantity:
        components.find((component) => component['inventory_item_id'] === itemId)?.['unit_quantity'] ?? null,
      warehouse_customer_id: joined['warehouse_customer_id'],
    }
  })
  // Products without a SKU come last.
  const orderOf = ({ sku, product_id }: (typeof uses)[number]) => `${sku === null ? 1 : 0}${sku}\u0000${product_id}`
  return uses.toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
}

/** The most reads that upstream received within a second. */
export function mostReadsInOneSecond({ readsAt }: FakeUpstream): number {
  let most = 0
  let first = 0
  for (const [index, at] of readsAt.entries()) {
    while ((readsAt[first] ?? at) <= at - 1000) first++
    most = Math.max(most, index - first + 1)
  }
  return most
}
