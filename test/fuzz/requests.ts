import fc, { type Arbitrary } from 'fast-check'
import { type Document, operationsOf, type Parameter, type Place } from '../openapi/document.js'
import {
  headerValue,
  marker,
  oddContentType,
  oddHeader,
  oddJson,
  oddText,
  percentEncoded,
  rawSegment,
  spelt,
} from './oddities.js'
import { type Known, schemaOf, validValue, withPartReplaced } from './values.js'
import type { WireRequest } from './wire.js'

/** A request as it goes out, and what is done to it on the way. */
export interface FuzzedRequest extends WireRequest {
  readonly mode: 'mirror' | 'on-demand'
  /** Whether it is signed as a delivery of upstream's is, over whatever its body has become. */
  readonly isSigned: boolean
  /** Whose key comes with it: of one who may write, of one who may only read, one that nobody has, or none. */
  readonly key: 'write' | 'read' | 'nobody' | 'none'
  /** Where the key is shown; `twice` beside one that nobody has, in the same header. */
  readonly keyBy: 'authorization' | 'x-api-key' | 'twice'
}

/** Of `good` mostly, of `odd` once in `n`. */
const mostly = <A, B>(n: number, good: Arbitrary<A>, odd: Arbitrary<B>): Arbitrary<A | B> =>
  fc.oneof({ weight: n - 1, arbitrary: good }, { weight: 1, arbitrary: odd })

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

/** Where there is no operation, or where there is something that is in no document. */
const elsewhere = fc.constantFrom(
  '/',
  '/docs',
  '/docs/',
  '/docs/problems',
  '/docs/static/index.html',
  '/docs/static/swagger-initializer.js',
  '/docs/static/../../package.json',
  '/docs/static/%2e%2e/%2e%2e/package.json',
  '/docs/static/..%2f..%2fpackage.json',
  '/docs/static/..%5c..%5cpackage.json',
  '/docs/static//etc/passwd',
  '/docs/static/%00',
  '/docs/json',
  '/openapi.json',
  '/openapi.yaml',
  '/nowhere',
  '/wms/products',
  '/connections/conn_sandbox',
  '/__proto__',
  '/constructor',
  '/.env',
  '/webhooks',
  '/products/a/b/c',
  '/LIVEZ',
  '/live%7a',
  '/livez%2f',
  '/livez%3fa',
  '*',
  '',
  'livez',
  '?sku=a',
  'http://evil.test/livez',
  'http://evil.test:99999/livez',
  'https://user:pass@evil.test/products/CUP/stock',
  'evil.test:443',
  'file:///etc/passwd',
)

/** What is done to a whole target. */
const twists: readonly ((target: string) => string)[] = [
  (target) => `/${target}`,
  (target) => `/.${target}`,
  (target) => `/x/..${target}`,
  (target) => `/%2e%2e${target}`,
  (target) => `http://evil.test${target}`,
  (target) => `${target}/`,
  (target) => `${target}//`,
  (target) => `${target}/.`,
  (target) => `${target}/..`,
  (target) => `${target};jsessionid=1`,
  (target) => `${target}#fragment`,
  (target) => `${target}%00`,
  (target) => `${target}%20`,
  (target) => `${target}\\`,
  (target) => target.toUpperCase(),
  (target) => target.replaceAll('/', '//'),
  (target) => target.replaceAll('/', '\\'),
  (target) => target.replaceAll('/', '%2f'),
  (target) => target.slice(1),
  (target) => target.replaceAll(/[a-z]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
]

const listed = <T>(items: readonly Arbitrary<T>[]): Arbitrary<T[]> => fc.tuple(...items)

/** What stands for a parameter of the path: something that is there, or something that no one ought to look for. */
function segmentOf(document: Document, { name, schema }: Parameter, known: Known): Arbitrary<string> {
  const there = validValue(document, schema, known, name).map((value) => percentEncoded(String(value)))
  return fc.oneof(
    { weight: 6, arbitrary: there },
    { weight: 1, arbitrary: spelt(oddText) },
    { weight: 1, arbitrary: rawSegment },
  )
}

function pathOf(document: Document, { path, operation }: Place, known: Known): Arbitrary<string> {
  const segments = path
    .split('/')
    .slice(1)
    .map((segment) => {
      const parameter = operation.parameters?.find(({ in: at, name }) => at === 'path' && segment === `{${name}}`)
      return parameter ? segmentOf(document, parameter, known) : fc.constant(segment)
    })
  return listed(segments).map((parts) => parts.map((part) => `/${part}`).join(''))
}

/** The pairs that one documented parameter is written as. */
function pairsOf(document: Document, parameter: Parameter, known: Known): Arbitrary<string[]> {
  const { name, required } = parameter
  const schema = schemaOf(document, parameter.schema)
  const value = (part: typeof schema.items, of = name) =>
    mostly(8, validValue(document, part, known, of).map(String).map(percentEncoded), spelt(oddText))
  const pairs =
    schema.type === 'object'
      ? fc
          .tuple(
            fc.constantFrom('', ...Object.keys(schema.properties ?? {}).map((key) => `[${key}]`)),
            value({ type: 'string' }),
          )
          .map(([operator, text]) => [`${name}${operator}=${text}`])
      : schema.type === 'array'
        ? fc
            .array(value(schema.items), { minLength: 1, maxLength: 3 })
            .map((all) => all.map((text) => `${name}=${text}`))
        : value(schema).map((text) => [`${name}=${text}`])
  const left = fc.constant<string[]>([])
  return required ? mostly(20, pairs, left) : mostly(4, left, pairs)
}

/** Pairs that are in no document: of the operation's own names, or of anybody's. */
function oddPair(names: readonly string[]): Arbitrary<string> {
  const text = spelt(oddText)
  const name = fc.constantFrom('sku', 'limit', '__proto__', 'constructor', 'toString', ...names)
  return fc.oneof(
    fc.tuple(name, text).map(([key, value]) => `${key}=${value}`),
    fc
      .tuple(
        name,
        fc.constantFrom('[]', '[a]', '[0]', '[__proto__]', '[in]', '[in][in]', '%5Bin%5D', '[', ']', '.a', '%00'),
      )
      .map(([key, tail]) => `${key}${tail}=a`),
    fc.tuple(name, name).map(([key, other]) => `${key}=a&${key}=b&${other}`),
    fc.constantFrom(
      '',
      '&&&',
      '=',
      '=a',
      '?',
      '%',
      '%zz=%zz',
      '%ff=%ff',
      '__proto__[polluted]=1',
      'constructor[prototype][polluted]=1',
      `%0d%0a${marker}:%201=1`,
      `a=%0d%0a${marker}:%201`,
      '%73ku=CUP',
      'SKU=CUP',
      'sku=CUP;limit=1',
      'sku=CUP%26limit=1',
      'below=1e400',
      'ticket=nobody',
      'access_token=injected',
    ),
    fc.tuple(name, fc.constantFrom(101, 600)).map(([key, times]) => `${key}=a&`.repeat(times)),
    fc.tuple(name, fc.constantFrom(300, 12_100, 17_000)).map(([key, length]) => `${key}=${'x'.repeat(length)}`),
  )
}

function queryOf(document: Document, { operation }: Place, known: Known): Arbitrary<string> {
  const parameters = (operation.parameters ?? []).filter(({ in: at }) => at === 'query')
  const own = listed(parameters.map((parameter) => pairsOf(document, parameter, known))).map((all) => all.flat())
  const odd = fc.array(oddPair(parameters.map(({ name }) => name)), { minLength: 1, maxLength: 3 })
  return fc
    .tuple(own, mostly(4, fc.constant<string[]>([]), odd), fc.boolean())
    .map(([pairs, more, isFirst]) => (isFirst ? [...more, ...pairs] : [...pairs, ...more]).join('&'))
    .map((query) => (query === '' ? '' : `?${query}`))
}

function headersOf(document: Document, { operation }: Place, known: Known): Arbitrary<(readonly [string, string])[]> {
  const own = (operation.parameters ?? [])
    .filter(({ in: at }) => at === 'header')
    .map(({ name, schema }) => {
      const value = mostly(2, validValue(document, schema, known, name).map(String), headerValue(name))
      return mostly(
        3,
        fc.constant([]),
        value.map((text) => [[name, text] as const]),
      )
    })
  const odd = fc.array(oddHeader, { minLength: 1, maxLength: 4 })
  return fc.tuple(listed(own), mostly(3, fc.constant([]), odd)).map(([all, more]) => [...all.flat(), ...more])
}

type Body = Pick<WireRequest, 'body' | 'framing'> & { readonly contentType: string | undefined }

const noBody: Body = { body: undefined, framing: 'length', contentType: undefined }

/** What becomes of JSON on its way: cut, doubled, in another encoding. */
const garbled: readonly ((json: string) => string | Buffer)[] = [
  (json) => json.slice(0, -1),
  (json) => json.slice(0, json.length / 2),
  (json) => `\ufeff${json}`,
  (json) => `${json}${json}`,
  (json) => `${json}\0`,
  (json) => ` \r\n\t${json}\n`,
  (json) => `[${json}]`,
  (json) => JSON.stringify(json),
  (json) => `${json.slice(0, -1)},${json.slice(1)}`,
  (json) => `${json.slice(0, -1)},"__proto__":{"polluted":1}}`,
  (json) => `${json.slice(0, -1)},"constructor":{"prototype":{"polluted":1}}}`,
  (json) => `${json.slice(0, -1)},"toString":1,"":1,"\\u0000":1}`,
  (json) => Buffer.from(json, 'utf16le'),
  (json) => Buffer.concat([Buffer.from(json.slice(0, -2)), Buffer.from([0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80])]),
  (json) => json.replaceAll('"', "'"),
  (json) => json.replaceAll(/\d+/g, '1e400'),
  () => '',
  () => '['.repeat(50_000),
  () => `{"skus":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
  () => `{"a":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`,
  (json) => `${json.slice(0, -1)},"x":"${'x'.repeat(1024 * 1024)}"}`,
  () => `{"skus":[${'"a",'.repeat(1000)}"b"]}`,
]

/** The body of an operation that takes one. */
function bodyOf(document: Document, { operation }: Place, known: Known): Arbitrary<Body> {
  const [content] = Object.values(operation.requestBody?.content ?? {})
  if (content === undefined) {
    const stray = fc.record({ body: oddJson.map(Buffer.from), framing, contentType: oddContentType })
    return mostly(20, fc.constant(noBody), stray)
  }
  const fitting = validValue(document, content.schema, known)
  const valid = content.example === undefined ? fitting : fc.oneof(fitting, fc.constant(content.example))
  const changed = fc
    .tuple(valid, fc.nat(50), oddJson)
    .map(([value, which, text]) => withPartReplaced(value, which, text))
  const text = fc.oneof(
    { weight: 4, arbitrary: valid.map((value) => JSON.stringify(value)) },
    { weight: 3, arbitrary: changed },
    {
      weight: 2,
      arbitrary: fc.tuple(valid, fc.constantFrom(...garbled)).map(([value, garble]) => garble(JSON.stringify(value))),
    },
  )
  return fc.record({
    body: text.map((given) => (typeof given === 'string' ? Buffer.from(given) : given)),
    framing: mostly(8, fc.constant<WireRequest['framing']>('length'), framing),
    contentType: mostly(8, fc.constant('application/json'), oddContentType),
  })
}

const framing: Arbitrary<WireRequest['framing']> = fc.constantFrom('length', 'chunked', 'cut short', 'none')

/** Any request that the document suggests, and what callers who mean ill or err make of it. */
export function requestsOf(document: Document, known: Known): Arbitrary<FuzzedRequest> {
  const places = operationsOf(document).map((place) => {
    const resource = place.path.split('/')[1] ?? ''
    const here = { ...known, id: known[resource] ?? [] }
    return { ...place, target: fc.tuple(pathOf(document, place, here), queryOf(document, place, here)), here }
  })
  const nowhere = { method: 'GET', path: '', operation: { parameters: [], responses: {} }, here: known }
  const targets = fc.oneof(
    ...places.map(({ target, ...place }) => ({
      weight: 2,
      arbitrary: target.map((parts) => ({ ...place, target: parts.join('') })),
    })),
    { weight: 3, arbitrary: elsewhere.map((target) => ({ ...nowhere, target })) },
  )
  return targets.chain((place) =>
    fc
      .record({
        mode: fc.constantFrom('mirror' as const, 'on-demand' as const),
        method: mostly(8, fc.constant(place.method), oddMethod),
        twist: mostly(
          10,
          fc.constant((target: string) => target),
          fc.constantFrom(...twists),
        ),
        headers: headersOf(document, place, place.here),
        body: bodyOf(document, place, place.here),
        isSigned: mostly(5, fc.constant(true), fc.constant(false)),
        key: mostly(5, fc.constant<FuzzedRequest['key']>('write'), fc.constantFrom('read', 'nobody', 'none')),
        keyBy: mostly(10, fc.constantFrom<FuzzedRequest['keyBy']>('authorization', 'x-api-key'), fc.constant('twice')),
      })
      .map(({ method, twist, headers, body: { body, framing: how, contentType }, isSigned, ...rest }) => {
        const type = contentType === undefined ? [] : [['content-type', contentType] as const]
        const takesSignature = place.operation.parameters?.some(({ name }) => name === 'svix-signature') ?? false
        return told({
          ...rest,
          method,
          target: twist(place.target),
          headers: [...type, ...headers],
          body,
          framing: how,
          isSigned: isSigned && takesSignature,
        })
      }),
  )
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
