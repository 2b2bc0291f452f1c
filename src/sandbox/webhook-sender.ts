import { Agent, request } from 'undici'
import type { Timer } from './timer.js'
import { signWebhook } from './webhook-signature.js'

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
export class WebhookSender {
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
