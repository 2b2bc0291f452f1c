import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import type { Socket } from 'node:net'

/** What Fastify passes to its `serverFactory`: its options, with the defaults filled in. */
interface HttpServerOptions {
  readonly http?: ServerOptions
  readonly keepAliveTimeout?: number
  readonly requestTimeout?: number
  readonly connectionTimeout?: number
}

/**
 * Creates Node's HTTP server so that it handles the requests of a connection one after the other. Node itself hands over
 * all pipelined requests at once (RFC 9112, 9.3.2): those behind a response with `Connection: close` would be carried
 * out, writes too, and never answered (RFC 9112, 9.6). While many requests wait, the connection is not read.
 *
 * Also, `100 Continue` is left to the application, which knows whether it will read the body, and unknown expectations
 * are ignored, as RFC 9110, 10.1.1 allows: Node would answer 417 without a body.
 */
export function createHttpServer(handler: RequestListener, options: HttpServerOptions): Server {
  const server = createServer({ ...options.http })
  server.keepAliveTimeout = options.keepAliveTimeout ?? server.keepAliveTimeout
  server.requestTimeout = options.requestTimeout ?? server.requestTimeout
  server.setTimeout(options.connectionTimeout ?? 0)
  const take = (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    const connection = connections.get(socket) ?? new Connection(socket, handler)
    connections.set(socket, connection)
    connection.take({ request, response })
  }
  server.on('request', take)
  for (const event of ['checkContinue', 'checkExpectation']) {
    server.on(event, (request, response) => server.emit('request', request, response))
  }
  return server
}

interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Requests of one connection that may wait before it is no longer read, and its end no longer noticed. */
const maxWaiting = 100

const connections = new WeakMap<Socket, Connection>()

/** The requests of a connection: the one that is being answered, and complete ones that wait for it. */
class Connection {
  #current: Exchange | undefined
  readonly #waiting: Exchange[] = []
  #isAbandoned = false

  constructor(
    private readonly socket: Socket,
    private readonly handler: RequestListener,
  ) {}

  take(exchange: Exchange): void {
    if (this.#isAbandoned) return
    if (this.#current === undefined) {
      this.#start(exchange)
    } else {
      this.#waiting.push(exchange)
      if (this.#waiting.length >= maxWaiting) this.socket.pause()
    }
  }

  /**
   * Takes no more requests, because what comes next cannot be read.
   * @returns whether responses to complete requests are pending, of which the last will close the connection; or whether
   * the response to the incomplete request has begun, so that nothing else may be written
   */
  abandon(): 'pending' | 'begun' | 'idle' {
    this.#isAbandoned = true
    if (this.#waiting.at(-1)?.request.complete === false) this.#waiting.pop()
    if (this.#current === undefined) return 'idle'
    const { request, response } = this.#current
    if (request.complete) {
      this.#closeAfterLast(response)
      return 'pending'
    }
    return response.headersSent ? 'begun' : 'idle'
  }

  #start(exchange: Exchange): void {
    this.#current = exchange
    const { request, response } = exchange
    response.on('close', () => this.#next())
    if (this.#isAbandoned) this.#closeAfterLast(response)
    this.handler(request, response)
  }

  #next(): void {
    this.#current = undefined
    // Not writable: the response closed the connection, so the requests behind it are dropped.
    if (!this.socket.writable) this.#waiting.length = 0
    else if (this.#isAbandoned && this.#waiting.length === 0) this.socket.destroySoon()
    const following = this.#waiting.shift()
    if (following === undefined) return
    if (this.#waiting.length < maxWaiting) this.socket.resume()
    this.#start(following)
  }

  #closeAfterLast(response: ServerResponse): void {
    if (this.#waiting.length === 0 && !response.headersSent) response.setHeader('connection', 'close')
  }
}

/** {@link Connection.abandon} of the connection on `socket`. */
export const abandonConnection = (socket: Socket): 'pending' | 'begun' | 'idle' =>
  connections.get(socket)?.abandon() ?? 'idle'
