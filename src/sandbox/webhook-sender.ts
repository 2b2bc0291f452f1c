import { createHmac, randomUUID } from 'node:crypto'
import { Agent, request } from 'undici'
import type { ChangedAttributes } from './record-changes.js'
import type { Timer } from './timer.js'

/** What goes wrong with webhooks, as it may with upstream's. `every` counts events since the faults were set, from 1. */
export interface WebhookFaults {
  /** Sends every n-th event twice, with the same `svix-id`. */
  repeatEvery?: number
  /** Collects so many deliveries and sends them last first; fewer of them after a quarter of a second. */
  reorderWindow?: number
  /** Cuts every n-th event that is about a record down to its id, as upstream does with oversized ones. */
  truncateEvery?: number
  /** Never sends every n-th event. */
  dropEvery?: number
}

/** An event before it is sent. */
export interface WebhookEvent {
  connection_id: string
  integration_name: string
  event_type: string
  data: object
  previous_attributes?: ChangedAttributes
}

type Waiting = readonly [delivery: Delivery, body: string, address: WebhookAddress]

const keptDeliveries = 10_000
const mostPending = 10_000
const heldMs = 250

/** Sends events to an address, if there is one, with the faults that are set. */
export class WebhookSender {
  /** What was sent, or was not: the last 10,000 at least. */
  readonly deliveries: Delivery[] = []
  readonly #sender: DeliveryQueue
  readonly #timer: Timer
  #address: WebhookAddress | undefined
  #faults: WebhookFaults = {}
  #events = 0
  #held: Waiting[] = []
  #callOff = () => {}

  constructor(now: () => number, timer: Timer) {
    this.#sender = new DeliveryQueue(now, timer)
    this.#timer = timer
  }

  get faults(): WebhookFaults {
    return this.#faults
  }

  set faults(faults: WebhookFaults) {
    this.#faults = faults
    this.#events = 0
  }

  /** Sends what happens from now on to an address, or nowhere. Throws where a secret holds no key. */
  sendTo(url: string | undefined, secrets: readonly string[] = [sandboxWebhookSecret]): void {
    signWebhook(secrets, '', 0, '')
    this.#address = url === undefined ? undefined : { url, secrets: [...secrets] }
  }

  announce(event: WebhookEvent): void {
    const address = this.#address
    if (!address) return
    const { repeatEvery, truncateEvery, dropEvery, reorderWindow = 1 } = this.#faults
    this.#events++
    const body = JSON.stringify(this.#isTurn(truncateEvery) ? truncated(event) : event)
    const isDropped = this.#isTurn(dropEvery) || this.#sender.pending >= mostPending
    const delivery = this.#log(event, isDropped ? 'dropped' : 'pending')
    if (isDropped) return
    this.#held.push([delivery, body, address])
    if (this.#isTurn(repeatEvery)) this.#held.push([this.#log(event, 'pending', delivery.id), body, address])
    this.#callOff()
    if (this.#held.length >= reorderWindow) this.#release(reorderWindow)
    else this.#callOff = this.#timer(heldMs, () => this.#release(reorderWindow))
  }

  /** Resolves when all that happened so far is delivered or given up. */
  async flush(): Promise<void> {
    this.#release(this.#held.length)
    await this.#sender.flush()
  }

  /** Gives up what is on its way. */
  async stop(): Promise<void> {
    this.#release(1)
    await this.#sender.stop()
  }

  #release(window: number): void {
    this.#callOff()
    const held = this.#held
    this.#held = []
    for (const waiting of window > 1 ? held.toReversed() : held) this.#sender.send(...waiting)
  }

  #isTurn(every: number | undefined): boolean {
    return every !== undefined && this.#events % every === 0
  }

  #log({ event_type: event, data }: WebhookEvent, outcome: Delivery['outcome'], id = newId()): Delivery {
    const delivery: Delivery = { id, event, recordId: idOf(data), outcome, status: undefined, attempts: 0 }
    this.deliveries.push(delivery)
    if (this.deliveries.length > keptDeliveries * 1.1)
      this.deliveries.splice(0, this.deliveries.length - keptDeliveries)
    return delivery
  }
}

// Not counted: a receiver that remembers the ids of another run would take them for repeats.
const newId = () => `msg_${randomUUID().replaceAll('-', '')}`

const idOf = (data: object): string | undefined => {
  const { id }: { id?: unknown } = data
  return typeof id === 'string' ? id : undefined
}

function truncated(event: WebhookEvent): object {
  const id = idOf(event.data)
  if (id === undefined) return event
  const { previous_attributes: _, ...rest } = event
  return { ...rest, data: { id }, data_truncated: true }
}

/** Where webhooks go, and what they are signed with. */
export interface WebhookAddress {
  readonly url: string
  /** `whsec_…`, each of which gives a signature. */
  readonly secrets: readonly string[]
}

/** One webhook on its way, or what became of it. */
export interface Delivery {
  /** `svix-id`; one that is sent again has the same. */
  readonly id: string
  readonly event: string
  /** The `id` in its `data`. */
  readonly recordId: string | undefined
  /** Delivered is what was answered with a 2xx; dropped is what was never sent, failed what was given up. */
  outcome: 'pending' | 'delivered' | 'failed' | 'dropped'
  /** The last answer, if any came. */
  status: number | undefined
  attempts: number
}

interface Letter {
  readonly delivery: Delivery
  readonly body: string
  readonly address: WebhookAddress
  readonly signal: AbortSignal
}

const answerWithinMs = 5000
const retryAfterMs = [50, 250, 1000]

/**
 * Posts webhooks, one at a time and in order, so that what comes out of order does so because it was meant to. One
 * that is not answered with a 2xx is tried again up to three times, while the next ones go on. Never throws.
 */
export class DeliveryQueue {
  readonly #now: () => number
  readonly #timer: Timer
  readonly #open = new Map<Letter, Promise<void>>()
  #line: Promise<unknown> = Promise.resolve()
  #agent: Agent | undefined
  #ending = new AbortController()

  constructor(now: () => number, timer: Timer) {
    this.#now = now
    this.#timer = timer
  }

  /** How many are on their way. */
  get pending(): number {
    return this.#open.size
  }

  send(delivery: Delivery, body: string, address: WebhookAddress): void {
    const letter = { delivery, body, address, signal: this.#ending.signal }
    const first = this.#line.then(() => this.#post(letter))
    this.#line = first
    this.#open.set(letter, this.#finish(letter, first))
  }

  /** Resolves when all that have been sent so far are delivered or given up. */
  async flush(): Promise<void> {
    await Promise.all(this.#open.values())
  }

  /** Gives up all that are on their way, and closes the connections. May send again afterwards. */
  async stop(): Promise<void> {
    const agent = this.#agent
    this.#agent = undefined
    this.#ending.abort()
    this.#ending = new AbortController()
    await this.flush()
    await agent?.destroy()
  }

  async #finish(letter: Letter, first: Promise<boolean>): Promise<void> {
    if (!(await first)) await this.#insist(letter)
    this.#open.delete(letter)
  }

  async #insist(letter: Letter): Promise<void> {
    for (const ms of retryAfterMs) {
      await this.#wait(ms, letter.signal)
      if (await this.#post(letter)) return
    }
    letter.delivery.outcome = 'failed'
  }

  /** Whether there is nothing more to do: it is delivered, or all is being given up. */
  async #post({ delivery, body, address, signal }: Letter): Promise<boolean> {
    if (signal.aborted) delivery.outcome = 'failed'
    if (delivery.outcome !== 'pending') return true
    this.#agent ??= new Agent({ headersTimeout: answerWithinMs, bodyTimeout: answerWithinMs })
    const signed = signWebhook(address.secrets, delivery.id, Math.floor(this.#now() / 1000), body)
    const headers = { ...signed, 'content-type': 'application/json', 'user-agent': 'sandbox' }
    delivery.attempts++
    try {
      const answer = await request(address.url, { method: 'POST', headers, body, signal, dispatcher: this.#agent })
      await answer.body.dump()
      delivery.status = answer.statusCode
      if (answer.statusCode >= 200 && answer.statusCode < 300) delivery.outcome = 'delivered'
    } catch {
      // Unreachable, cut off or given up: not an answer.
    }
    return delivery.outcome === 'delivered'
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const end = () => {
        signal.removeEventListener('abort', end)
        callOff()
        resolve()
      }
      signal.addEventListener('abort', end)
      const callOff = this.#timer(ms, end)
    })
  }
}

const prefix = 'whsec_'

/** The headers that Svix sends with a webhook. */
export interface WebhookHeaders extends Record<string, string> {
  'svix-id': string
  'svix-timestamp': string
  'svix-signature': string
}

/** The secret a sandbox signs with unless told otherwise. It guards nothing. */
export const sandboxWebhookSecret = `${prefix}${Buffer.from('signed in the sandbox only').toString('base64')}`

/**
 * Signs a webhook as Svix does: HMAC-SHA256 over `<id>.<timestamp>.<raw body>`, keyed with the base64 part of a
 * `whsec_…` secret. Of several secrets, as while they are being changed, each gives a signature. Throws where a secret
 * holds no key.
 */
export function signWebhook(
  secrets: string | readonly string[],
  id: string,
  timestampSeconds: number,
  rawBody: string | Buffer,
): WebhookHeaders {
  const signatures = [secrets].flat().map((secret) => {
    const hmac = createHmac('sha256', keyOf(secret)).update(`${id}.${timestampSeconds}.`).update(rawBody)
    return `v1,${hmac.digest('base64')}`
  })
  return { 'svix-id': id, 'svix-timestamp': String(timestampSeconds), 'svix-signature': signatures.join(' ') }
}

function keyOf(secret: string): Buffer {
  const key = Buffer.from(secret.startsWith(prefix) ? secret.slice(prefix.length) : '', 'base64')
  if (key.length === 0) throw new Error(`expected a webhook secret that is ${prefix} and a key in base64`)
  return key
}
