import type { Connection } from '../connection.js'
import type { Group } from '../connection-group.js'
import { problem } from '../errors.js'
import type { StockFeed } from '../events/stock-feed.js'
import type { MirrorStore } from '../mirror/mirror-store.js'
import type { Catalog } from '../services/catalog.js'
import { isGroup } from './chosen-connection.js'

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

/**
 * Makes sure that a connection, or every connection of a group, has its stock feed. Without one of them, the sum of a group
 * would be too low and its events incomplete.
 * @throws `requires_mirror` if one has no mirror, which waiting does not change; else `mirror_loading` if one is not ready
 */
export function requireFeeds(asked: Connection | Group): void {
  if (!isGroup(asked)) {
    requireMirror(asked.catalog)
    requireFeed(asked.feed)
    return
  }
  const mirrors = asked.members.map(({ name, catalog, feed }) => ({ name, mirrored: catalog.mirrored, feed }))
  const off = mirrors.find(({ mirrored }) => mirrored === undefined || mirrored.state === 'off')
  if (off) {
    throw problem(
      'requires_mirror',
      `This route needs the whole catalog of every connection of the group, but ${off.name} has no mirror`,
    )
  }
  const loading = mirrors.find(({ mirrored, feed }) => !mirrored?.isAuthoritative || !feed?.isLive)
  if (loading) {
    throw problem(
      'mirror_loading',
      `This route needs the whole catalog of every connection of the group, but that of ${loading.name} is not ready`,
      { retryAfter: 5 },
    )
  }
}
