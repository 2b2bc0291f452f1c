import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { brotliCompressSync, constants, createGzip, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import tap, { type Test } from 'tap'
import { Agent } from 'undici'
import { maxBodyBytes, parseJson } from '../../src/trackstar/response-body.js'
import { httpTransport } from '../../src/trackstar/transport.js'
import { problemOf } from '../harness.js'

const credentials = { apiKey: 'api-key', accessToken: 'access-token' }

/** The transport in front of a server on a loopback port. */
async function start(t: Test, listener: RequestListener, timeoutMs = 5000) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const dispatcher = new Agent()
  t.teardown(() => dispatcher.destroy())
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const base = `http://127.0.0.1:${Object(server.address()).port}`
  const transport = httpTransport(dispatcher, base, credentials)
  return { server, call: () => transport({ method: 'GET', path: '/' }, { timeoutMs, onSent: () => {} }) }
}

const body = { data: [{ id: 'Müller', sku: 'x'.repeat(5000) }] }
const json = JSON.stringify(body)

tap.test('requests content codings, and decodes the response', async (t) => {
  const raw = Buffer.from(json)
  const half = raw.length >> 1
  const table: [coding: string | string[], bytes: Buffer][] = [
    ['gzip', gzipSync(raw)],
    ['X-GZIP', gzipSync(raw)],
    ['gzip', Buffer.concat([gzipSync(raw.subarray(0, half)), gzipSync(raw.subarray(half))])],
    ['deflate', deflateSync(raw)],
    ['deflate', deflateSync(raw, { level: 0 })],
    ['deflate', deflateRawSync(raw)],
    ['br', brotliCompressSync(raw)],
    ['gzip, br', brotliCompressSync(gzipSync(raw))],
    [['deflate', 'gzip'], gzipSync(deflateRawSync(raw))],
    ['identity', raw],
    [' , gzip,', gzipSync(raw)],
    ['', raw],
  ]
  let requested: unknown
  let next = 0
  const { call } = await start(t, (request, response) => {
    requested = request.headers['accept-encoding']
    const [coding, bytes] = table[next++] ?? ['', raw]
    // Byte by byte at first, as a slow line would deliver it.
    response.setHeader('content-encoding', coding)
    response.write(bytes.subarray(0, 1), () => response.end(bytes.subarray(1)))
  })
  for (const [coding] of table) t.match(await call(), { status: 200, body }, String(coding))
  t.equal(requested, 'gzip, deflate, br')
})

tap.test('decodes error responses as well', async (t) => {
  const { call } = await start(t, (_request, response) => {
    response.writeHead(422, { 'content-encoding': 'gzip' }).end(gzipSync('{"error": "no", "origin": "trackstar"}'))
  })
  t.match(await call(), { status: 422, body: { error: 'no' } })
})

tap.test('reports why a body cannot be decoded', async (t) => {
  const gzip = gzipSync(json)
  const unknown = /content coding that was requested/
  const wrong = /encoded as Content-Encoding says/
  const table: [coding: string, bytes: Buffer | string, fault: RegExp][] = [
    ['zstd', json, unknown],
    ['constructor', json, unknown],
    ['gzip, gzip, gzip, gzip, gzip', json, unknown],
    ['gzip', json, wrong],
    ['gzip', gzip.subarray(0, -20), wrong],
    ['gzip', Buffer.from(gzip).fill(7, 20, 40), wrong],
    ['deflate', deflateSync(json).subarray(0, 30), wrong],
    ['deflate', deflateRawSync(json).subarray(0, 30), wrong],
    ['br', brotliCompressSync(json).subarray(0, 30), wrong],
    ['br, gzip', gzip, wrong],
    ['gzip', '', /must be JSON/],
    ['', '', /must be JSON/],
  ]
  let next = 0
  const { call } = await start(t, (_request, response) => {
    const [coding = '', bytes = ''] = table[next++] ?? []
    response.writeHead(200, { 'content-encoding': coding }).end(bytes)
  })
  for (const [coding, , fault] of table) {
    t.match(await call(), { status: 200, body: undefined, fault }, coding)
  }
})

tap.test('treats a compressed body that ends early as a failed connection', async (t) => {
  const bytes = gzipSync(json)
  const { call } = await start(t, (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': bytes.length })
    response.write(bytes.subarray(0, 20), () => response.destroy())
  })
  t.match(await problemOf(call()), { problem: 'upstream_unavailable' })
})

tap.test('regression: an endless body was collected until the timeout', async (t) => {
  const zeros = Buffer.alloc(65_536, ' ')
  for (const coding of ['identity', 'gzip']) {
    let closed: Promise<unknown> | undefined
    let written = 0
    const { call } = await start(
      t,
      (_request, response) => {
        closed = once(response, 'close')
        response.writeHead(200, { 'content-encoding': coding })
        const encoder = coding === 'gzip' ? createGzip({ flush: constants.Z_SYNC_FLUSH }) : undefined
        encoder?.pipe(response)
        const target = encoder ?? response
        const write = () => {
          while (!response.destroyed && target.write(zeros)) written += zeros.length
        }
        target.on('drain', write)
        write()
      },
      20_000,
    )
    t.match(await call(), { status: 200, body: undefined, fault: /larger than 32 MiB/ }, coding)
    await closed
    t.ok(written < 4 * maxBodyBytes, `${coding}: the connection is closed`)
  }
})

tap.test('stops reading a small body that is too large when decoded', async (t) => {
  const large = Buffer.alloc(maxBodyBytes + 1, ' ')
  const table: [string, Buffer][] = [
    ['gzip', gzipSync(large, { level: 1 })],
    ['deflate', deflateSync(large, { level: 1 })],
    ['br', brotliCompressSync(large, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
  ]
  table.push(['gzip, gzip', gzipSync(table[0]?.[1] ?? '')])
  let next = 0
  const { call } = await start(t, (_request, response) => {
    const [coding = '', bytes] = table[next++] ?? []
    response.writeHead(next === 4 ? 500 : 200, { 'content-encoding': coding }).end(bytes)
  })
  for (const [n, [coding]] of table.entries()) {
    t.match(await call(), { status: n === 3 ? 500 : 200, body: undefined, fault: /larger than 32 MiB/ }, coding)
  }
})

tap.test('times out a compressed body that never ends', async (t) => {
  const { call } = await start(
    t,
    (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' })
      response.write(gzipSync(json).subarray(0, 20))
    },
    80,
  )
  t.match(await problemOf(call()), { problem: 'upstream_timeout' })
})

tap.test('marks a body that is nested deeply, and does not parse one that is nested excessively', async (t) => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  const texts: [string, object][] = [
    [nested(100), { isDeep: false }],
    [`["${'['.repeat(500)}", "\\"${'{'.repeat(500)}"]`, { isDeep: false }],
    [nested(101), { isDeep: true }],
    [nested(9000), { isDeep: true }],
    [nested(20_001), { body: undefined, fault: /levels of nesting/ }],
    [`[${'{},'.repeat(1_000_000)}0]`, { body: undefined, fault: /objects and arrays/ }],
    ['{"data": [', { body: undefined, fault: /must be JSON/ }],
  ]
  let next = 0
  const { call } = await start(t, (_request, response) => void response.end(texts[next++]?.[0]))
  for (const [text, expected] of texts) t.match(await call(), expected, text.slice(0, 9))
})

tap.test('reports a response that is not HTTP, or has too many header fields', async (t) => {
  const { server, call } = await start(t, (request) => void request.socket.end('220 smtp.example ESMTP\r\n'))
  t.match(await problemOf(call()), { problem: 'upstream_invalid_response', message: /valid HTTP/ })
  server.removeAllListeners('request')
  server.on('request', (_request, response) => {
    response.setHeader('x-large', 'x'.repeat(30_000)).end('{}')
  })
  t.match(await problemOf(call()), { problem: 'upstream_invalid_response', message: /valid HTTP/ })
})

tap.test('skips interim responses', async (t) => {
  const { call } = await start(t, (_request, response) => {
    response.writeProcessing()
    response.writeEarlyHints({ link: '</style.css>; rel=preload' })
    response.end('{}')
  })
  t.match(await call(), { status: 200, body: {} })
})

/** `JSON.parse` with a page's list replaced, to produce texts that are nearly JSON. */
const jsonText = fc
  .tuple(fc.jsonValue({ maxDepth: 3 }), fc.array(fc.jsonValue({ maxDepth: 3 })), fc.nat(4), fc.nat(3))
  .chain(([rest, data, indent, form]) => {
    const body = [{ next_token: rest, data }, { data, rest }, { rest: { data } }, [data, 'data', data]][form]
    return fc.constant(JSON.stringify(body, undefined, indent))
  })
const edit = fc.tuple(
  fc.nat(400),
  fc.nat(3),
  fc.constantFrom('', ',', '[', ']', '{', '}', '"', ' ', '\\', '"data":[', '0'),
)

tap.test('parses whatever JSON.parse parses, to the same value, and nothing else', async (t) => {
  const outcomeOf = async (parse: () => unknown) => {
    try {
      return { value: await parse() }
    } catch {
      return 'rejected'
    }
  }
  const texts = fc.tuple(jsonText, fc.option(edit)).map(([text, change]) => {
    if (change === null) return text
    const [at, removed, added] = change
    return text.slice(0, at) + added + text.slice(at + removed)
  })
  const check = fc.asyncProperty(texts, async (text) => {
    const expected = await outcomeOf(() => JSON.parse(text))
    const found = await outcomeOf(async () => (await parseJson(text)).value)
    assert.deepStrictEqual(found, expected)
  })
  const twice = [
    '{"data":[1],"data":[2]}',
    '{"data":[1],"data":3}',
    '{"data":[1],"d\\u0061ta":[2]}',
    '{"d\\u0061ta":[1],"data":[2]}',
    '{"data":[1,]}',
    '{"data":[,1]}',
    '{"data":[ ]}',
    '{"data":[[1,2],{"a":[3]}, "],[" ]}',
    '{"data":[1}',
    '{"data":{"data":[1]}}',
    '["data",[1]]',
    '{"a":"data","b":[1]}',
    '{"data" : [ {"__proto__": 1} ]}',
    '',
    ' ',
    '{',
  ]
  await fc.assert(check, { numRuns: 500, examples: twice.map((text) => [text]) })
  t.pass()
})

tap.test('measures each record of a page as the size of its JSON, however it is written', async (t) => {
  const data = [{ id: 'é😀', list: [1, 2], text: 'a  "b\\ {' }, {}, 'x  y', 12.5, null, []]
  const sizes = data.map((element) => Buffer.byteLength(JSON.stringify(element)))
  for (const indent of [0, 2, 7]) {
    const { dataBytes } = await parseJson(JSON.stringify({ total_count: 9, data, next_token: null }, undefined, indent))
    t.strictSame(dataBytes, sizes)
  }
  t.equal((await parseJson('{"data":{"id":"x"}}')).dataBytes, undefined)
})

tap.test('lets the event loop go round while it parses a large page', async (t) => {
  const record = { id: 'inv_1', name: 'Sencha', lots: Array.from({ length: 40 }, (_, n) => ({ lot_id: n, onhand: n })) }
  const text = JSON.stringify({ data: Array.from({ length: 6000 }, () => record), next_token: null })
  let rounds = 0
  const count = () => {
    rounds++
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  const { value } = await parseJson(text)
  clearImmediate(counting)
  t.equal((value as { data: unknown[] }).data.length, 6000)
  t.ok(rounds > 3, `${rounds} rounds`)
})
