/** A resource that stock depends on, by its name in upstream's paths. */
export type SyncedResource = 'products' | 'inventory' | 'warehouses'

/** Names of what stock does not depend on, although some of them have the name of a resource within. */
const others =
  /order|return|shipment|ledger|bill|freight|supplier|carrier|shipping|warehouse[-_ ]?customer|location|adjust|^\s*(?:put|post|patch|delete|create|update)(?:_|\b)/

const resources: readonly (readonly [pattern: RegExp, resource: SyncedResource])[] = [
  [/inventory/, 'inventory'],
  [/product/, 'products'],
  [/warehouse/, 'warehouses'],
]

/**
 * The resource that an upstream function, endpoint or resource is about: `get_inventory`, `/wms/inventory`, `inventory`.
 * `other` if stock does not depend on it, or reading it is not meant; undefined if the name is missing or tells nothing.
 */
export function resourceNamed(value: unknown): SyncedResource | 'other' | undefined {
  if (typeof value !== 'string') return undefined
  const name = value.replaceAll(/\{[^{}]*\}/g, '').toLowerCase()
  if (others.test(name)) return 'other'
  return resources.find(([pattern]) => pattern.test(name))?.[1]
}
