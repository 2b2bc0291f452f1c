import type { ChangeRound } from './change-position.js'
import type { MirroredResource } from './mirror-store.js'

/** Up to where the leader of a connection has followed its catalog. Times in the clock's `elapsed` ms. */
export interface MirrorPosition {
  /** When all records were last confirmed to be current. */
  readonly confirmedAt: number
  /** The lists of which the latest comparison has read everything. */
  readonly compared: readonly MirroredResource[]
  /** The latest read of each list's changes. */
  readonly changes: Readonly<Partial<Record<MirroredResource, ChangeRound>>>
}

/** The copy of a catalog that replicas share, so that one of them reads it from upstream, and the others from here. */
export interface MirrorCopy {
  /** Takes over all records of the copy. Undefined if there is no complete one. Never rejects. */
  load(): Promise<MirrorPosition | undefined>
  /** Notes that the copy is complete up to a position; ignored if this process does not lead any more. */
  save(position: MirrorPosition): void
  /** Calls `listener` for each position that another process has saved, once its changes are known here. */
  follow(listener: (position: MirrorPosition) => void): void
}

/** The copy of a process that has no others beside it. */
export const noCopy: MirrorCopy = { load: async () => undefined, save() {}, follow() {} }
