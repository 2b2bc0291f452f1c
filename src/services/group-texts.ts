import { LRUCache } from 'lru-cache'
import type { MemoryUser, SharedMemory } from '../cache/shared-memory.js'
import { type JsonPart, memoryOf } from './stock-json.js'

interface Entry {
  readonly sources: readonly unknown[]
  readonly part: JsonPart
}

/** What an entry takes besides its text, in bytes. */
const entryBytes = 400
const sourceBytes = 16

/**
 * The stocks of groups as text. A text is current as long as it would be made from the same sources, and each read compares
 * them. So nothing has to be invalidated. The least recently used are dropped first.
 */
export class GroupTexts {
  readonly #entries = new LRUCache<string, Entry>({
    // The memory bounds it.
    maxSize: Number.MAX_SAFE_INTEGER,
    sizeCalculation: ({ sources, part }) => entryBytes + sources.length * sourceBytes + memoryOf(part.text),
  })
  readonly #memoryUser: MemoryUser

  /** @param memory limits it, together with the stocks of the connections */
  constructor(private readonly memory: SharedMemory) {
    const entries = this.#entries
    this.#memoryUser = {
      isSpared: false,
      get bytes() {
        return entries.calculatedSize
      },
      evict: () => void entries.pop(),
    }
    memory.add(this.#memoryUser)
  }

  /**
   * The text that these sources give.
   * @param key what is asked for; two of the same key push each other out
   * @param sources everything that the text depends on, compared one by one (`===`)
   * @param make makes the text if it is not kept
   */
  get(key: string, sources: readonly unknown[], make: () => JsonPart): JsonPart {
    const known = this.#entries.get(key)
    if (known !== undefined && isSame(known.sources, sources)) return known.part
    const part = make()
    this.#entries.set(key, { sources, part })
    this.memory.makeRoom(this.#memoryUser)
    return part
  }
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}
