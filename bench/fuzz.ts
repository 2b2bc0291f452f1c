/** Fuzzes the service in volume: checks the responses and the calls that reach upstream. */
import fc from 'fast-check'
import { contract, startFuzzHarness } from '../test/e2e/attacks/fuzz/fuzz-harness.js'
import { requestsOf } from '../test/e2e/attacks/fuzz/odd-requests.js'

export interface FuzzReport {
  readonly requests: number
  /** By status; `none` if there was no response, as to CONNECT. */
  readonly byStatus: Readonly<Record<string, number>>
  readonly serverErrors: number
  /** Responses that break the contract document; `faults` describes the first ones. */
  readonly undocumented: number
  /** Calls upstream that a caller has smuggled in. */
  readonly unexpectedCalls: number
  readonly faults: readonly string[]
  readonly seed: number
}

/** Requests are generated in batches, because a body may be a megabyte. */
const batch = 250

/** Sends random requests one after the other to a service with every feature on. A seed always gives the same requests. */
export async function fuzz(requests: number, seed = Date.now() % 2 ** 31): Promise<FuzzReport> {
  const teardowns: (() => unknown)[] = []
  const { known, send } = await startFuzzHarness({ teardown: (fn) => teardowns.push(fn) })
  const arbitrary = requestsOf(contract, known)
  const byStatus: Record<string, number> = {}
  const faults: string[] = []
  let undocumented = 0
  let unexpectedCalls = 0
  for (let sent = 0; sent < requests; sent += batch) {
    for (const request of fc.sample(arbitrary, { numRuns: Math.min(batch, requests - sent), seed: seed + sent })) {
      const result = await send(request)
      const status = String(result.status ?? 'none')
      byStatus[status] = (byStatus[status] ?? 0) + 1
      if (result.faults.length > 0) undocumented++
      unexpectedCalls += result.callFaults.length
      if (faults.length < 20)
        faults.push(...[...result.faults, ...result.callFaults].map((fault) => `${fault} ${fc.stringify(request)}`))
    }
  }
  for (const teardown of teardowns.toReversed()) await teardown()
  return { requests, byStatus, serverErrors: byStatus['500'] ?? 0, undocumented, unexpectedCalls, faults, seed }
}
