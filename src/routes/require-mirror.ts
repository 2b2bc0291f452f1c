import { problem } from '../errors.js'
import type { StockFeed } from '../events/stock-feed.js'
import type { MirrorStore } from '../mirror/mirror-store.js'
import type { Catalog } from '../services/catalog.js'

/**
 * The mirrored catalog, for routes that only the whole catalog can answer.
 * @throws `requires_mirror` without a mirror, `mirror_loading` while it loads or has not been confirmed for too long
 */
export function requireMirror({ mirrored }: Pick<Catalog, 'mirrored'>): MirrorStore {
  if (mirrored === undefined || mirrored.state === 'off') {
    throw problem('requires_mirror', 'This route needs the whole catalog; set CATALOG_MODE=mirror')
  }
  if (!mirrored.isAuthoritative) {
    throw problem('mirror_loading', 'The catalog is still being loaded from Trackstar', { retryAfter: 5 })
  }
  return mirrored
}

/**
 * The stock feed, for routes that need the stock of every product.
 * @throws `mirror_loading` until its index is filled
 */
export function requireFeed(feed: StockFeed | undefined): StockFeed {
  if (!feed?.isLive) {
    throw problem('mirror_loading', 'The stock of the catalog is still being computed', { retryAfter: 1 })
  }
  return feed
}
