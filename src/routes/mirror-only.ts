import { problem } from '../errors.js'
import type { MirrorStore } from '../mirror/mirror-store.js'
import type { Catalog } from '../services/catalog.js'

/** The whole catalog, for what only it can answer. Throws `requires_mirror` without one and `mirror_loading` while it loads. */
export function wholeCatalog({ mirrored, state }: Pick<Catalog, 'mirrored' | 'state'>): MirrorStore {
  if (mirrored === undefined || state.mirror?.state === 'off') {
    throw problem('requires_mirror', 'This needs the whole catalog, and records are read here only when asked for')
  }
  if (!mirrored.isWhole) {
    throw problem('mirror_loading', 'The catalog is still being loaded from Trackstar', { retryAfter: 5 })
  }
  return mirrored
}
