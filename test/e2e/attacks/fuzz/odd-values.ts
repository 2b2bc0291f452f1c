import fc, { type Arbitrary } from 'fast-check'
import { anyText, oddTexts } from '../../../odd-texts.js'

/** Injected wherever a caller could smuggle in a header: no response header may contain it. */
export const marker = 'x-injected'

const injection = `a\r\n${marker}: 1`

/** Texts with a special meaning in other contexts, or hard to encode. */
const texts = [
  ...oddTexts,
  '',
  ',',
  'a,b',
  '..,..',
  'a\0b',
  injection,
  `${injection}\r\n\r\nGET /livez HTTP/1.1\r\n\r\n`,
  `a\n${marker}: 1`,
  `a\r${marker}: 1`,
  'prototype',
  'hasOwnProperty',
  'then',
  'true',
  'NaN',
  '\u202eright to left',
  '\u05e9\u05dc\u05d5\u05dd',
  'e\u0301\u0327\u0300',
  '\u{1f469}\u200d\u{1f469}\u200d\u{1f467}',
  '\u{10ffff}',
  '\ufeff',
  '\ufffe',
  '\u2028\u2029\u0085',
  '\u0130\u00df\ufb01',
  '\u0661\u0662\u0663',
  '\ud800',
  'a\udc00b',
  '\ude00\ud83d',
  '\u0024{7*7}',
  '-1',
  '0',
  '-0',
  '1e400',
  '1e-400',
  '0x10',
  '9007199254740993',
  '1.5',
  '2999-99-99T99:99:99Z',
] as const

/** Long texts; rare, because they are slow to send. */
const longTexts = ['x'.repeat(255), 'x'.repeat(256), '\u{1f600}'.repeat(255), '\u{1f600}'.repeat(256), 'x'.repeat(5000)]

/** Any text, mostly odd. */
export const oddText: Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...texts) },
  { weight: 2, arbitrary: anyText({ maxLength: 40 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
  { weight: 1, arbitrary: fc.constantFrom(...longTexts) },
)

/** Ways to encode a text in a URL, as Latin-1 strings, a character for each byte. */
const spellings: readonly ((text: string) => string)[] = [
  percentEncoded,
  percentEncoded,
  percentEncoded,
  (text) => bytesOf(text).replaceAll(/[\s\S]/g, escaped),
  (text) => percentEncoded(text).toLowerCase(),
  (text) => percentEncoded(percentEncoded(text)),
  (text) => percentEncoded(text).replaceAll('%20', '+'),
  // Overlong UTF-8, which no decoder may accept.
  (text) => percentEncoded(text).replaceAll(/[!-$&-~]/g, (c) => `%C0%${(c.charCodeAt(0) | 0x80).toString(16)}`),
  bytesOf,
]

/** UTF-8, with a lone surrogate as three bytes (WTF-8). */
function bytesOf(text: string): string {
  return Array.from(text, (character) => {
    const code = character.charCodeAt(0)
    if (character.length === 2 || code < 0xd800 || code > 0xdfff) return Buffer.from(character).toString('latin1')
    return String.fromCharCode(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f))
  }).join('')
}

const escaped = (byte: string) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

export function percentEncoded(text: string): string {
  return bytesOf(text).replaceAll(/[^\w.~-]/g, escaped)
}

/** A text in one of these encodings. */
export const spelt = (text: Arbitrary<string>): Arbitrary<string> =>
  fc.tuple(text, fc.constantFrom(...spellings)).map(([value, spell]) => spell(value))

/** Path segments that no encoder produces. */
export const rawSegment: Arbitrary<string> = fc.constantFrom(
  '',
  '.',
  '..',
  '...',
  '%2e',
  '%2e%2e',
  '%2E%2e%2F..',
  '..%2f..%2fwms%2fproducts',
  '..%5c..',
  '..;',
  '.;a=b',
  ';a=b',
  'a;b=c',
  '%',
  '%z',
  '%zz',
  '%u0041',
  '%c0%ae%c0%ae%c0%af',
  '%e0%80%af',
  '%f0%80%80%af',
  '%f4%90%80%80',
  '%f8%88%80%80%80',
  '%ff',
  '%fe%ff',
  '%ed%a0%80',
  '%ed%a0%bd%ed%b8%80',
  '%00',
  `%0d%0a${marker}:%201`,
  `%0d%0a%0d%0aGET%20/livez`,
  '%250d%250a',
  '%252e%252e%252f',
  '%25%32%65',
  '~',
  '*',
  "'",
  '"',
  '<',
  '{sku}',
  '[0]',
  '|',
  '^',
  '`',
  '\\',
  '\\..\\',
  '%5c',
  '#',
  'a#b',
  '\x01',
  '\x7f',
  '\x80\xff',
  '\xc3\xa9',
  ':sku',
  '%3a',
  '@',
  'a@b',
)

/** Header values: arbitrary bytes, and line ends that try to inject a header. */
export const oddHeaderValue: Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\t',
    '*',
    ',',
    ',,,,',
    ';',
    '"',
    '""',
    'a'.repeat(300),
    ','.repeat(5000),
    ' '.repeat(5000),
    injection,
    `a\n${marker}: 1`,
    `a\r${marker}: 1`,
    `a\r\n ${marker}: 1`,
    `%0d%0a${marker}:%201`,
    `\\r\\n${marker}: 1`,
    `a\u0085${marker}: 1`,
    marker,
    'a\0b',
    'a\x0bb',
    '\x7f',
    '\xc3\xa9',
    '\xff\xfe',
    '__proto__',
    '0',
    '-1',
    '1e400',
    '99999999999999999999',
    'null',
  ),
  fc.string({ unit: 'binary-ascii', maxLength: 30 }),
)

/** Plausible values of a header by its name, valid and invalid. */
const headerValues: Readonly<Record<string, readonly string[]>> = {
  accept: [
    '*/*',
    'application/json',
    'text/html',
    'application/*;q=0.1',
    'application/json;q=0',
    'application/json;q=nan',
    'application/problem+json',
    'text/event-stream',
    'a/b;c="d,e";q=1,*/*;q=0.0001',
    'application/json;'.repeat(200),
    '/',
  ],
  'accept-encoding': ['gzip', 'br', 'gzip;q=0, *;q=0', 'identity;q=0', 'zstd, deflate', '*', 'gzip,'.repeat(500)],
  'accept-language': ['de, en;q=0.5', '*'],
  authorization: [
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'bearer x',
    'Basic YTpi',
    'Bearer \xff',
    `Bearer ${'k'.repeat(9000)}`,
  ],
  'x-api-key': ['', 'k', 'sandbox-api-key', '__proto__', 'a:b', 'k'.repeat(9000)],
  'x-trackstar-access-token': ['injected'],
  'x-trackstar-api-key': ['injected'],
  'cache-control': [
    'no-cache',
    'no-store',
    'max-age=0',
    'max-age=-1',
    'max-age=1e9',
    `max-age=${'9'.repeat(400)}`,
    'max-age="1"',
    'max-age=1, max-age=100',
    'only-if-cached',
    'ONLY-IF-CACHED, NO-CACHE',
    'only-if-cached=1',
    'private="a, no-cache"',
  ],
  pragma: ['no-cache'],
  'if-none-match': ['*', '"a"', 'W/"a"', 'W/', '"', 'W/"a", W/"b"', '"a,b"', `${'"x",'.repeat(2000)}*`],
  'if-match': ['*', '"a"'],
  'if-modified-since': ['Mon, 23 Nov 2026 10:00:00 GMT', 'yesterday'],
  range: ['bytes=0-0', 'bytes=-1', `bytes=${'0-,'.repeat(1000)}0-`],
  'last-event-id': ['a-1', '-', '-1', 'a-999999999999999', 'a-9999999999999999', 'a-1\u00e9', '-'.repeat(100)],
  'idempotency-key': ['1', 'a b', 'k'.repeat(255), 'k'.repeat(256), '"k"', '\x7f', marker],
  traceparent: [
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    '00-00000000000000000000000000000000-0000000000000000-00',
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    '00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-01',
    '00-',
  ],
  tracestate: ['a=1,b=2', '=,=', 'a=1,'.repeat(100)],
  baggage: ['a=1', `${marker}=1`],
  'x-request-id': ['mine', 'a b', 'x'.repeat(129), '{}', marker],
  'x-forwarded-for': ['1.2.3.4', '::1', 'unknown', '1.2.3.4, 5.6.7.8', '127.0.0.1,'.repeat(500), `1.2.3.4:${marker}`],
  'x-forwarded-host': ['evil.test', `${marker}.test`, 'a b'],
  'x-forwarded-proto': ['https', 'javascript'],
  forwarded: [`for=1.2.3.4;host=${marker}`],
  'x-original-url': ['/status'],
  'x-rewrite-url': ['/status'],
  'x-http-method-override': ['DELETE', 'PUT'],
  origin: ['https://shop.example', 'null', 'https://evil.test', `https://${marker}`, '*'],
  'access-control-request-method': ['PUT', 'GET', marker],
  'access-control-request-headers': ['x-api-key', marker],
  'content-encoding': ['gzip', 'identity', 'nonsense'],
  'content-language': ['de'],
  cookie: ['a=b', `${marker}=1`],
  expect: ['100-continue', 'nonsense', '100-continue, nonsense'],
  connection: ['keep-alive', 'upgrade', 'x-request-id', 'close, te'],
  upgrade: ['websocket', 'h2c', 'HTTP/2.0'],
  'http2-settings': ['AAMAAABkAARAAAAAAAIAAAAA'],
  te: ['trailers', 'gzip'],
  trailer: ['content-length', marker],
  host: ['', 'evil.test', 'a b', 'test:99999', marker, 'test\\@evil', '[::1]', 'a,b', 'test/path'],
  'svix-id': ['msg_1', '', 'a.b'],
  'svix-timestamp': ['0', '-1', 'now', '1e400', '99999999999999'],
  'svix-signature': ['v1,', 'v1,AAAA', 'v2,AAAA v1,BBBB', 'v1,AAAA '.repeat(500), ',,'],
  'user-agent': [`${marker}/1.0`, ''],
}

/** Header names that no regular client sends. */
const oddNames = [
  '__proto__',
  'constructor',
  'X',
  ':path',
  ':method',
  'Bad Name',
  'Bad(Name)',
  '',
  ' leading',
  'trailing ',
  'x\0y',
  '\xe9',
  'Content_Length',
  'X-Trackstar-Access-Token ',
  marker,
]

type Header = readonly [name: string, value: string]

/** One additional header. */
export const oddHeader: Arbitrary<Header> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .constantFrom(...Object.keys(headerValues))
      .chain((name) => fc.tuple(fc.constant(name), headerValue(name))),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...oddNames), oddHeaderValue) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('x-big'), fc.constantFrom('x'.repeat(20_000), 'x'.repeat(40_000))) },
)

/** A value of the header, plausible or arbitrary. */
export function headerValue(name: string): Arbitrary<string> {
  const own = headerValues[name] ?? []
  return own.length === 0 ? oddHeaderValue : fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...own) }, oddHeaderValue)
}

/** Media types, of which only the first few are accepted. */
export const oddContentType: Arbitrary<string> = fc.constantFrom(
  'application/json',
  'application/json; charset=utf-8',
  'APPLICATION/JSON',
  'application/json;charset=utf-16',
  'application/json; charset="',
  'application/json, text/plain',
  'application/problem+json',
  'application/jsonx',
  'text/json',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/octet-stream',
  '*/*',
  '/',
  'nonsense',
  '',
  '__proto__',
  `application/json;${'a=b;'.repeat(500)}`,
)

/** JSON texts that are wrong almost anywhere. */
export const oddJson: Arbitrary<string> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'null',
      'true',
      'false',
      '0',
      '-0',
      '-1',
      '1.5',
      '1e400',
      '-1e400',
      '1e-400',
      '9007199254740992',
      '9007199254740993',
      '123456789012345678901234567890',
      '1e9',
      '1000000001',
      '""',
      '"1"',
      '[]',
      '[[]]',
      '[null]',
      '{}',
      '{"length":1}',
      '{"toString":null}',
      '{"toJSON":1}',
      '{"__proto__":{"polluted":1}}',
      '{"constructor":{"prototype":{"polluted":1}}}',
      '{"$ref":"#"}',
      '"\\ud800"',
      '"\\u0000"',
      `"a\\r\\n${marker}: 1"`,
      `${'['.repeat(500)}${']'.repeat(500)}`,
    ),
  },
  { weight: 2, arbitrary: oddText.map((text) => JSON.stringify(text)) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom('NaN', 'undefined', "'a'", '01', '+1', '.5', '1.', '0x1', '"', '{', '/**/') },
)
