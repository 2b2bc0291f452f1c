import type { Group, GroupFeed } from '../connection-group.js'
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

/**
 * The stock feed of a group. Without that of one of its connections, sums would be too low and events incomplete.
 * @throws `requires_mirror` if one has no mirror, which waiting does not change; else `mirror_loading` if one is not ready
 */
export function requireGroupFeed({ members, feed }: Group): GroupFeed {
  const off = members.find(({ catalog: { mirrored } }) => mirrored === undefined || mirrored.state === 'off')
  if (off !== undefined || feed === undefined) {
    throw problem(
      'requires_mirror',
      `This route needs the whole catalog of every connection of the group, but ${off?.name} has no mirror`,
    )
  }
  const loading = members.find((member) => !member.catalog.mirrored?.isAuthoritative || !member.feed?.isLive)
  if (loading !== undefined) {
    throw problem(
      'mirror_loading',
      `This route needs the whole catalog of every connection of the group, but that of ${loading.name} is not ready`,
      { retryAfter: 5 },
    )
  }
  return feed
}
