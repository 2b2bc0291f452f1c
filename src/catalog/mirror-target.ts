import type { ListedPage } from '../trackstar/trackstar.js'

/** What the mirror follows, in the order in which it is read. Warehouses are few, and kept by a list of their own. */
export const followed = ['products', 'inventory'] as const
export type Followed = (typeof followed)[number]

/** `loading` and `off`: callers are served by read-through. `live`: what is held is the whole truth. */
export type MirrorState = 'loading' | 'live' | 'off'

/** What the mirror does with what it reads: its side of the holdings. */
export interface MirrorTarget {
  /** Takes a page in; `begunAt` in epoch ms. */
  take<R extends Followed>(resource: R, page: ListedPage<R>, begunAt: number): void
  /** The ids held of a resource that were there before `time` (epoch ms). */
  idsBefore(resource: Followed, time: number): string[]
  remove(resource: Followed, id: string): void
  count(resource: Followed): number
  /** Whether all that was taken in is still there: false once the bound on what is held has put something out. */
  readonly fits: boolean
  /** Everything held is confirmed as of `time` (epoch ms): nothing has changed upstream that is not known here. */
  confirm(time: number): void
  stateChanged(state: MirrorState): void
}
