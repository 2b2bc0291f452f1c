import tap, { type Test } from 'tap'
import { startService } from '../../harness.js'
import { type Exchange, exchange, headerOf } from './wire.js'

const body = '{"skus":["CUP"]}'
const size = body.length.toString(16)
const chunked = 'Transfer-Encoding: chunked'
const chunks = `${size}\r\n${body}\r\n0\r\n\r\n`
/** A request that a proxy with another idea of the framing would let through. */
const smuggled = 'GET /products/SMUGGLED HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: smuggled\r\n\r\n'
/** A second request on the same connection. A response to it shows that the end of the first was found. */
const next = 'GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: next\r\nConnection: close\r\n\r\n'

/** A query on a keep-alive connection, with additional headers, followed by `content`. */
const post = (headers: readonly string[], content: string) =>
  [
    'POST /stock/query HTTP/1.1',
    'Host: localhost',
    'X-Request-Id: first',
    'Content-Type: application/json',
    ...headers,
    '',
    content,
  ].join('\r\n')

const idsOf = ({ answers }: Exchange) => answers.map((answer) => headerOf(answer, 'x-request-id'))
const statusesOf = ({ answers }: Exchange) => answers.map(({ status }) => status)

/** Sends each named request on a connection of its own, followed by {@link next}. */
async function start(t: Test) {
  const { listen, sandbox, newCalls } = await startService(t)
  const port = await listen()
  const send = (request: string, methods: string[] = []) => exchange(port, request + next, { methods })
  return {
    newCalls,
    send,
    /** Asserts that each request gets a 400 and that its connection is closed before the next request is read. */
    async assertRejected(requests: Readonly<Record<string, string>>) {
      for (const [name, request] of Object.entries(requests)) {
        const received = await send(request)
        t.strictSame(statusesOf(received), [400], name)
        const [answer] = received.answers
        t.match(JSON.parse(String(answer?.body)), { code: 'validation_failed' }, name)
        t.equal(answer && headerOf(answer, 'connection'), 'close', name)
        t.equal(received.rest, '', name)
      }
      t.strictSame(
        sandbox.calls.map(({ url }) => url),
        [],
        'nothing is called upstream',
      )
    },
    /** Asserts that each request is one query, and that the next one is answered. */
    async assertAccepted(requests: Readonly<Record<string, string>>) {
      for (const [name, request] of Object.entries(requests)) {
        const received = await send(request)
        t.strictSame(idsOf(received), ['first', 'next'], name)
        t.strictSame(statusesOf(received), [200, 200], name)
        t.match(JSON.parse(String(received.answers[0]?.body)), { results: [{ sku: 'CUP', status: 'ok' }] }, name)
      }
    },
  }
}

tap.test('rejects a body with conflicting framing', async (t) => {
  const { assertRejected } = await start(t)
  await assertRejected({
    'CL.TE': post([`Content-Length: ${smuggled.length + 5}`, chunked], `0\r\n\r\n${smuggled}`),
    'TE.CL': post([chunked, 'Content-Length: 4'], `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`),
    'both, and the same': post([`Content-Length: ${chunks.length}`, chunked], chunks),
    'both in HTTP/1.0': post([`Content-Length: ${chunks.length}`, chunked], chunks).replace('HTTP/1.1', 'HTTP/1.0'),
    'two lengths': post(
      [`Content-Length: ${body.length}`, `Content-Length: ${body.length + smuggled.length}`],
      body + smuggled,
    ),
    'the same length twice': post([`Content-Length: ${body.length}`, `content-length: ${body.length}`], body),
    'lengths in a list': post([`Content-Length: ${body.length}, ${body.length}`], body),
    'a length behind the chunks': post([chunked], `${size}\r\n${body}\r\n0\r\nContent-Length: 50\r\n\r\n`),
  })
})

tap.test('rejects an invalid Content-Length', async (t) => {
  const { assertRejected, assertAccepted } = await start(t)
  const lengths = ['', '+16', '-1', '0x10', '16.0', '1e1', '16 16', '１６', '99999999999999999999', '16\x0b', '16;']
  await assertRejected(Object.fromEntries(lengths.map((length) => [length, post([`Content-Length: ${length}`], body)])))
  await assertAccepted({ 'with a zero in front': post(['Content-Length: 016'], body) })
})

tap.test('accepts chunked as the only transfer coding, in its exact spelling', async (t) => {
  const { assertRejected, assertAccepted } = await start(t)
  const codings = ['xchunked', 'identity', 'chunked, identity', 'chunked, chunked', 'chunked;a=b', '"chunked"']
  const spelt = ['\x0bchunked', 'chunked\x0b', '\0chunked', 'chunked\t', 'chunked,', 'ｃhunked']
  const all = [...codings, ...spelt]
  await assertRejected(
    Object.fromEntries(all.map((coding) => [coding, post([`Transfer-Encoding: ${coding}`], chunks)])),
  )
  await assertRejected({
    'chunked and then another': post([chunked, 'Transfer-Encoding: identity'], chunks),
    'chunked and a cow': post([chunked, 'Transfer-encoding: cow'], chunks),
    'in HTTP/1.0': post([chunked], chunks).replace('HTTP/1.1', 'HTTP/1.0'),
    'another before chunked': post(['Transfer-Encoding: gzip, chunked'], chunks),
    'identity before chunked': post(['Transfer-Encoding: identity, chunked'], chunks),
    'identity before chunked, in two fields': post(['Transfer-Encoding: identity', chunked], chunks),
  })
  await assertAccepted({ 'in other letters': post(['Transfer-Encoding: CHUNKED'], chunks) })
})

tap.test('rejects headers with ambiguous line ends', async (t) => {
  const { assertRejected } = await start(t)
  const length = `Content-Length: ${body.length}`
  await assertRejected({
    'a space before the colon': post([`Content-Length : ${body.length}`], body),
    'a space before the colon of a coding': post(['Transfer-Encoding : chunked'], chunks),
    'a space before the name': post([' Transfer-Encoding: chunked'], chunks),
    'a folded line': post(['Transfer-Encoding:\r\n chunked'], chunks),
    'a folded line with a tab': post([`Content-Length:\r\n\t${body.length}`], body),
    'a header in a folded line': post(['X: a\r\n Transfer-Encoding: chunked', length], body),
    'a bare LF': post(['X: a\nTransfer-Encoding: chunked', length], body),
    'a bare CR': post(['X: a\rTransfer-Encoding: chunked', length], body),
    'nothing but bare LFs': post([length], '').replaceAll('\r\n', '\n') + body,
    'a NUL': post(['X: a\0b', length], body),
    'no name': post([': a', length], body),
    'no colon': post(['Transfer-Encoding', length], body),
    'a word too many in the first line': post([length], body).replace('/stock/query', '/stock/query /livez'),
    'a tab in the first line': post([length], body).replace('POST ', 'POST\t'),
  })
})

tap.test('rejects chunks with ambiguous ends', async (t) => {
  const { assertRejected, assertAccepted } = await start(t)
  const withChunks = (all: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(all).map(([name, content]) => [name, post([chunked], content)]))
  const last = '\r\n0\r\n\r\n'
  await assertRejected(
    withChunks({
      'a sign': `+${size}\r\n${body}${last}`,
      'a minus': `-${size}\r\n${body}${last}`,
      'a hex prefix': `0x${size}\r\n${body}${last}`,
      'a space in front': ` ${size}\r\n${body}${last}`,
      'a space behind': `${size} \r\n${body}${last}`,
      'a size that overflows': `10000000000000010\r\n${body}${last}`,
      'a bare LF behind the size': `${size}\n${body}${last}`,
      'a bare LF behind the chunk': `${size}\r\n${body}\n0\r\n\r\n`,
      'nothing behind the chunk': `${size}\r\n${body}0\r\n\r\n`,
      'something else behind the chunk': `${size}\r\n${body}XX0\r\n\r\n`,
      'bare LFs at the end': `${size}\r\n${body}\r\n0\n\n`,
      'an extension with a line end in quotes': `${size};a="\r\n"\r\n${body}${last}`,
      'an extension that ends with a bare LF': `${size};a\n${body}${last}`,
      'an extension with a bare CR': `${size};a\rb\r\n${body}${last}`,
      'an extension without end': `${size};${'a'.repeat(20_000)}\r\n${body}${last}`,
      'a trailer with a space in its name': `${size}\r\n${body}\r\n0\r\nX Y: 1\r\n\r\n`,
    }),
  )
  await assertAccepted(
    withChunks({
      'an extension': `${size};a=b\r\n${body}${last}`,
      'zeros in front': `0000000000${size}\r\n${body}${last}`,
      'two zeros at the end': `${size}\r\n${body}\r\n00\r\n\r\n`,
      'a trailer, which is no header': `${size}\r\n${body}\r\n0\r\nX-Request-Id: smuggled\r\n\r\n`,
    }),
  )
})

tap.test('reads a body even if the route expects none', async (t) => {
  const { send, newCalls } = await start(t)
  const length = `Content-Length: ${smuggled.length}`
  const asChunks = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`
  const to = (first: string, headers: string[], content = smuggled) =>
    [first, 'Host: localhost', 'X-Request-Id: first', ...headers, '', content].join('\r\n')
  const requests: [name: string, status: number, request: string][] = [
    ['of a GET', 200, to('GET /livez HTTP/1.1', [length])],
    ['of a GET, in chunks', 200, to('GET /livez HTTP/1.1', [chunked], asChunks)],
    ['of a HEAD', 200, to('HEAD /livez HTTP/1.1', [length])],
    ['of a method that is not known', 405, to('DELETE /livez HTTP/1.1', [length])],
    ['of a type that is not known', 415, to('POST /stock/query HTTP/1.1', ['Content-Type: text/plain', length])],
    ['of a bad address', 400, to('GET /%zz HTTP/1.1', [length])],
    ['of a bad address, in chunks', 400, to('GET /%zz HTTP/1.1', [chunked], asChunks)],
  ]
  for (const [name, status, request] of requests) {
    const received = await send(request, [request.split(' ', 1)[0] ?? ''])
    t.strictSame(idsOf(received), ['first', 'next'], name)
    t.strictSame(statusesOf(received), [status, 200], name)
    t.equal(received.rest, '', name)
  }
  const json = 'Content-Type: application/json'
  for (const first of ['POST /stock/query HTTP/1.1', 'POST /nowhere HTTP/1.1', 'PUT /inventory/a/adjust HTTP/1.1']) {
    const received = await send(to(first, [json, length]))
    t.strictSame(idsOf(received), ['first'], `${first}: invalid JSON closes the connection`)
    t.strictSame(statusesOf(received), [400])
  }
  const expecting = await send(to('POST /stock/query HTTP/1.1', [json, 'Expect: nonsense', length]))
  t.strictSame(idsOf(expecting), ['first'], 'an unknown expectation')
  t.strictSame(newCalls(), [])
})

tap.test('handles pipelined requests separately', async (t) => {
  const { send, newCalls } = await start(t)
  const received = await send(smuggled + smuggled)
  t.strictSame(idsOf(received), ['smuggled', 'smuggled', 'next'])
  t.strictSame(statusesOf(received), [404, 404, 200])
  t.strictSame(newCalls(), ['GET /wms/products?sku[in]=SMUGGLED'])
  const closed = await send(smuggled.replace('Host', 'Connection: close\r\nHost') + smuggled)
  t.equal(closed.answers.length, 1, 'no request after Connection: close is answered')
})

tap.test('regression: an adjustment behind a malformed body was made and never answered', async (t) => {
  const { send, newCalls } = await start(t)
  const content = '{"quantity":1,"adjustment_type":"increase"}'
  const adjustment = [
    'PUT /inventory/inv_cup/adjust HTTP/1.1',
    'Host: localhost',
    'Content-Type: application/json',
    `Content-Length: ${content.length}`,
    '',
    content,
  ].join('\r\n')
  const received = await send(post(['Content-Length: 5'], '{"a":') + adjustment)
  t.strictSame(idsOf(received), ['first'])
  t.strictSame(statusesOf(received), [400])
  t.strictSame(newCalls(), [], 'nothing is called upstream')
})

tap.test('regression: an adjustment behind a request without Host was carried out and never answered', async (t) => {
  const { send, newCalls } = await start(t)
  for (const head of ['GET /livez HTTP/1.1', 'GET /livez HTTP/1.1\r\nConnection: keep-alive']) {
    const came = await send(`${head}\r\n\r\n${smuggled}`)
    t.strictSame(statusesOf(came), [400])
    const [answer] = came.answers
    t.match(JSON.parse(String(answer?.body)), { code: 'validation_failed', detail: /Host/ })
    t.equal(answer && headerOf(answer, 'connection'), 'close')
  }
  t.strictSame(newCalls(), [], 'nothing is called upstream')
})
