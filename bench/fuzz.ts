/** Requests that nobody ought to send, in numbers: what is answered, and what reaches upstream. */
import fc from 'fast-check'
import { requestsOf } from '../test/fuzz/requests.js'
import { promised, startFuzzStage } from '../test/fuzz/stage.js'

export interface FuzzReport {
  readonly requests: number
  /** By status; `none` where there was no answer, as to CONNECT. */
  readonly byStatus: Readonly<Record<string, number>>
  readonly of500: number
  /** Answers that are not as the document says, and the first few of what is wrong with them. */
  readonly undocumented: number
  /** Calls upstream that a caller has put in the service's mouth. */
  readonly unexpectedCalls: number
  readonly faults: readonly string[]
  readonly seed: number
}

/** Requests are made some at a time: a body may be a megabyte. */
const batch = 250

/** Fuzzes a service with all that can be switched on, one request after the other. The same seed makes the same requests. */
export async function fuzz(requests: number, seed = Date.now() % 2 ** 31): Promise<FuzzReport> {
  const teardowns: (() => unknown)[] = []
  const { known, shoot } = await startFuzzStage({ teardown: (fn) => teardowns.push(fn) })
  const arbitrary = requestsOf(promised, known)
  const byStatus: Record<string, number> = {}
  const faults: string[] = []
  let undocumented = 0
  let unexpectedCalls = 0
  for (let sent = 0; sent < requests; sent += batch) {
    for (const request of fc.sample(arbitrary, { numRuns: Math.min(batch, requests - sent), seed: seed + sent })) {
      const shot = await shoot(request)
      const status = String(shot.status ?? 'none')
      byStatus[status] = (byStatus[status] ?? 0) + 1
      if (shot.faults.length > 0) undocumented++
      unexpectedCalls += shot.callFaults.length
      if (faults.length < 20)
        faults.push(...[...shot.faults, ...shot.callFaults].map((fault) => `${fault} ${fc.stringify(request)}`))
    }
  }
  for (const teardown of teardowns.toReversed()) await teardown()
  return { requests, byStatus, of500: byStatus['500'] ?? 0, undocumented, unexpectedCalls, faults, seed }
}
