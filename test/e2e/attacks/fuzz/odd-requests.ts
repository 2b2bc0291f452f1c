import fc, { type Arbitrary } from 'fast-check'
import { type Document, type Endpoint, operationsOf } from '../../../openapi/document.js'
import type { WireRequest } from '../wire.js'
import { bodyOf } from './odd-bodies.js'
import { elsewhere, pathOf, queryOf, twists } from './odd-targets.js'
import { headerValue, oddHeader } from './odd-values.js'
import { type FuzzContext, type Known, listed, type Mix, validValue } from './schema-values.js'

/** A request, and how it is signed and authenticated. */
export interface FuzzedRequest extends WireRequest {
  readonly mode: 'mirror' | 'on-demand'
  /** Whether it carries a valid webhook signature of its body. */
  readonly isSigned: boolean
  /** The key: with write scope, with read scope, an unknown one, or none. */
  readonly key: 'write' | 'read' | 'unknown' | 'none'
  /** The header of the key; `twice` adds an unknown key in the same header. */
  readonly keyBy: 'authorization' | 'x-api-key' | 'twice'
}

const oddMethod = fc.constantFrom(
  'HEAD',
  'HEAD',
  'OPTIONS',
  'OPTIONS',
  'GET',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'TRACE',
  'CONNECT',
  'PROPFIND',
  'QUERY',
  'M-SEARCH',
  'PURGE',
  'PRI',
  'BREW',
  'get',
  'GET\t',
  'G\0T',
  '',
)

function headersOf(
  { document, known, mostly }: FuzzContext,
  { operation }: Endpoint,
): Arbitrary<(readonly [string, string])[]> {
  const own = (operation.parameters ?? [])
    .filter(({ in: at }) => at === 'header')
    .map(({ name, schema }) => {
      const value = mostly(2, validValue(document, schema, known, name).map(String), headerValue(name))
      return fc.oneof(
        { weight: 2, arbitrary: fc.constant([]) },
        value.map((text) => [[name, text] as const]),
      )
    })
  const odd = fc.array(oddHeader, { minLength: 1, maxLength: 4 })
  return fc.tuple(listed(own), mostly(3, fc.constant([]), odd)).map(([all, more]) => [...all.flat(), ...more])
}

/** Mostly `good`, and `odd` once in `n`. */
const mostly: Mix = (n, good, odd) => fc.oneof({ weight: n - 1, arbitrary: good }, { weight: 1, arbitrary: odd })

/** Always `good`. */
const always: Mix = (_n, good) => good

/** Requests derived from the contract document: some valid, most corrupted. */
export function requestsOf(document: Document, known: Known): Arbitrary<FuzzedRequest> {
  const requests = operationsOf(document).map((endpoint) => {
    const here = { ...known, id: known[endpoint.path.split('/')[1] ?? ''] ?? [] }
    const requestsTo = (mix: Mix) => {
      const context = { document, known: here, mostly: mix }
      return requestTo(
        context,
        endpoint,
        fc.tuple(pathOf(context, endpoint), queryOf(context, endpoint)).map((parts) => parts.join('')),
      )
    }
    return fc.oneof({ weight: 3, arbitrary: requestsTo(mostly) }, requestsTo(always))
  })
  const nowhere = { method: 'GET', path: '', operation: { parameters: [], security: [], responses: {} } }
  return fc.oneof(...requests.map((arbitrary) => ({ weight: 2, arbitrary })), {
    weight: 3,
    arbitrary: requestTo({ document, known, mostly }, nowhere, elsewhere),
  })
}

/** Mostly a sufficient key; writes get an insufficient one more often. */
function keyFor({ operation: { security = [] } }: Endpoint): Arbitrary<FuzzedRequest['key']> {
  const isWrite = security.some((way) => Object.values(way).some((scopes) => scopes.includes('write')))
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant('write') },
    { weight: isWrite ? 3 : 1, arbitrary: fc.constant('read') },
    { weight: 1, arbitrary: fc.constantFrom('unknown', 'none') },
  )
}

/** A request to one operation. */
function requestTo(context: FuzzContext, endpoint: Endpoint, targets: Arbitrary<string>): Arbitrary<FuzzedRequest> {
  const { mostly: mix } = context
  const isSignable = (endpoint.operation.security ?? []).some((way) => 'signature' in way)
  return fc
    .record({
      mode: fc.constantFrom('mirror' as const, 'on-demand' as const),
      method: mix(8, fc.constant(endpoint.method), oddMethod),
      target: targets,
      twist: mix(
        10,
        fc.constant((target: string) => target),
        fc.constantFrom(...twists),
      ),
      headers: headersOf(context, endpoint),
      body: bodyOf(context, endpoint),
      isSigned: mix(5, fc.constant(isSignable), fc.constant(false)),
      key: keyFor(endpoint),
      keyBy: mix(10, fc.constantFrom<FuzzedRequest['keyBy']>('authorization', 'x-api-key'), fc.constant('twice')),
    })
    .map(({ target, twist, headers, body: { contentType, ...content }, ...rest }) => {
      const type = contentType === undefined ? [] : [['content-type', contentType] as const]
      // A signed request has these headers already; duplicates would invalidate it.
      const others = headers.filter(([name]) => !(rest.isSigned && name.startsWith('svix-')))
      return printable({ ...rest, ...content, target: twist(target), headers: [...type, ...others] })
    })
}

/** The same request, printed in a few lines when a property fails. */
const printable = (request: FuzzedRequest): FuzzedRequest =>
  Object.assign(request, {
    [fc.toStringMethod]: () => {
      const { body, headers, ...rest } = request
      const lines = headers.map(([name, value]) => `${name}: ${short(value)}`)
      return JSON.stringify({
        ...rest,
        target: short(rest.target),
        headers: lines,
        body: short(body?.toString() ?? ''),
      })
    },
  })

const short = (text: string) => (text.length > 300 ? `${text.slice(0, 300)}… (${text.length})` : text)
