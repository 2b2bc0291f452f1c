import type { RecordCache } from '../cache/record-cache.js'
import type { RecordLoaders } from '../cache/record-loaders.js'
import type { TrackstarClient } from '../trackstar/client.js'
import type { Clock } from '../trackstar/clock.js'

export interface RecordRefreshOptions {
  readonly trackstar: Pick<TrackstarClient, 'list'>
  readonly items: RecordLoaders['items']
  readonly cache: RecordCache
  readonly clock: Clock
  readonly timeoutMs: number
  readonly onFailure: (name: string, error: unknown) => void
}

/** Creates the function that reads a record by its id in the background, after a delivery that does not settle it. */
export function createRecordRefresh(options: RecordRefreshOptions): (kind: 'product' | 'item', id: string) => void {
  const { trackstar, items, cache, clock, timeoutMs, onFailure } = options

  async function refreshItem(id: string, deadline: number): Promise<void> {
    const request = { priority: 'refresh', caller: 'webhook', deadline } as const
    const receivedAt = clock.elapsed()
    const { begunAt } = await items.load(id, request)
    // A read that was pending already may not show the change.
    if (begunAt < receivedAt) await items.load(id, request)
  }

  async function refreshProduct(id: string, deadline: number): Promise<void> {
    const permitRequest = { priority: 'refresh', caller: 'webhook', deadline: () => deadline } as const
    const begunAt = clock.elapsed()
    const { records } = await trackstar.list('products', { 'ids[in]': id }, { permitRequest, cause: 'refresh' })
    const times = { begunAt, readAt: clock.elapsed() }
    cache.storeAll('products', records, times)
    if (records.length === 0) cache.storeAbsence('product', id, times)
  }

  return (kind, id) => {
    const refresh = kind === 'item' ? refreshItem : refreshProduct
    refresh(id, clock.elapsed() + timeoutMs).catch((error: unknown) => onFailure('record of a webhook delivery', error))
  }
}
