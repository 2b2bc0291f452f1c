import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** A call that arrived, whatever its response. */
export interface SandboxCall {
  readonly method: string
  /** Path and query as sent, still percent-encoded. */
  readonly url: string
  /** The path alone, still percent-encoded. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<IncomingHttpHeaders>
  /** When it arrived by the sandbox's clock; ms since 1970. */
  readonly at: number
  /** The status of the response; undefined before it is sent, and if the connection was reset instead. */
  status: number | undefined
}

/** Appends a call to `calls` and returns it. Keeps at least the last `keep` calls, and at most a tenth more. */
export function logCall(calls: SandboxCall[], request: IncomingMessage, at: number, keep: number): SandboxCall {
  const { method = 'GET', url = '/', headers } = request
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1))
  const call: SandboxCall = { method, url, path, query, headers, at, status: undefined }
  calls.push(call)
  // Removing one call at a time from the front of a long array would cost more than serving the call.
  if (calls.length > keep * 1.1) calls.splice(0, calls.length - keep)
  return call
}

/** The highest number of GETs that arrived within any one-second span, refused ones included. */
export function worstReadsPerSecond(calls: readonly SandboxCall[]): number {
  const times = calls.filter((call) => call.method === 'GET').map((call) => call.at)
  let worst = 0
  let first = 0
  times.forEach((time, last) => {
    while ((times[first] as number) <= time - 1000) first++
    worst = Math.max(worst, last - first + 1)
  })
  return worst
}
