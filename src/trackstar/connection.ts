import type { Dispatcher } from 'undici'
import { type Adjust, adjuster } from './adjust.js'
import { type Budget, windowBudget } from './budget.js'
import { Circuit, type CircuitState } from './circuit.js'
import type { Clock } from './clock.js'
import { withForcedShare } from './forced-share.js'
import { type Trackstar, trackstar } from './trackstar.js'
import { type Credentials, httpTransport } from './transport.js'
import { type CallReport, rationedUpstream } from './upstream.js'

export interface ConnectionParts {
  readonly dispatcher: Dispatcher
  readonly baseUrl: string
  readonly credentials: Credentials
  /** Calls that upstream allows in any one second. */
  readonly readRate: number
  readonly writeRate: number
  /** Longest wait for one attempt. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly onCall: (call: CallReport) => void
  readonly onCircuit: (state: CircuitState) => void
}

/** One connection at Trackstar: one token, and so one budget of reads, one of writes, and one circuit. */
export interface Connection {
  readonly trackstar: Trackstar
  readonly adjust: Adjust
  /** The budget of reads. */
  readonly budget: Budget
  readonly circuit: Circuit
  /** Whether upstream has refused the credentials and no call has succeeded since. */
  readonly isRefused: boolean
}

export function connect(parts: ConnectionParts): Connection {
  const { dispatcher, baseUrl, credentials, clock, timeoutMs } = parts
  const circuit = new Circuit(clock, parts.onCircuit)
  let isRefused = false
  const onCall = (call: CallReport) => {
    if (call.outcome.startsWith('2')) isRefused = false
    // A write's 403 is about the write: this connection must not.
    else if (call.outcome === '401' || (call.outcome === '403' && call.cause !== 'write')) isRefused = true
    parts.onCall(call)
  }
  const common = { transport: httpTransport(dispatcher, baseUrl, credentials), circuit, clock, timeoutMs, onCall }
  const budget = withForcedShare(windowBudget(parts.readRate, clock), clock)
  return {
    trackstar: trackstar(rationedUpstream({ ...common, budget })),
    adjust: adjuster(rationedUpstream({ ...common, budget: windowBudget(parts.writeRate, clock) })),
    budget,
    circuit,
    get isRefused() {
      return isRefused
    },
  }
}
