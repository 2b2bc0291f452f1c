import type { ServerResponse } from 'node:http'
import type { SandboxCall } from './call-log.js'
import type { Fault } from './faults.js'
import type { IdempotencyKeys } from './idempotency.js'
import { ApiError } from './refusal.js'
import type { Route } from './routes.js'

/** An answer before it is sent. The body is JSON text already, so that it tells what was so when the call came. */
export interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  /** To be called once it was sent. */
  readonly sent?: () => void
}

/** The answer that a refusal amounts to. */
export const refused = (refusal: ApiError): Answer => ({
  status: refusal.status,
  body: JSON.stringify(refusal.body),
  headers: {},
})

/** The answer that a fault prescribes, or undefined where it leaves the answer alone. */
export function faulted({ status, body }: Fault): Answer | undefined {
  if (status === undefined && body === undefined) return undefined
  const sent = status ?? 200
  const content = body ?? new ApiError(sent, `Fault of status ${sent}`).body
  return { status: sent, body: typeof content === 'string' ? content : JSON.stringify(content), headers: {} }
}

/** Does what is asked, and gives the documented answer. `text` is the body as it came. */
export function answered(route: Route | undefined, call: SandboxCall, text: string, keys: IdempotencyKeys): Answer {
  const key = call.method === 'GET' ? undefined : call.headers['idempotency-key']?.toString()
  try {
    const replay = key === undefined ? undefined : keys.begin(key, `${call.method} ${call.path} ${text}`, call.at)
    if (replay !== undefined) return { status: 200, body: replay, headers: { 'idempotent-replayed': 'true' } }
    return firstAnswer(route, call, text, (body) => key !== undefined && keys.finish(key, body))
  } catch (error) {
    if (error instanceof ApiError) return refused(error)
    throw error
  }
}

function firstAnswer(
  route: Route | undefined,
  call: SandboxCall,
  text: string,
  finish: (body: string | undefined) => unknown,
): Answer {
  try {
    const body = JSON.stringify(handle(route, call, text))
    return { status: 200, body, headers: {}, sent: () => finish(body) }
  } catch (error) {
    finish(undefined)
    throw error
  }
}

function handle(route: Route | undefined, { method, path, query, at }: SandboxCall, text: string): unknown {
  if (!route) throw new ApiError(404, `No such path: ${path}`)
  const handler = Object.hasOwn(route.methods, method) ? route.methods[method] : undefined
  if (!handler) throw new ApiError(405, `${method} is not allowed here`)
  return handler({ method, query, body: method === 'GET' ? undefined : parse(text), now: at })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new ApiError(422, 'The body is not JSON')
  }
}

/** Sends an answer, or, `truncate` being set, half of it before the connection is closed. */
export function send(
  response: ServerResponse,
  answer: Answer,
  headers: Record<string, string>,
  truncate = false,
): void {
  const body = Buffer.from(answer.body)
  const length = { 'content-type': 'application/json', 'content-length': String(body.length) }
  response.writeHead(answer.status, { ...length, ...answer.headers, ...headers })
  if (truncate) response.write(body.subarray(0, body.length >> 1), () => response.destroy())
  else response.end(body)
  answer.sent?.()
}
