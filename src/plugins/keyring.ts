import { hash, timingSafeEqual } from 'node:crypto'
import type { ApiKey, Scope } from '../variable-formats.js'

/** Who asks, and what he may do. */
export interface Caller {
  readonly name: string
  readonly scopes: readonly Scope[]
}

/** The keys that are let in. They are held, and compared, as hashes: of the same length whatever a caller sends. */
export class KeyStore {
  readonly #entries: readonly { readonly digest: Buffer; readonly caller: Caller }[]

  constructor(keys: readonly ApiKey[]) {
    this.#entries = keys.map(({ name, sha256, scopes }) => ({
      digest: Buffer.from(sha256, 'hex'),
      caller: { name, scopes },
    }))
  }

  /** Whose `key` it is; undefined where it is nobody's. Takes as long whichever it is, and if it is none. */
  find(key: string): Caller | undefined {
    // By way of hex: what crypto makes a buffer of its own for takes twice as long, and the collector must free it.
    const digest = Buffer.from(hash('sha256', key, 'hex'), 'hex')
    let found: Caller | undefined
    for (const entry of this.#entries) if (timingSafeEqual(entry.digest, digest)) found = entry.caller
    return found
  }
}
