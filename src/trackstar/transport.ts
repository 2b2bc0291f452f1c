import { DecoratorHandler, type Dispatcher } from 'undici'
import { problem } from '../errors.js'

/** One HTTP call upstream. `path` begins with `/` and is encoded. */
export interface UpstreamRequest {
  readonly method: 'GET' | 'PUT'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Management paths take the organisation's key alone; all others take the connection's token as well. */
  readonly organisationOnly?: boolean
}

/** What came back, whatever its status. `body` is undefined where it was no JSON. */
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

/** Where a dispatcher finds the callback of one request. Undici hands the options of a request on as they are. */
const sentCallback = Symbol('sent')

/** Tells when a request is on the wire: until then it may have waited for a connection and its handshake. */
const tellWhenSent: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
  const onSent: unknown = Reflect.get(options, sentCallback)
  return dispatch(options, typeof onSent === 'function' ? new SentHandler(handler, () => void onSent()) : handler)
}

/** Undici's base for interceptors' handlers; its types leave out the methods. */
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
 * Makes one call, once: no retry, no rationing.
 * Throws `upstream_timeout` after `timeoutMs` and `upstream_unavailable` where no whole answer came.
 * @param baseUrl upstream's address; a path in it comes before every request's
 */
export function httpTransport(dispatcher: Dispatcher, baseUrl: string, credentials: Credentials): Transport {
  const { origin, pathname } = new URL(baseUrl)
  const prefix = pathname.replace(/\/$/, '')
  const told = dispatcher.compose(tellWhenSent)
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
      const { statusCode, headers: received, body } = await told.request(options)
      const text = await body.text()
      // An upstream that echoes a header in its refusal would have it passed on to the caller.
      const said =
        statusCode < 400 ? text : secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text)
      return { status: statusCode, headers: received, body: parseJson(said) }
    } catch (cause) {
      if (cause instanceof Error && cause.name === 'TimeoutError') {
        throw problem('upstream_timeout', `Trackstar gave no whole answer within ${timeoutMs} ms`, { cause })
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
