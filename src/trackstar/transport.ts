import { DecoratorHandler, type Dispatcher } from 'undici'
import { problem } from '../errors.js'

/** One HTTP call upstream. `path` begins with `/` and is encoded. */
export interface UpstreamRequest {
  readonly method: 'GET' | 'PUT'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Management paths need only the organisation's API key; all others need the connection's access token as well. */
  readonly organisationOnly?: boolean
}

/** A response, whatever its status. `body` is undefined if it is not JSON. */
export interface UpstreamAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: unknown
}

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
) => { onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void }

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
}

/**
 * Creates the transport over HTTP. It makes each request once, without retries or rate limiting. It throws
 * `upstream_timeout` after `timeoutMs`, and `upstream_unavailable` if there is no complete response.
 * @param baseUrl upstream's URL; its path is a prefix of every request's path
 */
export function httpTransport(dispatcher: Dispatcher, baseUrl: string, credentials: Credentials): Transport {
  const { origin, pathname } = new URL(baseUrl)
  const prefix = pathname.replace(/\/$/, '')
  const reporting = dispatcher.compose(reportSent)
  const secrets = [credentials.apiKey, credentials.accessToken].map((secret) => JSON.stringify(secret).slice(1, -1))

  return async (request, { timeoutMs, onSent }) => {
    const headers: Record<string, string> = {
      ...request.headers,
      accept: 'application/json',
      'x-trackstar-api-key': credentials.apiKey,
    }
    if (!request.organisationOnly) headers['x-trackstar-access-token'] = credentials.accessToken
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
      const text = await body.text()
      // Error messages are passed on to callers; one that repeats a request header would reveal a secret.
      const safeText =
        statusCode < 400 ? text : secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text)
      return { status: statusCode, headers: received, body: parseJson(safeText) }
    } catch (cause) {
      if (cause instanceof Error && cause.name === 'TimeoutError') {
        throw problem('upstream_timeout', `Trackstar did not send a complete response within ${timeoutMs} ms`, {
          cause,
        })
      }
      throw problem('upstream_unavailable', 'The connection to Trackstar failed', { cause, retryAfter: 1 })
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
