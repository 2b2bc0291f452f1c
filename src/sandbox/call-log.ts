import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** A call that arrived, whatever became of it. */
export interface SandboxCall {
  readonly method: string
  /** Path and query as they came over the wire, still percent-encoded. */
  readonly url: string
  /** The path alone, still percent-encoded. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<IncomingHttpHeaders>
  /** When it arrived, by the sandbox's clock; ms since 1970. */
  readonly at: number
  /** The status that was sent; undefined until then, and for good where the socket was destroyed instead. */
  status: number | undefined
}

/** Puts a call down and gives it back. The log keeps the last `keep` calls at least, and a tenth more at most. */
export function logCall(calls: SandboxCall[], request: IncomingMessage, at: number, keep: number): SandboxCall {
  const { method = 'GET', url = '/', headers } = request
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const query = new URLSearchParams(mark === -1 ? '' : url.slice(mark + 1))
  const call: SandboxCall = { method, url, path, query, headers, at, status: undefined }
  calls.push(call)
  // Cutting a tenth at a time: shifting a long array by one for every call would cost more than answering it.
  if (calls.length > keep * 1.1) calls.splice(0, calls.length - keep)
  return call
}

/** The most GETs that arrived within any one-second span, the refused ones included. */
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
