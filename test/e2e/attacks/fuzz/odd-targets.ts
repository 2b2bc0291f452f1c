import fc, { type Arbitrary } from 'fast-check'
import type { Endpoint, Parameter } from '../../../openapi/document.js'
import { marker, oddText, percentEncoded, rawSegment, spelt } from './odd-values.js'
import { type FuzzContext, listed, schemaOf, validValue } from './schema-values.js'

/** Paths without an operation, or of undocumented pages. */
export const elsewhere: Arbitrary<string> = fc.constantFrom(
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

/** Ways to corrupt a whole target. */
export const twists: readonly ((target: string) => string)[] = [
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

/** Dot segments, which some servers resolve. */
const dots = fc.constantFrom('.', '..', '%2e', '%2e%2e', '%2E.')

/** A path parameter: an existing value or an odd one. */
function segmentOf({ document, known, mostly }: FuzzContext, { name, schema }: Parameter): Arbitrary<string> {
  const there = validValue(document, schema, known, name).map((value) => percentEncoded(String(value)))
  return mostly(4, there, fc.oneof(spelt(oddText), rawSegment, dots))
}

/** A path of an operation. */
export function pathOf(context: FuzzContext, { path, operation }: Endpoint): Arbitrary<string> {
  const segments = path
    .split('/')
    .slice(1)
    .map((segment) => {
      const parameter = operation.parameters?.find(({ in: at, name }) => at === 'path' && segment === `{${name}}`)
      return parameter ? segmentOf(context, parameter) : fc.constant(segment)
    })
  return listed(segments).map((parts) => parts.map((part) => `/${part}`).join(''))
}

/** The query pairs of one documented parameter. */
function pairsOf({ document, known, mostly }: FuzzContext, parameter: Parameter): Arbitrary<string[]> {
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
  return required ? mostly(20, pairs, left) : fc.oneof({ weight: 3, arbitrary: left }, pairs)
}

/** Undocumented query pairs, with known or unknown names. */
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

/** A query of an operation, with its `?`. */
export function queryOf(context: FuzzContext, { operation }: Endpoint): Arbitrary<string> {
  const parameters = (operation.parameters ?? []).filter(({ in: at }) => at === 'query')
  const own = listed(parameters.map((parameter) => pairsOf(context, parameter))).map((all) => all.flat())
  const odd = fc.array(oddPair(parameters.map(({ name }) => name)), { minLength: 1, maxLength: 3 })
  return fc
    .tuple(own, context.mostly(4, fc.constant<string[]>([]), odd), fc.boolean())
    .map(([pairs, more, isFirst]) => (isFirst ? [...more, ...pairs] : [...pairs, ...more]).join('&'))
    .map((query) => (query === '' ? '' : `?${query}`))
}
