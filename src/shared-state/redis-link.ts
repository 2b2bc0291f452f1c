import { EventEmitter } from 'node:events'
import { Redis } from 'ioredis'
import type { Clock } from '../trackstar/clock.js'
import { defineScripts, type ScriptedRedis } from './redis-scripts.js'

/** The schema of everything in Redis. A replica of another version uses other keys. */
const schemaVersion = 1
/** One hash slot for all keys, so that scripts work in a cluster as well. */
export const keyPrefix = `{trackstar-bff:${schemaVersion}}:`

/** How often a replica says that it is there. */
const heartbeatMs = 500
/** A command that takes longer has failed: callers wait for it. */
const commandTimeoutMs = 1000
/** Waits between attempts to connect grow up to this. */
const maxReconnectMs = 2000
/** A replica that was alone uses the rate of all only after its own calls are a second old. */
export const joinAfterMs = 1200
/** How long the start waits for the first answer before it goes on without Redis. */
export const firstAnswerMs = 500

/** Commands fail at once while there is no connection, and are never repeated. */
const redisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  connectTimeout: 2000,
  enableReadyCheck: true,
  retryStrategy: (attempt: number) => Math.random() * Math.min(maxReconnectMs, 100 * 2 ** Math.min(attempt, 8)) + 20,
}

export interface RedisLinkOptions {
  readonly url: string
  /** The id of this replica. */
  readonly id: string
  readonly clock: Clock
  readonly log: RedisLog
}

export interface RedisLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

interface LinkEvents {
  /** Redis answers again, or for the first time. */
  up: []
  /** Redis does not answer any more. */
  down: []
  /** Redis has lost what replicas wrote: it is empty, of an older snapshot, or another one. */
  replaced: []
  /** What a replica has announced. */
  notice: [notice: readonly unknown[]]
}

/**
 * The connections of this process to Redis, one for commands and one for announcements of other replicas. Nothing waits
 * for Redis to come back: while it is down, commands fail at once. It is up from the first answer to a heartbeat.
 */
export class RedisLink extends EventEmitter<LinkEvents> {
  readonly #commands: ScriptedRedis
  readonly #notices: Redis
  readonly #blocking: Redis[] = []
  #timer: NodeJS.Timeout | undefined
  #isUp = false
  #isClosed = false
  #isDecided = false
  #replicas = 1
  #epoch: string | undefined
  #beat = 0
  #aheadMs = 0
  #roundTrips = 0
  /** Writes that were refused because another replica leads. */
  refusedWrites = 0
  /** From then on, this replica has no calls of its own in the last second. */
  #joinsAt = Number.NEGATIVE_INFINITY
  readonly #firstDecision: Promise<void>
  #decide: () => void = () => {}

  constructor(private readonly options: RedisLinkOptions) {
    super()
    this.setMaxListeners(0)
    this.#firstDecision = new Promise((resolve) => {
      this.#decide = () => {
        this.#isDecided = true
        resolve()
      }
    })
    this.#commands = defineScripts(
      new Redis(options.url, {
        ...redisOptions,
        commandTimeout: commandTimeoutMs,
        connectionName: `trackstar-bff ${options.id}`,
      }),
    )
    this.#notices = new Redis(options.url, { ...redisOptions, autoResubscribe: true })
    for (const client of [this.#commands, this.#notices]) client.on('error', (error) => this.#failed(error))
    this.#commands.on('ready', () => void this.#heartbeat())
    this.#commands.on('close', () => this.#setDown())
    this.#notices.on('ready', () => {
      this.#notices.subscribe(`${keyPrefix}notices`).catch(() => {})
    })
    this.#notices.on('message', (_channel, message) => this.#receive(message))
  }

  get id(): string {
    return this.options.id
  }

  get isUp(): boolean {
    return this.#isUp
  }

  /** Replicas seen at the latest heartbeat, this one included. */
  get replicas(): number {
    return this.#replicas
  }

  /** Commands sent since the start. */
  get roundTrips(): number {
    return this.#roundTrips
  }

  /** What Redis's clock shows, in ms, at a moment of the monotonic clock; less than half a round trip off. */
  redisTimeAt(elapsedMs: number): number {
    return elapsedMs + this.#aheadMs
  }

  /** The moment of the monotonic clock at which Redis's clock showed this. */
  elapsedAt(redisMs: number): number {
    return redisMs - this.#aheadMs
  }

  start(): void {
    this.#commands.connect().catch(() => {})
    this.#notices.connect().catch(() => {})
    this.#timer = setInterval(() => void this.#heartbeat(), heartbeatMs)
    this.#timer.unref()
    setTimeout(() => {
      if (!this.#isDecided && !this.#isClosed)
        this.options.log.warn({ redis: 'down' }, 'Redis cannot be reached, going on alone')
      this.#decide()
    }, firstAnswerMs).unref()
  }

  /** Resolves when it is known whether Redis can be reached, and after half a second in any case. */
  decided(): Promise<void> | undefined {
    return this.#isDecided ? undefined : this.#firstDecision
  }

  /** Runs a command; rejects at once while Redis is down. */
  async run<T>(command: (redis: ScriptedRedis) => Promise<T>): Promise<T> {
    if (!this.#isUp) throw new Error('Redis is down')
    try {
      this.#roundTrips++
      return await command(this.#commands)
    } catch (error) {
      this.#failed(error)
      throw error
    }
  }

  /** Runs a command whose failure needs no reaction. */
  send(command: (redis: ScriptedRedis) => Promise<unknown>): void {
    this.run(command).catch(() => {})
  }

  /** Tells the other replicas, and this one. */
  announce(...notice: readonly unknown[]): void {
    this.send((redis) => redis.publish(`${keyPrefix}notices`, JSON.stringify(notice)))
  }

  /** A connection for commands that wait for something. It is closed with the others. */
  createBlocking(): Redis {
    const client = new Redis(this.options.url, { ...redisOptions, commandTimeout: 5000 })
    client.on('error', () => {})
    this.#blocking.push(client)
    client.connect().catch(() => {})
    return client
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#timer)
    this.#decide()
    if (this.#isUp) await this.#commands.leave(`${keyPrefix}members`, `${keyPrefix}joined`, this.id).catch(() => {})
    this.#isUp = false
    this.#commands.disconnect()
    for (const client of [this.#notices, ...this.#blocking]) client.disconnect()
  }

  async #heartbeat(): Promise<void> {
    if (this.#isClosed || this.#commands.status !== 'ready') return
    const sentAt = this.options.clock.elapsed()
    try {
      const keys = ['members', 'epoch', 'beat', 'expected', 'joined'].map((name) => keyPrefix + name)
      const expected = this.#isUp ? 0 : this.#replicas
      const [time, count, epoch, beat] = await this.#commands.heartbeat(
        ...keys,
        this.id,
        expected,
        sentAt >= this.#joinsAt ? 1 : 0,
      )
      if (this.#isClosed) return
      const now = this.options.clock.elapsed()
      this.#aheadMs = Number(time) - (sentAt + now) / 2
      // While others are still to come back, the last number that was seen stays.
      this.#replicas = count
      const isReplaced = this.#epoch !== undefined && (epoch !== this.#epoch || beat < this.#beat)
      this.#epoch = epoch
      this.#beat = beat
      this.#setUp()
      if (isReplaced) {
        this.options.log.warn({ redis: 'replaced' }, 'Redis has lost its data, writing it again')
        this.emit('replaced')
      }
    } catch (error) {
      this.#failed(error)
    }
  }

  #setUp(): void {
    const wasAlone = this.#isDecided
    this.#decide()
    if (this.#isUp || this.#isClosed) return
    this.#isUp = true
    if (wasAlone) this.#joinsAt = this.options.clock.elapsed() + joinAfterMs
    this.options.log.info({ redis: 'ok', replica: this.id, replicas: this.#replicas }, 'connected to Redis')
    this.emit('up')
  }

  /** A script's own error says that this service is wrong, not that Redis is gone. */
  #failed(error: unknown): void {
    if (
      error instanceof Error &&
      error.name === 'ReplyError' &&
      !/^(LOADING|MASTERDOWN|READONLY|OOM|MISCONF|NOAUTH|CLUSTERDOWN)/.test(error.message)
    ) {
      this.options.log.warn({ err: { message: error.message } }, 'Redis refuses a command')
      return
    }
    this.#setDown()
  }

  #setDown(): void {
    if (!this.#isUp || this.#isClosed) return
    this.#isUp = false
    this.#joinsAt = Number.POSITIVE_INFINITY
    this.options.log.warn({ redis: 'down' }, 'Redis does not answer, going on alone')
    this.emit('down')
  }

  #receive(message: string): void {
    try {
      const notice: unknown = JSON.parse(message)
      if (Array.isArray(notice)) this.emit('notice', notice)
    } catch {
      // Of another version.
    }
  }
}
