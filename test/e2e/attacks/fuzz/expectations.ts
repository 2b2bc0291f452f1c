import { type Document, type Operation, operationsOf } from '../../../openapi/document.js'
import { type FaultsOf, faultsIn } from '../../../openapi/faults.js'
import { type Exchange, headerOf, type WireAnswer, type WireRequest } from '../wire.js'
import type { FuzzedRequest } from './odd-requests.js'
import { marker } from './odd-values.js'

/** The one origin whose pages may ask. */
export const allowedOrigin = 'https://shop.example'

/** What is looked at of a request: where it leads, and who sends it. */
type RequestFacts = Pick<FuzzedRequest, 'method' | 'target' | 'key' | 'keyBy' | 'isSigned'>

/** Where a request leads, as the document has it. */
export interface Destination {
  readonly path: string
  /** Undefined where the path is known and the method is not. */
  readonly operation: Operation | undefined
  readonly method: string
}

/** What any server answers who cannot make sense of what came, or will not take so much of it; no operation repeats it. */
const ofHttp = [400, 408, 413, 414, 417, 431]

/** The methods that routes are asked for; what has another is found nowhere. */
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']

/** What is settled before it shows that there is nothing at an address: the type of the body, and how much there is to do. */
const ofAll = [415, 429, 503]

/** Headers that may repeat what the caller gave, because that is what they are for. */
const repeated = ['idempotency-key', 'x-request-id']

/** Pages that are in no document, and what belongs to them. */
const isPage = (path: string) => /^\/(?:docs(?:\/.*)?|openapi\.(?:json|yaml))?$/.test(path)

/** Holds answers against the document. */
export class Expectations {
  readonly #faultsOf: FaultsOf
  readonly #places: readonly { readonly method: string; readonly path: string; readonly operation: Operation }[]

  constructor(document: Document) {
    this.#faultsOf = faultsIn(document)
    this.#places = operationsOf(document)
  }

  /** The operation that the document has for a request; undefined where there is nothing at such a path. */
  destinationOf({ method, target }: Pick<WireRequest, 'method' | 'target'>): Destination | undefined {
    const segments = segmentsOf(target)
    const fits = (path: string) => {
      const parts = path.split('/')
      return parts.length === segments.length && parts.every((part, n) => part.startsWith('{') || part === segments[n])
    }
    const paths = Array.from(new Set(this.#places.map(({ path }) => path)))
    // What is written out goes before what stands for anything.
    const [path] = paths.filter(fits).toSorted((a, b) => a.split('{').length - b.split('{').length)
    if (path === undefined) return undefined
    const asked = method === 'HEAD' ? 'GET' : method
    const place = this.#places.find((one) => one.path === path && one.method === asked)
    return { path, method: asked, operation: place?.operation }
  }

  /** Everything that must not be about what came back on the connection of one request, a line each. */
  faultsOf(request: RequestFacts, { answers, rest, fault }: Exchange): string[] {
    const [answer, ...others] = answers
    if (fault !== undefined) return [fault]
    // Nobody has to answer who is asked for a tunnel.
    if (answer === undefined) return request.method === 'CONNECT' ? [] : [`there was no answer: ${rest.slice(0, 200)}`]
    const isByHand = request.method === 'HEAD' && ofHttp.includes(answer.status)
    return [
      ...(others.length > 0 ? [`there were ${answers.length} answers`] : []),
      ...(rest === '' || isByHand ? [] : [`there was more than an answer: ${rest.slice(0, 200)}`]),
      ...headerFaults(answer),
      ...this.#statusFaults(request, answer),
    ]
  }

  #statusFaults(request: RequestFacts, answer: WireAnswer): string[] {
    const { status, body } = answer
    const to = this.destinationOf(request)
    const what = `${request.method} ${to?.path ?? 'elsewhere'}`
    if (status === 500) return [`${what} answered 500: ${body.toString()}`]
    if (request.method === 'OPTIONS' && status === 204) return body.length === 0 ? [] : [`${what} 204 has a body`]
    const mediaType = headerOf(answer, 'content-type')?.split(';')[0]
    if (to?.operation === undefined) return this.#elsewhereFaults(request, to, answer, what, mediaType)
    if (status < 400 && !isAllowed(request, to.operation))
      return [`${what} answered ${status} to who may not ask for it`]
    const isNamed = to.operation.responses[status] !== undefined
    if (!isNamed && !ofHttp.includes(status)) return [`${what} answered ${status}, which is not documented`]
    if (status >= 400 && headerOf(answer, 'cache-control') !== 'no-store') return [`${what} ${status} may be kept`]
    if (isBare(request, status)) return body.length === 0 ? [] : [`${what} answered ${status} with a body`]
    return this.#bodyFaults(to.method, to.path, answer, mediaType, what)
  }

  #elsewhereFaults(
    request: RequestFacts,
    to: Destination | undefined,
    answer: WireAnswer,
    what: string,
    mediaType: string | undefined,
  ): string[] {
    const { status } = answer
    if (to === undefined && isPage(segmentsOf(request.target).join('/'))) return []
    const isKnown = to !== undefined && methods.includes(request.method)
    // OPTIONS has an answer at any address, for who shows a key where it is no preflight.
    const isRefused = request.method === 'OPTIONS' && status === 401
    if (![...ofHttp, ...ofAll].includes(status) && !isRefused && status !== (isKnown ? 405 : 404)) {
      return [`${what} answered ${status}`]
    }
    if (status === 405 && !headerOf(answer, 'allow')) return [`${what} does not say which methods it knows`]
    const [place] = this.#places
    return isBare(request, status) || !place
      ? []
      : this.#bodyFaults(place.method, place.path, { ...answer, status: 405 }, mediaType, what)
  }

  #bodyFaults(method: string, path: string, answer: WireAnswer, mediaType: string | undefined, what: string): string[] {
    const { status, body } = answer
    const text = body.toString()
    const isJson = mediaType?.endsWith('json') ?? false
    const parsed: unknown = isJson ? parse(text) : text
    const wrong = this.#faultsOf(method, path, String(status), mediaType ?? 'none', parsed)
    const isLeak = status >= 400 && /node_modules|\/src\/|\bat \S+ \(|TypeError|RangeError|sandbox-a/.test(text)
    return [
      ...(wrong === null ? [] : [`${what} ${status}: ${JSON.stringify(wrong)} in ${text.slice(0, 300)}`]),
      ...(isLeak ? [`${what} ${status} tells of the inside: ${text.slice(0, 300)}`] : []),
    ]
  }
}

function headerFaults({ status, headers }: WireAnswer): string[] {
  const ids = headers.filter(([name]) => name === 'x-request-id')
  const injected = headers.filter(
    ([name, value]) => name === marker || (value.includes(marker) && !repeated.includes(name)),
  )
  const names = headers.map(([name]) => name)
  const origins = headers.filter(([name]) => name === 'access-control-allow-origin')
  return [
    ...origins
      .filter(([, value]) => value !== allowedOrigin)
      .map(([, value]) => `${status}: pages of ${value} are let in`),
    ...names.filter((name) => name === 'access-control-allow-credentials').map((name) => `${status} has ${name}`),
    ...(ids.length === 1 && /^[\w.:-]{1,128}$/.test(ids[0]?.[1] ?? '') ? [] : [`${status} has no one X-Request-Id`]),
    ...injected.map(([name, value]) => `${status} has a header that the caller wrote: ${name}: ${value}`),
    ...headers
      .filter(([, value]) => /[^\x20-\x7e]/.test(value))
      .map(([name]) => `${status}: ${name} is not plain text`),
    ...names
      .filter((name, n) => name !== 'vary' && names.indexOf(name) !== n)
      .map((name) => `${status}: ${name} twice`),
  ]
}

/** Whether what comes with a request does for one of the ways in that the document names. */
function isAllowed({ key, keyBy, isSigned }: RequestFacts, { security = [] }: Operation): boolean {
  const scopes = keyBy === 'twice' ? [] : key === 'write' ? ['read', 'write'] : key === 'read' ? ['read'] : []
  const does = (name: string, needed: readonly string[]) =>
    name === 'signature' ? isSigned : name !== 'ticket' && needed.every((scope) => scopes.includes(scope))
  return (
    security.length === 0 || security.some((way) => Object.entries(way).every(([name, needed]) => does(name, needed)))
  )
}

const isBare = ({ method }: Pick<WireRequest, 'method'>, status: number) =>
  method === 'HEAD' || status === 204 || status === 304

/** A path as the router sees it: without what comes behind it, and decoded but for what would be another path then. */
function segmentsOf(target: string): string[] {
  const [path = ''] = target.replace(/^https?:\/\/[^/?#]*\/?/i, '/').split(/[?#]/, 1)
  return path.split('/').map((segment) => {
    try {
      return decodeURI(segment)
    } catch {
      return segment
    }
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
