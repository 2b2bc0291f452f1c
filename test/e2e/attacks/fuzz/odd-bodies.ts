import fc, { type Arbitrary } from 'fast-check'
import type { Endpoint } from '../../../openapi/document.js'
import type { WireRequest } from '../wire.js'
import { oddContentType, oddJson } from './odd-values.js'
import { type FuzzContext, validValue, withPartReplaced } from './schema-values.js'

/** A body and its framing. */
export type Body = Pick<WireRequest, 'body' | 'framing'> & { readonly contentType: string | undefined }

const noBody: Body = { body: undefined, framing: 'length', contentType: undefined }

/** Ways to corrupt JSON: truncated, repeated, in another encoding. */
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

const framing: Arbitrary<WireRequest['framing']> = fc.constantFrom('length', 'chunked', 'cut short', 'none')

/** The body of an operation that takes one. */
export function bodyOf({ document, known, mostly }: FuzzContext, { operation }: Endpoint): Arbitrary<Body> {
  const [content] = Object.values(operation.requestBody?.content ?? {})
  if (content === undefined) {
    const stray = fc.record({ body: oddJson.map(Buffer.from), framing, contentType: oddContentType })
    return mostly(20, fc.constant(noBody), stray)
  }
  const fitting = validValue(document, content.schema, known)
  const valid = content.example === undefined ? fitting : fc.oneof(fitting, fc.constant(content.example))
  const whole = valid.map((value) => JSON.stringify(value))
  const changed = fc
    .tuple(valid, fc.nat(50), oddJson)
    .map(([value, which, text]) => withPartReplaced(value, which, text))
  const broken = fc.tuple(whole, fc.constantFrom(...garbled)).map(([text, garble]) => garble(text))
  const odd = fc.oneof({ weight: 3, arbitrary: changed }, { weight: 2, arbitrary: broken })
  return fc.record({
    body: mostly(2, whole, odd).map((given) => (typeof given === 'string' ? Buffer.from(given) : given)),
    framing: mostly(8, fc.constant<WireRequest['framing']>('length'), framing),
    contentType: mostly(8, fc.constant('application/json'), oddContentType),
  })
}
