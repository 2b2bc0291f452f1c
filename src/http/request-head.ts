import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { type Problem, problem } from '../errors.js'

/** Far more than any client sends. Node keeps the first 2,000 and drops the rest in silence. */
const maxHeaders = 200

/** A name, or an address, and a port (RFC 3986, 3.2.2). Empty is what a target without an authority has. */
const host = /^(?:\[[\da-f:.]+\]|[\w.~%!$&'()*+,;=-]*)(?::\d*)?$/i

/**
 * Refuses what RFC 9112 refuses and Node lets through, or refuses in its own words: an HTTP/1.1 request without one sound
 * `Host` (3.2; two of them arrive joined, and so are none), a target of `*` that is not for `OPTIONS` (3.2.4; the router
 * would take it for `/`), a target that names no host where it should (3.2.2), or whose percent-encoding means nothing
 * (RFC 3986, 2.1), HTTP/0.9, and headers without end. Who reads such a request otherwise than this service does might
 * be a proxy in front of it.
 */
export default fastifyPlugin(
  async (app: FastifyInstance) => {
    app.addHook('onRequest', (request, _reply, done) => done(refusal(request.raw, request.originalUrl)))
  },
  { name: 'request-head' },
)

/**
 * The address that a request is routed by. One that is not sound the router would answer by itself, past all plugins, so
 * that nobody counted it and no page of another origin could read why; it is routed to nowhere instead.
 */
export function routedAddress({ url = '' }: { readonly url?: string | undefined }): string {
  return isWhole(url) && isDecodable(url) ? url : nowhere
}

/** No route, and never will be. */
const nowhere = '/unsound'

/** Whether a target in absolute form (RFC 9112, 3.2.2) names a host, and has no fragment. */
const isWhole = (url: string) =>
  !/^https?:\/\//i.test(url) || (/^https?:\/\/[^/?#]+(?:[/?][^#]*)?$/i.test(url) && URL.canParse(url))

/** Of the path alone: in a query what cannot be decoded stays as it is. */
function isDecodable(url: string): boolean {
  if (!url.includes('%')) return true
  try {
    decodeURIComponent(url.split(/[?#]/, 1)[0] ?? '')
    return true
  } catch {
    return false
  }
}

function refusal(
  { httpVersion, headers, rawHeaders, url = '', method }: IncomingMessage,
  given: string,
): Problem | undefined {
  if (rawHeaders.length > 2 * maxHeaders) {
    return problem('headers_too_large', `Expected at most ${maxHeaders} headers, but got more`)
  }
  if (url !== given) {
    return wrong('Expected an address with a host and no fragment where it is absolute, percent-encoded as UTF-8')
  }
  if (httpVersion !== '1.1') return httpVersion === '1.0' ? undefined : wrong('Expected HTTP/1.1')
  const { host: named } = headers
  if (named === undefined || !host.test(named)) return wrong('Expected one Host header that names a host')
  if (url.startsWith('*') && !(url === '*' && method === 'OPTIONS')) {
    return wrong('Expected an address that begins with /')
  }
  return undefined
}

const wrong = (detail: string) => problem('validation_failed', detail)
