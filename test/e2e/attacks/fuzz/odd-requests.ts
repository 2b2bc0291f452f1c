import fc, { type Arbitrary } from 'fast-check'
import { type Document, operationsOf, type Place } from '../../../openapi/document.js'
import type { WireRequest } from '../wire.js'
import { bodyOf } from './odd-bodies.js'
import { elsewhere, pathOf, queryOf, twists } from './odd-targets.js'
import { headerValue, oddHeader } from './odd-values.js'
import { type FuzzContext, type Known, listed, type Mix, validValue } from './schema-values.js'

/** A request as it goes out, and what is done to it on the way. */
export interface FuzzedRequest extends WireRequest {
  readonly mode: 'mirror' | 'on-demand'
  /** Whether it is signed as a delivery of upstream's is, over whatever its body has become. */
  readonly isSigned: boolean
  /** Whose key comes with it: of one who may write, of one who may only read, one that nobody has, or none. */
  readonly key: 'write' | 'read' | 'unknown' | 'none'
  /** Where the key is shown; `twice` beside one that nobody has, in the same header. */
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
  { operation }: Place,
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

/** Of `good` mostly, of `odd` once in `n`. */
const mostly: Mix = (n, good, odd) => fc.oneof({ weight: n - 1, arbitrary: good }, { weight: 1, arbitrary: odd })

/** Of `good` always. */
const always: Mix = (_n, good) => good

/** Any request that the document suggests, as it means it now and then, and what callers who mean ill or err make of it. */
export function requestsOf(document: Document, known: Known): Arbitrary<FuzzedRequest> {
  const requests = operationsOf(document).map((place) => {
    const here = { ...known, id: known[place.path.split('/')[1] ?? ''] ?? [] }
    const requestsTo = (mix: Mix) => {
      const ground = { document, known: here, mostly: mix }
      return requestTo(
        ground,
        place,
        fc.tuple(pathOf(ground, place), queryOf(ground, place)).map((parts) => parts.join('')),
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

/** A key that does mostly, and more often one that almost does where something may be changed. */
function keyFor({ operation: { security = [] } }: Place): Arbitrary<FuzzedRequest['key']> {
  const isWrite = security.some((way) => Object.values(way).some((scopes) => scopes.includes('write')))
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant('write') },
    { weight: isWrite ? 3 : 1, arbitrary: fc.constant('read') },
    { weight: 1, arbitrary: fc.constantFrom('unknown', 'none') },
  )
}

/** A request to one operation, at a target that was made for it. */
function requestTo(ground: FuzzContext, place: Place, targets: Arbitrary<string>): Arbitrary<FuzzedRequest> {
  const { mostly: mix } = ground
  const isSignable = (place.operation.security ?? []).some((way) => 'signature' in way)
  return fc
    .record({
      mode: fc.constantFrom('mirror' as const, 'on-demand' as const),
      method: mix(8, fc.constant(place.method), oddMethod),
      target: targets,
      twist: mix(
        10,
        fc.constant((target: string) => target),
        fc.constantFrom(...twists),
      ),
      headers: headersOf(ground, place),
      body: bodyOf(ground, place),
      isSigned: mix(5, fc.constant(isSignable), fc.constant(false)),
      key: keyFor(place),
      keyBy: mix(10, fc.constantFrom<FuzzedRequest['keyBy']>('authorization', 'x-api-key'), fc.constant('twice')),
    })
    .map(({ target, twist, headers, body: { contentType, ...content }, ...rest }) => {
      const type = contentType === undefined ? [] : [['content-type', contentType] as const]
      // What is signed has such headers already, and a second would undo them.
      const others = headers.filter(([name]) => !(rest.isSigned && name.startsWith('svix-')))
      return told({ ...rest, ...content, target: twist(target), headers: [...type, ...others] })
    })
}

/** The same, shown in a few lines where a property fails. */
const told = (request: FuzzedRequest): FuzzedRequest =>
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
