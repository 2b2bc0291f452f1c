import { isProblem, type Problem } from '../errors.js'
import { createAttempt, healthOf, type UpstreamCallerOptions } from './call.js'
import type { Clock } from './clock.js'
import { type Filters, withFilters } from './query.js'
import { pauseMs } from './retry-after.js'
import type { UpstreamAnswer } from './transport.js'
import { isTrackstarError } from './upstream-errors.js'

/**
 * What upstream makes of a call that contains nothing of any caller, and whose answer contains no record:
 * - `well`: it answers
 * - `refusing`: it answers, and refuses this call as well, for example because of the credentials
 * - `failing`: it fails
 * - `unknown`: the call could not be made
 */
export type UpstreamCondition = 'well' | 'refusing' | 'failing' | 'unknown'

/** What a neutral call shows counts for failures that are judged within this time after its start. */
const validMs = 250
/** Limit of the wait for a permit, and of the call. */
const maxMs = 2000

/** No record is dated so late. So whatever fails with these filters is not the fault of a record that cannot be sent. */
export const noRecords: Filters = { 'trackstar_updated_date[gte]': '9999-01-01T00:00:00Z', limit: '1' }

const route = '/wms/products'
const call = { route, request: { method: 'GET', path: withFilters(route, noRecords) } } as const

/**
 * Tells the failures of upstream from those of one request. A request may itself be to blame for a 500 or for the 403 of
 * a gateway: a SKU that looks like an attack is enough. So before such a failure counts against upstream, or against the
 * keys of the request, upstream is called with nothing of any caller in the call, and no record in the answer.
 */
export class NeutralCheck {
  #calls = 0
  #latest: { readonly at: number; readonly condition: Promise<UpstreamCondition> } | undefined

  /** @param ask makes the neutral call */
  constructor(
    private readonly ask: () => Promise<UpstreamCondition>,
    private readonly clock: Pick<Clock, 'elapsed'>,
  ) {}

  /** How many neutral calls have begun. */
  get calls(): number {
    return this.#calls
  }

  /**
   * Upstream's condition.
   * @param before the value of `calls` when the attempt began that has failed: a neutral call that began later is shared.
   * Default: a call is shared if it has just begun.
   */
  condition(before?: number): Promise<UpstreamCondition> {
    const now = this.clock.elapsed()
    const isRecent = before === undefined ? this.#latest && now - this.#latest.at <= validMs : this.#calls > before
    if (this.#latest === undefined || !isRecent) {
      this.#calls++
      this.#latest = { at: now, condition: this.ask() }
    }
    return this.#latest.condition
  }
}

/** @param options `limiter` must give permits while the circuit breaker is open: the check decides about its state */
export function createNeutralCheck(options: Omit<UpstreamCallerOptions, 'breaker' | 'check'>): NeutralCheck {
  const { limiter, clock } = options
  const attempt = createAttempt({ ...options, timeoutMs: Math.min(options.timeoutMs, maxMs) })

  async function ask(): Promise<UpstreamCondition> {
    const deadline = clock.elapsed() + maxMs
    const request = { priority: 'caller', caller: 'check', deadline: () => deadline } as const
    const permit = await limiter.acquire(request).catch((error: unknown) => {
      if (isProblem(error)) return undefined
      throw error
    })
    if (permit === undefined) return 'unknown'
    try {
      const result = await attempt(call, 'check', permit)
      const pause = isProblem(result) ? 0 : pauseMs(result, clock.now(), true)
      if (pause > 0) limiter.pauseUntil(clock.elapsed() + pause)
      return conditionOf(result)
    } finally {
      permit.release()
    }
  }

  return new NeutralCheck(ask, clock)
}

function conditionOf(result: UpstreamAnswer | Problem): UpstreamCondition {
  if (healthOf({}, result) === 'failing' || isProblem(result)) return 'failing'
  const { status } = result
  if (status === 429) return 'unknown'
  return status < 300 || (isTrackstarError(result) && absences.has(status)) ? 'well' : 'refusing'
}

/** What a connection without products may answer. */
const absences: ReadonlySet<number> = new Set([404, 501])
