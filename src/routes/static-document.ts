import { hash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'

const encodings = ['br', 'gzip', 'identity'] as const
type Encoding = (typeof encodings)[number]

/** A larger body takes milliseconds to write, so of many that are requested at once only one is written in a turn. */
const maxWriteBytes = 64 * 1024
let lastTurn: Promise<void> = Promise.resolve()

/** Waits for a turn of the event loop that no other caller has. */
function turnOfItsOwn(): Promise<void> {
  lastTurn = lastTurn.then(() => nextTurn())
  return lastTurn
}

/** A body in every encoding that it is served in. */
interface Representations {
  readonly etag: string
  readonly bodies: Readonly<Record<Encoding, Buffer>>
}

/**
 * A document that does not change while the process runs. It is rendered, compressed and hashed once, at the latest with
 * the first request, and sent as the same bytes from then on: such routes are open to everyone, so anything done for each
 * request would be an easy way to load the service.
 */
export class StaticDocument {
  #representations: Promise<Representations> | undefined

  /**
   * @param render returns the text or bytes; called once
   * @param cacheControl default: a browser asks again before it uses its copy
   */
  constructor(
    private readonly contentType: string,
    private readonly render: () => string | Buffer,
    private readonly cacheControl = 'no-cache',
  ) {}

  /** Renders the document, unless that is done, and compresses it off the event loop. */
  prepare(): Promise<Representations> {
    this.#representations ??= represent(this.render())
    return this.#representations
  }

  /** Sends the document with its ETag. Register its route with `compress: false` and `sharesBody`. */
  async send(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { etag, bodies } = await this.prepare()
    // Added to what CORS has set: its `Origin` must stay.
    const vary = [reply.getHeader('vary') ?? [], 'Accept-Encoding'].flat().join(', ')
    reply.headers({ etag, 'cache-control': this.cacheControl, vary })
    const encoding = (new Negotiator(request.raw).encoding([...encodings]) ?? 'identity') as Encoding
    if (encoding !== 'identity') reply.header('content-encoding', encoding)
    const body = bodies[encoding]
    if (body.length > maxWriteBytes && request.method !== 'HEAD') await turnOfItsOwn()
    return reply.type(this.contentType).send(body)
  }
}

async function represent(content: string | Buffer): Promise<Representations> {
  const identity = typeof content === 'string' ? Buffer.from(content) : content
  const [br, gzipped] = await Promise.all([
    promisify(brotliCompress)(identity, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } }),
    promisify(gzip)(identity, { level: 9 }),
  ])
  return { etag: `W/"${hash('sha1', identity, 'base64url')}"`, bodies: { br, gzip: gzipped, identity } }
}
