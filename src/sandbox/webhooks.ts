import { randomUUID } from 'node:crypto'
import type { ChangedAttributes } from './changed-attributes.js'
import type { Timer } from './timer.js'
import { type Delivery, type WebhookAddress, WebhookSender } from './webhook-sender.js'
import { sandboxWebhookSecret, signWebhook } from './webhook-signature.js'

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
export class Webhooks {
  /** What was sent, or was not: the last 10,000 at least. */
  readonly deliveries: Delivery[] = []
  readonly #sender: WebhookSender
  readonly #timer: Timer
  #address: WebhookAddress | undefined
  #faults: WebhookFaults = {}
  #events = 0
  #held: Waiting[] = []
  #callOff = () => {}

  constructor(now: () => number, timer: Timer) {
    this.#sender = new WebhookSender(now, timer)
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
