import { DecoratorHandler, type Dispatcher, errors } from 'undici'
import { problem } from '../errors.js'
import { acceptedCodings, type JsonBody, parseJson, readText, UnusableBody } from './response-body.js'

/** One HTTP call upstream. `path` begins with `/` and is encoded. */
export interface UpstreamRequest {
  readonly method: 'GET' | 'PUT'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Management paths need only the organisation's API key; all others need the connection's access token as well. */
  readonly organisationOnly?: boolean
}

/** A response, whatever its status. */
export interface UpstreamAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The parsed body; undefined if there is none that can be used. */
  readonly body: unknown
  /** What the body should have been, as in "must be JSON". Only if it cannot be used. */
  readonly fault?: string
  /** Whether the body is nested so deeply that only an iterative walk through it is safe. Default: false. */
  readonly isDeep?: boolean
  /** The size of each element of the body's `data` as compact JSON, in bytes; undefined if `data` is no list. */
  readonly dataBytes?: readonly number[] | undefined
}

/** Read anew for every call. */
export interface Credentials {
  readonly apiKey: string
  readonly accessToken: string
}

export type Transport = (
  request: UpstreamRequest,
  options: { timeoutMs: number; onSent: () => void },
) => Promise<UpstreamAnswer>

/** The option with a request's callback. Undici passes unknown options of a request on to the dispatcher. */
const sentCallback = Symbol('sent')

/** Calls back when a request is written; before that it may wait for a connection and its handshake. */
const reportSent: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
  const onSent: unknown = Reflect.get(options, sentCallback)
  return dispatch(options, typeof onSent === 'function' ? new SentHandler(handler, () => void onSent()) : handler)
}

/** Undici's base class for handlers of interceptors; its types lack the methods. */
const Decorator = DecoratorHandler as unknown as new (
  handler: Dispatcher.DispatchHandler,
) => {
  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void
  onResponseStart(controller: Dispatcher.DispatchController, statusCode: number, ...rest: unknown[]): void
}

class SentHandler extends Decorator {
  constructor(
    handler: Dispatcher.DispatchHandler,
    private readonly onSent: () => void,
  ) {
    super(handler)
  }

  override onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.onSent()
    super.onRequestStart(controller, context)
  }

  /** Interim responses (1xx) are of no interest, and the base class takes each for the final one. */
  override onResponseStart(controller: Dispatcher.DispatchController, statusCode: number, ...rest: unknown[]): void {
    if (statusCode >= 200) super.onResponseStart(controller, statusCode, ...rest)
  }
}

/**
 * Creates the transport over HTTP. It makes each request once, without retries or rate limiting. It throws
 * `upstream_timeout` if the whole response has not come after `timeoutMs`, `upstream_unavailable` if the connection
 * ends before that, and `upstream_invalid_response` if what comes is not HTTP. Once a write has a 2xx status, it only lacks
 * a usable body.
 * @param baseUrl upstream's URL; its path is a prefix of every request's path
 */
export function httpTransport(dispatcher: Dispatcher, baseUrl: string, credentials: Credentials): Transport {
  const { origin, pathname } = new URL(baseUrl)
  const prefix = pathname.replace(/\/$/, '')
  const reporting = dispatcher.compose(reportSent)

  return async (request, { timeoutMs, onSent }) => {
    const { apiKey, accessToken } = credentials
    const headers: Record<string, string> = {
      ...request.headers,
      accept: 'application/json',
      'accept-encoding': acceptedCodings,
      'x-trackstar-api-key': apiKey,
    }
    if (!request.organisationOnly) headers['x-trackstar-access-token'] = accessToken
    if (request.body !== undefined) headers['content-type'] = 'application/json'
    try {
      const options = {
        origin,
        path: prefix + request.path,
        method: request.method,
        headers,
        body: request.body === undefined ? null : JSON.stringify(request.body),
        signal: AbortSignal.timeout(timeoutMs),
        [sentCallback]: onSent,
      }
      const { statusCode, headers: received, body } = await reporting.request(options)
      const read = async (): Promise<JsonBody> => {
        const text = await readText(body, received['content-encoding'])
        const json = await parseJson(text)
        return statusCode < 400 ? json : { ...json, value: redacted(json.value, [apiKey, accessToken]) }
      }
      // A write is done once its status says so, even if the rest of the response is lost.
      const isDone = request.method !== 'GET' && statusCode >= 200 && statusCode < 300
      const json = await read().catch((error: unknown) => {
        if (error instanceof UnusableBody) return error
        if (isDone) return new UnusableBody('must be complete')
        throw error
      })
      const answer = { status: statusCode, headers: received }
      if (json instanceof UnusableBody) return { ...answer, body: undefined, fault: json.message }
      return { ...answer, body: json.value, isDeep: json.isDeep, dataBytes: json.dataBytes }
    } catch (cause) {
      if (cause instanceof Error && cause.name === 'TimeoutError') {
        throw problem('upstream_timeout', `Trackstar did not send a complete response within ${timeoutMs} ms`, {
          cause,
        })
      }
      if (isMalformed(cause)) {
        throw problem('upstream_invalid_response', 'Trackstar did not send a valid HTTP response', { cause })
      }
      throw problem('upstream_unavailable', 'The connection to Trackstar failed', { cause, retryAfter: 1 })
    }
  }
}

/**
 * An error body without secrets in its message, which is passed on to callers: a message that repeats a request header would
 * reveal one. All else stays as it is, or a secret such as `t` would change what the error says.
 */
function redacted(body: unknown, secrets: readonly string[]): unknown {
  if (typeof body !== 'object' || body === null || !('error' in body) || typeof body.error !== 'string') return body
  return { ...body, error: secrets.reduce((text, secret) => text.replaceAll(secret, '[redacted]'), body.error) }
}

/** Whether undici could not read the response as HTTP, or its header fields were too large. */
const isMalformed = (cause: unknown) =>
  cause instanceof errors.HTTPParserError || cause instanceof errors.HeadersOverflowError
