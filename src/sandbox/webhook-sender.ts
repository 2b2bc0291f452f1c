import { createHmac, randomUUID } from 'node:crypto'
import { Agent, request } from 'undici'
import type { ChangedAttributes } from './record-changes.js'
import type { Timer } from './sandbox.js'

/** Faults of webhook delivery that upstream may have too. `every` counts events from 1 since the faults were set. */
export interface WebhookFaults {
  /** Sends every n-th event twice, with the same `svix-id`. */
  repeatEvery?: number
  /** Collects this many deliveries and sends them in reverse order; fewer if 250 ms pass without an event. */
  reorderWindow?: number
  /** Reduces the data of every n-th event to its id, as upstream does with oversized ones. Events without id stay whole. */
  truncateEvery?: number
  /** Never sends every n-th event. */
  dropEvery?: number
}

/** The body of a webhook. */
export interface WebhookEvent {
  connection_id: string
  integration_name: string
  event_type: string
  data: object
  previous_attributes?: ChangedAttributes
}

const keptDeliveries = 10_000
const maxPending = 10_000
const reorderWaitMs = 250

/** Sends events as signed webhooks to one address, with the faults that are set. */
export class WebhookSender {
  /** The last 10,000 deliveries at least, in order. */
  readonly deliveries: Delivery[] = []
  readonly #queue: DeliveryQueue
  readonly #timer: Timer
  #address: WebhookAddress | undefined
  #faults: WebhookFaults = {}
  #eventCount = 0
  #reorderBuffer: (readonly [delivery: Delivery, body: string, address: WebhookAddress])[] = []
  #cancelTimer = () => {}

  constructor(now: () => number, timer: Timer) {
    this.#queue = new DeliveryQueue(now, timer)
    this.#timer = timer
  }

  get faults(): WebhookFaults {
    return this.#faults
  }

  set faults(faults: WebhookFaults) {
    this.#faults = faults
    this.#eventCount = 0
  }

  /** Sends later events to `url`, or nowhere when undefined. Throws on a malformed secret. */
  sendTo(url: string | undefined, secrets: readonly string[] = [sandboxWebhookSecret]): void {
    signWebhook(secrets, '', 0, '')
    this.#address = url === undefined ? undefined : { url, secrets: [...secrets] }
  }

  /** Serializes an event and queues it. Drops it when 10,000 are pending. */
  announce(event: WebhookEvent): void {
    const address = this.#address
    if (!address) return
    const { repeatEvery, truncateEvery, dropEvery, reorderWindow = 1 } = this.#faults
    this.#eventCount++
    const body = JSON.stringify(this.#appliesTo(truncateEvery) ? truncateEvent(event) : event)
    const isDropped = this.#appliesTo(dropEvery) || this.#queue.pending >= maxPending
    const delivery = this.#logDelivery(event, isDropped ? 'dropped' : 'pending')
    if (isDropped) return
    this.#reorderBuffer.push([delivery, body, address])
    if (this.#appliesTo(repeatEvery)) {
      this.#reorderBuffer.push([this.#logDelivery(event, 'pending', delivery.id), body, address])
    }
    this.#cancelTimer()
    if (this.#reorderBuffer.length >= reorderWindow) this.#release(reorderWindow)
    else this.#cancelTimer = this.#timer(reorderWaitMs, () => this.#release(reorderWindow))
  }

  /** Resolves when all events so far are delivered or failed. */
  async flush(): Promise<void> {
    this.#release(this.#reorderBuffer.length)
    await this.#queue.flush()
  }

  /** Fails everything that is pending. */
  async stop(): Promise<void> {
    this.#release(1)
    await this.#queue.stop()
  }

  #release(reorderWindow: number): void {
    this.#cancelTimer()
    const buffered = this.#reorderBuffer
    this.#reorderBuffer = []
    for (const entry of reorderWindow > 1 ? buffered.toReversed() : buffered) this.#queue.send(...entry)
  }

  #appliesTo(every: number | undefined): boolean {
    return every !== undefined && this.#eventCount % every === 0
  }

  #logDelivery({ event_type: event, data }: WebhookEvent, outcome: Delivery['outcome'], id = newId()): Delivery {
    const delivery: Delivery = { id, event, recordId: idOf(data), outcome, status: undefined, attempts: 0 }
    this.deliveries.push(delivery)
    if (this.deliveries.length > keptDeliveries * 1.1) {
      this.deliveries.splice(0, this.deliveries.length - keptDeliveries)
    }
    return delivery
  }
}

// Random, not counted: a receiver that remembers the ids of an earlier run would take them for repeats.
const newId = () => `msg_${randomUUID().replaceAll('-', '')}`

const idOf = (data: object): string | undefined => {
  const { id }: { id?: unknown } = data
  return typeof id === 'string' ? id : undefined
}

function truncateEvent(event: WebhookEvent): object {
  const id = idOf(event.data)
  if (id === undefined) return event
  const { previous_attributes: _, ...rest } = event
  return { ...rest, data: { id }, data_truncated: true }
}

/** Where webhooks go, and what they are signed with. */
export interface WebhookAddress {
  readonly url: string
  /** `whsec_…`; each adds a signature. */
  readonly secrets: readonly string[]
}

/** The delivery of one webhook. */
export interface Delivery {
  /** `svix-id`; a repeated webhook has the same one. */
  readonly id: string
  readonly event: string
  /** The `id` in its `data`. */
  readonly recordId: string | undefined
  /** `delivered`: a 2xx response; `dropped`: never sent; `failed`: given up after the last attempt or at a stop. */
  outcome: 'pending' | 'delivered' | 'failed' | 'dropped'
  /** The status of the last response, if there was one. */
  status: number | undefined
  attempts: number
}

interface QueuedWebhook {
  readonly delivery: Delivery
  readonly body: string
  readonly address: WebhookAddress
  readonly signal: AbortSignal
}

const responseTimeoutMs = 5000
const retryDelaysMs = [50, 250, 1000]

/**
 * Posts webhooks one at a time and in order, so that they arrive out of order only when a fault says so. Retries a webhook
 * up to three times until a 2xx response; meanwhile the next ones are sent. Never throws.
 */
export class DeliveryQueue {
  readonly #now: () => number
  readonly #timer: Timer
  readonly #pending = new Map<QueuedWebhook, Promise<void>>()
  #lastPost: Promise<unknown> = Promise.resolve()
  #agent: Agent | undefined
  #stopping = new AbortController()

  constructor(now: () => number, timer: Timer) {
    this.#now = now
    this.#timer = timer
  }

  /** How many webhooks are neither delivered nor failed. */
  get pending(): number {
    return this.#pending.size
  }

  send(delivery: Delivery, body: string, address: WebhookAddress): void {
    const webhook = { delivery, body, address, signal: this.#stopping.signal }
    const firstPost = this.#lastPost.then(() => this.#post(webhook))
    this.#lastPost = firstPost
    this.#pending.set(webhook, this.#settle(webhook, firstPost))
  }

  /** Resolves when all webhooks so far are delivered or failed. */
  async flush(): Promise<void> {
    await Promise.all(this.#pending.values())
  }

  /** Fails all pending webhooks and closes the connections. More may be sent afterwards. */
  async stop(): Promise<void> {
    const agent = this.#agent
    this.#agent = undefined
    this.#stopping.abort()
    this.#stopping = new AbortController()
    await this.flush()
    await agent?.destroy()
  }

  async #settle(webhook: QueuedWebhook, firstPost: Promise<boolean>): Promise<void> {
    if (!(await firstPost)) await this.#retry(webhook)
    this.#pending.delete(webhook)
  }

  async #retry(webhook: QueuedWebhook): Promise<void> {
    for (const ms of retryDelaysMs) {
      await this.#wait(ms, webhook.signal)
      if (await this.#post(webhook)) return
    }
    webhook.delivery.outcome = 'failed'
  }

  /** Returns whether the delivery is settled: delivered, or failed because of a stop. */
  async #post({ delivery, body, address, signal }: QueuedWebhook): Promise<boolean> {
    if (signal.aborted) delivery.outcome = 'failed'
    if (delivery.outcome !== 'pending') return true
    this.#agent ??= new Agent({ headersTimeout: responseTimeoutMs, bodyTimeout: responseTimeoutMs })
    const signature = signWebhook(address.secrets, delivery.id, Math.floor(this.#now() / 1000), body)
    const headers = { ...signature, 'content-type': 'application/json', 'user-agent': 'sandbox' }
    delivery.attempts++
    try {
      const response = await request(address.url, { method: 'POST', headers, body, signal, dispatcher: this.#agent })
      await response.body.dump()
      delivery.status = response.statusCode
      if (response.statusCode >= 200 && response.statusCode < 300) delivery.outcome = 'delivered'
    } catch {
      // Without a response there is nothing to record; a retry follows.
    }
    return delivery.outcome === 'delivered'
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const end = () => {
        signal.removeEventListener('abort', end)
        cancel()
        resolve()
      }
      signal.addEventListener('abort', end)
      const cancel = this.#timer(ms, end)
    })
  }
}

const secretPrefix = 'whsec_'

/** The headers that Svix sends with a webhook. */
export interface WebhookHeaders extends Record<string, string> {
  'svix-id': string
  'svix-timestamp': string
  'svix-signature': string
}

/** The default secret of the sandbox. It protects nothing. */
export const sandboxWebhookSecret = `${secretPrefix}${Buffer.from('signed in the sandbox only').toString('base64')}`

/**
 * Signs a webhook as Svix does: HMAC-SHA256 over `<id>.<timestamp>.<raw body>`, keyed with the base64 part of a
 * `whsec_…` secret. Several secrets, as during rotation, give several signatures. Throws on a secret without a key.
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
  const base64 = secret.startsWith(secretPrefix) ? secret.slice(secretPrefix.length) : ''
  const key = Buffer.from(base64, 'base64')
  if (key.length === 0) throw new Error(`expected a webhook secret of ${secretPrefix} and a base64 key`)
  return key
}
