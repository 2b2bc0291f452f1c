import { setTimeout as sleep } from 'node:timers/promises'
import type { ChangeFollower, ChangeStream, RecordChange } from '../cache/change-stream.js'
import type { RecordKind } from '../cache/record-cache.js'
import type { Leadership } from '../mirror/leadership.js'
import type { MirrorCopy, MirrorPosition } from '../mirror/mirror-copy.js'
import { changeSecondOf } from '../records/dates.js'
import { parseExactKeys } from '../records/long-numbers.js'
import { leadershipKey } from './redis-leadership.js'
import { keyPrefix, type RedisLink, type RedisLog } from './redis-link.js'
import type { RedisStreamReader, StreamEntry } from './redis-stream-reader.js'

/** Changes that a replica may fall behind; further behind, it takes the whole copy again. */
const maxStreamLength = 20_000
/** Changes for one script: Redis does nothing else meanwhile. */
const maxBatch = 100
const mergeRetryMs = 1000
/** Records of the copy that are read at a time. */
const scanCount = 500

export interface RedisChangesOptions {
  readonly link: RedisLink
  readonly reader: RedisStreamReader
  /** Names the connection, in the keys. */
  readonly name: string
  readonly leadership: Leadership
  readonly log: RedisLog
}

/**
 * The records of a connection in Redis: a hash has the copy that is settled for all replicas, and a stream the changes of it.
 * A replica publishes what it learns, and a script decides whether it is newer. What it rejects is replaced here by what is
 * settled; what it takes reaches the others by the stream, in its order. So all replicas come to have the same.
 *
 * After Redis was gone, or has lost its data, each replica publishes everything that it has, and takes over what the others
 * have. The same happens if it has missed changes that the stream no longer has.
 */
export class RedisChanges implements ChangeStream, MirrorCopy {
  readonly #keys: readonly [records: string, stream: string, number: string]
  /** By field; the latest one of each record. */
  #waiting = new Map<string, RecordChange>()
  /**
   * How many own changes of each record are published, and have not come back by the stream: changes of others that come
   * before them are older.
   */
  readonly #unseen = new Map<string, number>()
  #isPublishing = false
  #follower: ChangeFollower | undefined
  #lastNumber: number | undefined
  #isMerging = false
  /** Whether everything that is settled has been taken over since Redis was last up. */
  #isMerged = false
  #onPosition: (position: MirrorPosition) => void = () => {}
  #isClosed = false
  readonly #onUp = () => void this.#merge('Redis is back')
  readonly #onReplaced = () => void this.#merge('Redis has lost its data')

  constructor(private readonly options: RedisChangesOptions) {
    const prefix = `${keyPrefix}data:${options.name}:`
    this.#keys = [`${prefix}records`, `${prefix}changes`, `${prefix}number`]
  }

  publish(change: RecordChange): void {
    // What is learned while Redis is down is published when it is back, with everything else.
    if (this.#isClosed || !this.options.link.isUp) return
    this.#waiting.set(fieldOf(change), change)
    if (!this.#isPublishing) {
      this.#isPublishing = true
      setImmediate(() => void this.#publishWaiting())
    }
  }

  /** The position is in the stream, behind the changes that it stands for. */
  follow(listener: (position: MirrorPosition) => void): void {
    this.#onPosition = listener
  }

  async load(): Promise<MirrorPosition | undefined> {
    const { link } = this.options
    try {
      await link.decided()
      const position = await link.run((redis) => redis.get(this.#positionKey))
      if (position === null) return undefined
      while (!this.#isMerged && link.isUp && !this.#isClosed) await sleep(5, undefined, { ref: false })
      return this.#isMerged ? this.#parse(position) : undefined
    } catch {
      return undefined
    }
  }

  save(position: MirrorPosition): void {
    this.#save(position).catch(() => {})
  }

  async #save({ confirmedAt, compared, changes }: MirrorPosition): Promise<void> {
    const { link, leadership, name } = this.options
    const term = leadership.term
    await this.#published()
    const time = (ms: number) => link.redisTimeAt(ms)
    const json = JSON.stringify({
      confirmedAt: time(confirmedAt),
      compared,
      changes: shifted(changes, time),
    })
    const [, stream, number] = this.#keys
    const args = [term, json, maxStreamLength, link.id]
    const isSaved = await link.run((redis) =>
      redis.savePosition(this.#positionKey, leadershipKey('term', name), stream, number, ...args),
    )
    if (isSaved === 1) return
    link.refusedWrites++
    this.options.log.warn({ term }, 'another replica leads, its position stays')
  }

  #parse(json: string): MirrorPosition {
    const { confirmedAt, compared, changes } = JSON.parse(json) as MirrorPosition
    const time = (ms: number) => this.options.link.elapsedAt(ms)
    return { confirmedAt: time(confirmedAt), compared, changes: shifted(changes, time) }
  }

  get #positionKey(): string {
    return `${keyPrefix}data:${this.options.name}:position`
  }

  connect(follower: ChangeFollower): void {
    const { link, reader } = this.options
    this.#follower = follower
    reader.add(this.#keys[1], (entry) => this.#receive(entry))
    link.on('up', this.#onUp)
    link.on('replaced', this.#onReplaced)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const { link, reader } = this.options
    reader.remove(this.#keys[1])
    link.off('up', this.#onUp)
    link.off('replaced', this.#onReplaced)
    this.#waiting.clear()
  }

  /** Publishes until nothing waits. Never rejects. */
  async #publishWaiting(): Promise<void> {
    this.#isPublishing = true
    try {
      while (this.#waiting.size > 0 && !this.#isClosed) await this.#publishBatch()
    } catch {
      // Everything is published when Redis is back.
      this.#waiting.clear()
      this.#unseen.clear()
    }
    this.#isPublishing = false
  }

  async #publishBatch(): Promise<void> {
    const { link } = this.options
    const batch = Array.from(this.#waiting).slice(0, maxBatch)
    for (const [field] of batch) this.#waiting.delete(field)
    for (const [field] of batch) this.#unseen.set(field, (this.#unseen.get(field) ?? 0) + 1)
    const args = batch.flatMap(([field, { record, times }]) => [
      field,
      toRedis(link, times.begunAt),
      toRedis(link, times.readAt),
      (record && changeSecondOf(record)) ?? '',
      record === undefined ? '' : JSON.stringify(record),
    ])
    const results = await link.run((redis) => redis.publishChanges(...this.#keys, link.id, maxStreamLength, ...args))
    for (const [index, [field]] of batch.entries()) {
      const settled = results[index] ?? ''
      if (settled === '') continue
      this.#see(field)
      // Something newer was learned here meanwhile, and is published next.
      if (settled === '=' || this.#waiting.has(field)) continue
      const isUndecided = settled.startsWith('?')
      this.#adoptCopy(field, isUndecided ? settled.slice(1) : settled)
      const [kind, id] = partsOf(field)
      if (isUndecided) this.#follower?.undecided(kind, id)
    }
  }

  #see(field: string): void {
    const left = (this.#unseen.get(field) ?? 0) - 1
    if (left > 0) this.#unseen.set(field, left)
    else this.#unseen.delete(field)
  }

  #receive({ fields }: StreamEntry): void {
    const { n, o: origin, f: field = '', b: begun, r: read, v: json = '' } = fields
    const number = Number(n)
    const isGap = this.#lastNumber !== undefined && number !== this.#lastNumber + 1
    this.#lastNumber = number
    if (isGap) {
      this.#unseen.clear()
      void this.#merge('changes were missed')
    }
    if (field === 'position') {
      if (origin !== this.options.link.id) this.#onPosition(this.#parse(json))
    } else if (origin === this.options.link.id) this.#see(field)
    else if (!this.#isOwn(field)) this.#adopt(field, json, Number(begun), Number(read))
  }

  /** Whether a change of this record by this replica is still to come. */
  #isOwn(field: string): boolean {
    return this.#waiting.has(field) || this.#unseen.has(field)
  }

  #adoptCopy(field: string, copy: string): void {
    const [, read = '', start = ''] = /^([^|]*)\|([^|]*\|)/.exec(copy) ?? []
    this.#adopt(field, copy.slice(read.length + 1 + start.length), Number(read), Number(read))
  }

  #adopt(field: string, json: string, begunMs: number, readMs: number): void {
    const { link, log } = this.options
    const [kind, id] = partsOf(field)
    try {
      const record = json === '' ? undefined : (parseExactKeys(json) as RecordChange['record'])
      const times = { begunAt: link.elapsedAt(begunMs), readAt: link.elapsedAt(readMs) }
      this.#follower?.adopt({ kind, id, record, times })
    } catch (error) {
      log.warn({ err: error, field }, 'could not take over a record of another replica')
    }
  }

  /** Publishes everything that this replica has, then takes over what is settled. */
  async #merge(reason: string): Promise<void> {
    if (this.#isMerging || this.#isClosed) return
    this.#isMerging = true
    this.#isMerged = false
    this.#unseen.clear()
    const { link, log, reader } = this.options
    try {
      while (!reader.follows(this.#keys[1])) await sleep(5, undefined, { ref: false })
      let count = 0
      for (const change of this.#follower?.all() ?? []) {
        this.publish(change)
        // The event loop goes round meanwhile.
        if (++count % maxBatch === 0) await this.#published()
      }
      await this.#published()
      const adopted = await this.#takeCopy()
      this.#isMerged = true
      if (count + adopted > 0) log.info({ reason, published: count, adopted }, 'merged records with other replicas')
    } catch (error) {
      if (link.isUp) {
        log.warn({ err: error, reason }, 'could not merge records with other replicas')
        setTimeout(() => void this.#merge(reason), mergeRetryMs).unref()
      }
    }
    this.#isMerging = false
  }

  async #published(): Promise<void> {
    while (this.#isPublishing) await sleep(1, undefined, { ref: false })
  }

  /** Takes over the whole copy. Returns how many records it has. */
  async #takeCopy(): Promise<number> {
    const { link } = this.options
    let count = 0
    let cursor = '0'
    do {
      const at = cursor
      const [next, found] = await link.run((redis) => redis.hscan(this.#keys[0], at, 'COUNT', scanCount))
      for (let index = 0; index < found.length; index += 2) {
        const [field = '', copy = ''] = [found[index], found[index + 1]]
        if (!this.#isOwn(field)) this.#adoptCopy(field, copy)
        count++
      }
      cursor = next
    } while (cursor !== '0' && !this.#isClosed)
    return count
  }
}

/** The rounds, with other times. */
const shifted = (changes: MirrorPosition['changes'], time: (ms: number) => number): MirrorPosition['changes'] =>
  Object.fromEntries(
    Object.entries(changes).map(([resource, round]) => [
      resource,
      { ...round, begunAt: time(round.begunAt), endedAt: time(round.endedAt) },
    ]),
  )

const fieldOf = ({ kind, id }: RecordChange) => `${kind}:${id}`

function partsOf(field: string): [kind: RecordKind, id: string] {
  const colon = field.indexOf(':')
  return [field.slice(0, colon) as RecordKind, field.slice(colon + 1)]
}

/** A delivery does not say when its read began: before every other. */
const toRedis = (link: RedisLink, elapsedMs: number) =>
  Number.isFinite(elapsedMs) ? link.redisTimeAt(elapsedMs).toFixed(3) : '-1'
