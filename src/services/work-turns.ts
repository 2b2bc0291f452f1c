import { type Problem, problem } from '../errors.js'
import type { Steps } from '../steps.js'

/** The client of some work, and the deadline after which it is of no use. */
export interface WorkOwner {
  readonly client: string
  /** Whether the caller has disconnected. Its work is dropped then. */
  readonly isGone: () => boolean
  /** When the work must be done, in the clock's `elapsed` ms. */
  readonly deadline: number
}

/** Runs the steps of one request to their end. Rejects if the caller disconnects or the deadline passes first. */
export type RunSteps = <T>(steps: Steps<T>) => Promise<T>

export interface WorkTurnsOptions {
  /** Called with how long a client has used the event loop, in ms. */
  readonly onUsed?: (client: string, ms: number) => void
  /** Monotonic time in ms; default: the system's. */
  readonly elapsed?: () => number
}

/** How long one turn of the event loop spends on queued work. A cheap request waits for no more than that. */
const maxTurnMs = 4
/** How long one client's work may go on within a turn, while others wait. */
const maxSliceMs = 2
/** How long a part of a request may take at least, in ms: one that follows a read that took all the time says so. */
const minPartMs = 100
/** How long work that need not queue may hold the event loop. Most ends within that. */
const maxInlineMs = 1
/** Requests of one client, and of all, that may have work queued or begun. */
const maxRequestsOfClient = 300
const maxRequests = 2000

/** One request with work. */
interface Request extends WorkOwner {
  /** Requests of one client are processed one at a time, in order of arrival. */
  readonly sequence: number
  /** Cheap requests come before all others of their client. */
  readonly isCheap: boolean
}

interface QueuedWork {
  readonly request: Request
  /** Continues the work until the time is over; returns whether it has ended. */
  readonly advance: (until: number) => boolean
  readonly drop: (reason: Problem) => void
}

/** The work of one client, in the order in which it is done. */
interface ClientQueue {
  readonly client: string
  readonly works: QueuedWork[]
  /** The client's turns so far, in ms. The client with the least is next. */
  usedMs: number
}

/**
 * Shares the event loop among the clients whose requests take long. Work runs in slices of a few ms; between them the loop
 * goes round, so a cheap request never waits for the end of an expensive one. Clients take turns: the next slice belongs to the
 * one that has used the least time (start-time fair queueing), so one client's work waits for no more than a slice of each
 * other's. A client's own requests are processed one after the other, which bounds what they hold in memory; cheap ones
 * come first. Work whose caller has disconnected is dropped, and so is work that is not done by its deadline.
 *
 * Work of which the first millisecond is enough, as of most requests, does not queue.
 */
export class WorkTurns {
  readonly #queues = new Map<string, ClientQueue>()
  readonly #requestsByClient = new Map<string, number>()
  readonly #elapsed: () => number
  readonly #onUsed: (client: string, ms: number) => void
  #requests = 0
  #sequence = 0
  #isScheduled = false
  /** The used time of the client that had the last slice. A client that returns starts from here, so that it saves up no time. */
  #virtualMs = 0

  constructor({ onUsed = () => {}, elapsed = () => performance.now() }: WorkTurnsOptions = {}) {
    this.#onUsed = onUsed
    this.#elapsed = elapsed
  }

  /** Work that is queued, of all clients. */
  get queued(): number {
    return Array.from(this.#queues.values(), ({ works }) => works.length).reduce((sum, count) => sum + count, 0)
  }

  /**
   * Does the work of one request, which may have several parts with other waits between them.
   * @param isCheap whether it comes before other requests of its client, and is never refused
   * @throws `overloaded` if the client, or all together, have too many requests with work already
   */
  async request<T>(owner: WorkOwner, isCheap: boolean, work: (run: RunSteps) => Promise<T>): Promise<T> {
    const { client } = owner
    const request: Request = { ...owner, isCheap, sequence: this.#sequence++ }
    const own = this.#requestsByClient.get(client) ?? 0
    if (!isCheap && (own >= maxRequestsOfClient || this.#requests >= maxRequests)) {
      throw problem('overloaded', 'Too many large requests are in progress, in total or by this client', {
        retryAfter: 1,
      })
    }
    this.#requestsByClient.set(client, own + 1)
    this.#requests++
    try {
      return await work((steps) => this.#run(request, steps))
    } finally {
      this.#requests--
      const left = (this.#requestsByClient.get(client) ?? 1) - 1
      if (left > 0) this.#requestsByClient.set(client, left)
      else this.#requestsByClient.delete(client)
    }
  }

  async #run<T>(request: Request, steps: Steps<T>): Promise<T> {
    if (request.isGone()) throw abandoned()
    const deadline = Math.max(request.deadline, this.#elapsed() + minPartMs)
    if (request.isCheap || !this.#queues.has(request.client)) {
      const result = this.#advance(request.client, steps, this.#elapsed() + maxInlineMs)
      if (result.done) return result.value
    }
    return new Promise((resolve, reject) => {
      this.#enqueue({
        request: { ...request, deadline },
        advance: (until) => {
          try {
            const result = this.#advance(request.client, steps, until)
            if (result.done) resolve(result.value)
            return result.done === true
          } catch (error) {
            reject(error)
            return true
          }
        },
        drop: (why) => {
          steps.return(undefined as T)
          reject(why)
        },
      })
    })
  }

  /** Takes steps until the time is over, and counts it as used by the client. */
  #advance<T>(client: string, steps: Steps<T>, until: number): IteratorResult<undefined, T> {
    const begunAt = this.#elapsed()
    try {
      for (;;) {
        const result = steps.next()
        if (result.done || this.#elapsed() >= until) return result
      }
    } finally {
      const ms = this.#elapsed() - begunAt
      const queue = this.#queues.get(client)
      if (queue) queue.usedMs += ms
      this.#onUsed(client, ms)
    }
  }

  #enqueue(work: QueuedWork): void {
    const { client } = work.request
    const queue = this.#queues.get(client) ?? { client, works: [], usedMs: this.#virtualMs }
    this.#queues.set(client, queue)
    const index = queue.works.findIndex((other) => comesBefore(work.request, other.request))
    queue.works.splice(index < 0 ? queue.works.length : index, 0, work)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#takeTurn())
  }

  #takeTurn(): void {
    this.#isScheduled = false
    const until = this.#elapsed() + maxTurnMs
    let queue = this.#next()
    while (queue !== undefined) {
      const [work] = queue.works
      const reason = work && this.#reasonToDrop(work.request)
      if (work === undefined || reason !== undefined) {
        if (reason) work?.drop(reason)
        this.#remove(queue, work)
      } else {
        this.#virtualMs = queue.usedMs
        const hasEnded = work.advance(Math.min(until, this.#elapsed() + maxSliceMs))
        if (hasEnded) this.#remove(queue, work)
        // A request's next part is only queued after this turn, and comes before the client's next request.
        if (hasEnded || this.#elapsed() >= until) break
      }
      queue = this.#next()
    }
    if (this.#queues.size > 0) this.#schedule()
  }

  #reasonToDrop({ isGone, deadline }: WorkOwner): Problem | undefined {
    if (isGone()) return abandoned()
    if (this.#elapsed() < deadline) return undefined
    return problem('overloaded', 'The request waited too long for its turn', { retryAfter: 1 })
  }

  /** The client that has used the least time; of several, the one that came last. */
  #next(): ClientQueue | undefined {
    let next: ClientQueue | undefined
    for (const queue of this.#queues.values()) if (next === undefined || queue.usedMs <= next.usedMs) next = queue
    return next
  }

  #remove(queue: ClientQueue, work: QueuedWork | undefined): void {
    const index = work === undefined ? -1 : queue.works.indexOf(work)
    if (index >= 0) queue.works.splice(index, 1)
    if (queue.works.length === 0) this.#queues.delete(queue.client)
  }
}

const comesBefore = (a: Request, b: Request): boolean => (a.isCheap === b.isCheap ? a.sequence < b.sequence : a.isCheap)

/** The response has no reader: the connection is closed. */
const abandoned = () => problem('request_timeout', 'The client disconnected before its response was ready')
