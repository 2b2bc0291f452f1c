import { type Document, type Operation, operationsOf } from '../../../openapi/document.js'
import { type FaultsOf, faultsIn } from '../../../openapi/faults.js'
import { type Exchange, headerOf, type WireAnswer, type WireRequest } from '../wire.js'
import type { FuzzedRequest } from './odd-requests.js'
import { marker } from './odd-values.js'

/** The only allowed origin. */
export const allowedOrigin = 'https://shop.example'

/** The facts of a request that decide which response is right. */
type RequestFacts = Pick<FuzzedRequest, 'method' | 'target' | 'key' | 'keyBy' | 'isSigned'>

/** The documented path and operation that a request addresses. */
export interface Destination {
  readonly path: string
  /** Undefined if the path is known and the method is not. */
  readonly operation: Operation | undefined
  readonly method: string
}

/** Statuses of HTTP itself for requests that are malformed or too large; operations do not document them. */
const ofHttp = [400, 408, 413, 414, 417, 421, 431]

/** The methods that are routed; any other gets a 404. */
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']

/** Statuses that are decided before routing: the media type and the load. */
const ofAll = [415, 429, 503]

/** Headers whose purpose is to repeat a value of the caller. */
const repeated = ['idempotency-key', 'x-request-id']

/** Documentation pages, which the contract document does not contain. */
const isPage = (path: string) => /^\/(?:docs(?:\/.*)?|openapi\.(?:json|yaml))?$/.test(path)

/** Checks responses against the contract document. */
export class Expectations {
  readonly #faultsOf: FaultsOf
  readonly #endpoints: readonly { readonly method: string; readonly path: string; readonly operation: Operation }[]

  constructor(document: Document) {
    this.#faultsOf = faultsIn(document)
    this.#endpoints = operationsOf(document)
  }

  /** The documented operation of a request; undefined if no path matches. */
  destinationOf({ method, target }: Pick<WireRequest, 'method' | 'target'>): Destination | undefined {
    const segments = segmentsOf(target)
    const fits = (path: string) => {
      const parts = path.split('/')
      return parts.length === segments.length && parts.every((part, n) => part.startsWith('{') || part === segments[n])
    }
    const paths = Array.from(new Set(this.#endpoints.map(({ path }) => path)))
    // A literal segment takes precedence over a parameter.
    const [path] = paths.filter(fits).toSorted((a, b) => a.split('{').length - b.split('{').length)
    if (path === undefined) return undefined
    const routedMethod = method === 'HEAD' ? 'GET' : method
    const endpoint = this.#endpoints.find((one) => one.path === path && one.method === routedMethod)
    return { path, method: routedMethod, operation: endpoint?.operation }
  }

  /** Everything wrong with what was received on the connection of a request, one line each. */
  faultsOf(request: RequestFacts, { answers, rest, fault }: Exchange): string[] {
    const [answer, ...others] = answers
    if (fault !== undefined) return [fault]
    // CONNECT needs no response.
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
    if (status < 400 && !isAllowed(request, to.operation)) return [`${what} answered ${status} without permission`]
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
    // OPTIONS is answered for any path; it needs a key unless it is a preflight.
    const isRefused = request.method === 'OPTIONS' && status === 401
    if (![...ofHttp, ...ofAll].includes(status) && !isRefused && status !== (isKnown ? 405 : 404)) {
      return [`${what} answered ${status}`]
    }
    if (status === 405 && !headerOf(answer, 'allow')) return [`${what} does not say which methods it knows`]
    const [endpoint] = this.#endpoints
    return isBare(request, status) || !endpoint
      ? []
      : this.#bodyFaults(endpoint.method, endpoint.path, { ...answer, status: 405 }, mediaType, what)
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
      ...(isLeak ? [`${what} ${status} reveals internals: ${text.slice(0, 300)}`] : []),
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

/** Whether the credentials of a request satisfy one of the documented security requirements. */
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

/** The segments of a path as the router sees them: without query and fragment, and decoded unless that would change the path. */
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
