import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import tap from 'tap'
import { newItem, newProduct } from '../../../src/sandbox/new-records.js'
import { EventStream } from '../../event-stream.js'
import { eventually, getOverSocket, overSocket, type Service, startService } from '../../harness.js'
import { startMirrored } from '../mirror/mirrored.js'
import { exchange, headerOf } from './wire.js'

const stock = '/products/HONEY-1/stock'
const merchants = { cust_aurora: 15, cust_borealis: 4 } as const
type Merchant = keyof typeof merchants

/** A request of a caller of one of two merchants that share a SKU. */
const asking = fc.record({
  merchant: fc.constantFrom<Merchant | undefined>('cust_aurora', 'cust_borealis', undefined),
  by: fc.constantFrom('path', 'query', 'body'),
  cacheControl: fc.constantFrom(undefined, 'no-cache', 'max-age=0', 'max-age=9999', 'only-if-cached'),
  // The ETag of the latest response to any caller.
  isConditional: fc.boolean(),
  odd: fc.constantFrom(
    {},
    { 'x-forwarded-host': 'cust_borealis' },
    { 'x-original-url': `${stock}?warehouse_customer_id=cust_borealis` },
    { cookie: 'warehouse_customer_id=cust_borealis' },
    { 'x-http-method-override': 'POST' },
    { range: 'bytes=0-10' },
    { vary: 'X-Merchant', 'x-merchant': 'cust_aurora' },
  ),
})

tap.test("never returns one merchant's stock to another, whatever the order and form of the requests", async (t) => {
  for (const { get, post } of [await startService(t), await startMirrored(t)]) {
    let lastTag = '"none"'
    await fc.assert(
      fc.asyncProperty(fc.array(asking, { minLength: 2, maxLength: 8 }), async (all) => {
        for (const { merchant, by, cacheControl, isConditional, odd } of all) {
          const headers = {
            ...odd,
            ...(cacheControl && { 'cache-control': cacheControl }),
            ...(isConditional && { 'if-none-match': lastTag }),
          }
          const query = merchant ? `warehouse_customer_id=${merchant}` : ''
          const own = merchant && { warehouse_customer_id: merchant }
          const answer =
            by === 'path'
              ? await get(`${stock}?${query}`, headers)
              : by === 'query'
                ? await get(`/stock?sku=HONEY-1&${query}`, headers)
                : await post('/stock/query', { skus: ['HONEY-1'], ...own }, headers)
          const { statusCode, body } = answer
          if (statusCode === 504 && cacheControl === 'only-if-cached') continue
          if (statusCode === 304) {
            // A 304 is right only if the caller sent the ETag of this response.
            if (!isConditional || answer.headers.etag !== lastTag) throw new Error('304 without a matching ETag')
            continue
          }
          if (answer.headers.etag) lastTag = answer.headers.etag
          const isAmbiguous = /"code":"sku_ambiguous"/.test(body)
          const available = /"available":(\d+)/.exec(body)?.[1]
          const isRight = merchant ? Number(available) === merchants[merchant] && !isAmbiguous : isAmbiguous
          if (!isRight) throw new Error(`${merchant} was answered ${statusCode} ${body}`)
        }
      }),
      { numRuns: 30 },
    )
    t.equal(
      (await get(`${stock}?warehouse_customer_id=cust_aurora&warehouse_customer_id=cust_borealis`)).statusCode,
      400,
    )
    t.equal((await get(`${stock}?warehouse_customer_id[]=cust_borealis`)).statusCode, 400)
  }
})

const keys = { AUTH_MODE: 'api-key', API_KEYS: 'one:key-of-one,two:key-of-two' }

tap.test('requests of one caller do not affect another', async (t) => {
  const { get, newCalls } = await startService(t, { environment: keys })
  const [one, two] = [{ 'x-api-key': 'key-of-one' }, { 'x-api-key': 'key-of-two' }]
  const url = '/products/CUP/stock'
  const missed = await get(url, { ...one, 'cache-control': 'only-if-cached' })
  t.equal(missed.statusCode, 504)
  const first = await get(url, two)
  t.equal(first.statusCode, 200)
  const tag = String(first.headers.etag)
  for (const headers of [
    { 'if-none-match': tag },
    { 'if-none-match': '*' },
    { accept: 'text/html' },
    { 'accept-encoding': 'gzip' },
    { 'cache-control': 'no-store' },
    { origin: 'https://evil.test' },
    { 'x-api-key': 'wrong' },
  ]) {
    await get(url, { ...one, ...headers })
    const after = await get(url, two)
    t.equal(after.statusCode, 200, JSON.stringify(headers))
    t.same(after.json().available, first.json().available)
    t.match(after.headers, { 'cache-control': /^private, /, vary: /Authorization, X-API-Key, Origin/i, etag: tag })
    t.notOk(after.headers['content-encoding'])
  }
  t.equal((await get(url)).statusCode, 401, 'a cached record needs a key too')
  t.equal((await get(url, { 'if-none-match': tag })).statusCode, 401)
  t.equal(newCalls().length, 2, 'the product and its item, once each')
})

const json = 'Content-Type: application/json'
const mebibyte = 1024 * 1024
/** A query of this many bytes. */
const bodyOf = (bytes: number) => `{"skus":["CUP"],"x":"${'x'.repeat(bytes - 23)}"}`
const post = (headers: string, content = '') =>
  `POST /stock/query HTTP/1.1\r\nHost: localhost\r\n${json}\r\n${headers}\r\n\r\n${content}`

tap.test('accepts a body of 1 MiB and stops reading a larger one, with either framing', async (t) => {
  const { listen, sandbox } = await startService(t)
  const port = await listen()
  const chunks = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
  const [fits, large] = [bodyOf(mebibyte), bodyOf(mebibyte + 1)]
  const requests: [name: string, status: number, request: string][] = [
    ['a mebibyte', 400, post(`Connection: close\r\nContent-Length: ${mebibyte}`, fits)],
    ['a byte more', 413, post(`Content-Length: ${mebibyte + 1}`, large)],
    ['a mebibyte in a chunk', 400, post('Connection: close\r\nTransfer-Encoding: chunked', chunks(fits))],
    ['a byte more in a chunk', 413, post('Transfer-Encoding: chunked', chunks(large))],
    ['much, of which nothing comes', 413, post('Content-Length: 10000000000')],
    ['a chunk without end', 413, post('Transfer-Encoding: chunked', `ffffffff\r\n${large}`)],
    [
      'chunks without end',
      413,
      post('Transfer-Encoding: chunked', `40\r\n${'x'.repeat(64)}\r\n`.repeat(mebibyte / 64 + 1)),
    ],
    ['much behind a body of no length', 400, post('Connection: close', fits)],
  ]
  for (const [name, status, request] of requests) {
    const { answers, fault } = await exchange(port, request)
    t.equal(fault, undefined, `${name}: the connection is closed`)
    t.strictSame(
      answers.map((answer) => answer.status),
      [status],
      name,
    )
    t.match(answers[0] && headerOf(answers[0], 'content-type'), /^application\/problem\+json/, name)
  }
  t.equal(sandbox.calls.length, 0)
})

tap.test('times out slow senders and serves other callers meanwhile', async (t) => {
  const { listen, get } = await startService(t, { environment: { REQUEST_TIMEOUT_MS: '300' } })
  const port = await listen()
  /** Sends the first part at once, then a byte at a time, until the other side closes. */
  async function trickle(first: string, byte: string): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (data) => {
      answer += String(data)
    })
    // Writing to a connection that is being closed is the point of this test.
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(first)
    while (!socket.destroyed && !socket.readableEnded) {
      socket.write(byte)
      await sleep(20)
    }
    return answer
  }
  const slow = Array.from({ length: 20 }, (_, n) =>
    n % 2 === 0
      ? trickle('GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ', 'a')
      : trickle(post('Content-Length: 9999'), ' '),
  )
  for (let n = 0; n < 20; n++) t.equal((await get('/livez')).statusCode, 200)
  for (const answer of await Promise.all(slow)) t.match(answer, /^HTTP\/1\.1 408 [\s\S]*"code":"request_timeout"/)
})

/** A metric's value. */
const metric = async ({ get }: Pick<Service, 'get'>, name: string) =>
  Number(
    (await get('/metrics')).body
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length),
  )

tap.test('a flood of unknown SKUs costs one call per hundred and evicts no cached record', async (t) => {
  // On a busy machine a thousand SKUs may take longer than a request normally may.
  const patience = { REQUEST_TIMEOUT_MS: '60000', TRACKSTAR_TIMEOUT_MS: '60000' }
  const service = await startService(t, { environment: patience })
  const { get, post: query, newCalls } = service
  t.equal((await get('/products/CUP/stock')).statusCode, 200)
  newCalls()
  const flood = async (name: string, length: number) => {
    const skus = Array.from({ length: 1000 }, (_, n) => `${name}-${n}-`.padEnd(length, 'x'))
    const { results } = (await query('/stock/query', { skus })).json()
    t.ok(results.every(({ status }: { status: string }) => status === 'not_found'))
  }
  for (let n = 0; n < 5; n++) await flood(`short-${n}`, 10)
  const calls = newCalls().length
  t.ok(calls >= 50 && calls <= 60, `${calls} calls for 5000 SKUs`)
  for (let n = 0; n < 5; n++) await flood(`short-${n}`, 10)
  t.strictSame(newCalls(), [], 'none for the same SKUs again')
  const entries = await metric(service, 'cache_entries{connection="default",store="absences"}')
  const bytes = await metric(service, 'cache_bytes{connection="default",store="absences"}')
  t.ok(entries >= 5000 && bytes >= entries * 250, `${bytes} bytes are counted for ${entries}`)
  newCalls()
  t.match((await get('/products/CUP/stock')).headers, { 'cache-status': 'trackstar-bff; hit' })
  t.strictSame(newCalls(), [], 'records cached before are still cached')
})

tap.test('a flood of unknown SKUs costs a mirrored catalog no call', async (t) => {
  const service = await startMirrored(t)
  service.newCalls()
  for (let n = 0; n < 10; n++) {
    const skus = Array.from({ length: 1000 }, (_, index) => `unknown-${n}-${index}`)
    t.equal((await service.post('/stock/query', { skus })).statusCode, 200)
  }
  t.strictSame(service.newCalls(), [])
  t.equal(await metric(service, 'cache_entries{connection="default",store="absences"}'), 0)
})

tap.test('disconnects an event reader that does not read, while the others receive every event', async (t) => {
  const service = await startMirrored(t)
  const { listen, sandbox, deliver } = service
  // One item in many products with long SKUs: each change of the item makes an event for each of them.
  // Upstream has these records too: a mirror reads a record that it has not seen before.
  const item = newItem('inv_shared', 'SHARED', 'Shared', [['wh_oslo', { onhand: 1, fulfillable: 1 }]])
  sandbox.data.inventory.set(item.id, item)
  await deliver('inventory.created', item)
  for (let n = 0; n < 200; n++) {
    const sku = `${n}-`.padEnd(255, '茶')
    const product = newProduct(`prod_${n}`, sku, sku, [{ inventory_item_id: item.id }])
    sandbox.data.products.set(product.id, product)
    await deliver('product.created', product)
  }
  const port = await listen()
  const reader = await EventStream.open(t, port)
  const idler = connect(port, '127.0.0.1')
  idler.on('error', () => {})
  t.teardown(() => idler.destroy())
  idler.write('GET /stock/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(idler, 'readable')
  idler.pause()
  await eventually(async () => (await metric(service, 'stock_event_readers{connection="default"}')) === 2)
  let moves = 0
  for (; (await metric(service, 'stock_event_readers{connection="default"}')) === 2 && moves < 100; moves++) {
    const day = new Date(Date.UTC(2030, 0, 1, 0, 0, moves)).toISOString()
    await deliver('inventory.updated', {
      ...item,
      fulfillable: moves + 2,
      onhand: moves + 2,
      trackstar_updated_date: day,
    })
    await eventually(() => reader.events.length >= (moves + 1) * 200)
  }
  t.ok(moves < 100, `dropped after ${moves * 200} events`)
  t.notOk(reader.isOver)
  t.equal(sandbox.calls.filter(({ method }) => method !== 'GET').length, 0)
})

tap.test('regression: pipelined requests for events each reserved a slot and never released it', async (t) => {
  const service = await startMirrored(t)
  const port = await service.listen()
  const events = 'GET /stock/events HTTP/1.1\r\nHost: localhost\r\n\r\n'
  for (let n = 0; n < 3; n++) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(events.repeat(50))
    await once(socket, 'data')
    await eventually(async () => (await metric(service, 'stock_event_readers{connection="default"}')) === 1)
    socket.resetAndDestroy()
    await eventually(async () => (await metric(service, 'stock_event_readers{connection="default"}')) === 0)
  }
  await eventually(async () => (await metric(service, 'http_requests_in_flight')) === 1)
  t.equal(await metric(service, 'http_requests_in_flight'), 1, 'the request for the metrics itself')
})

tap.test('no JSON key pollutes a prototype', async (t) => {
  const { app, get, deliver, sandbox } = await startMirrored(t)
  const before = Reflect.ownKeys(Object.prototype)
  const polluting = [
    '"__proto__":{"polluted":1}',
    '"constructor":{"prototype":{"polluted":1}}',
    '"a":{"__proto__":{"polluted":1}}',
  ]
  const requests = [
    ['POST', '/stock/query', '"skus":["CUP"]'],
    ['POST', '/stock/check', '"lines":[{"sku":"CUP","quantity":1}]'],
    ['PUT', '/inventory/inv_cup/adjust', '"quantity":1,"adjustment_type":"increase"'],
  ] as const
  const headers = { 'content-type': 'application/json' }
  for (const [method, url, body] of requests) {
    for (const more of polluting) {
      for (const payload of [`{${body},${more}}`, `{${more},${body}}`]) {
        t.equal((await app.inject({ method, url, headers, payload })).statusCode, 400, `${url} ${payload}`)
      }
    }
  }
  for (const query of ['__proto__[polluted]=1', '__proto__.polluted=1', 'constructor[prototype][polluted]=1']) {
    t.equal((await get(`/products/CUP/stock?${query}`)).statusCode, 400, query)
  }
  const record = (id: string) =>
    JSON.parse(`{"id":"${id}","sku":"${id}","fulfillable":7,"__proto__":{"polluted":1,"fulfillable":99},"constructor":{"prototype":{"polluted":1}},
      "inventory_items":[{"inventory_item_id":"${id}","__proto__":{"polluted":1}}],"quantity_breakdown_by_warehouse":{"__proto__":{"polluted":1}}}`)
  for (const id of ['polluting', '__proto__x']) {
    // Upstream has these records too: a mirror reads a record that it has not seen before.
    sandbox.data.inventory.set(id, record(id))
    sandbox.data.products.set(id, record(id))
    t.equal(
      (await deliver('inventory.created', record(id), JSON.parse('{"__proto__":{"polluted":1}}'))).statusCode,
      204,
    )
    t.equal((await deliver('product.created', record(id))).statusCode, 204)
    const stock = () => get(`/products/${id}/stock`)
    await eventually(async () => (await stock()).statusCode === 200)
    t.equal((await stock()).json().available, 7)
  }
  sandbox.fault('/wms/products', { body: { data: [record('listed')], next_token: null } })
  t.equal((await get('/products')).json().data[0].id, 'listed')
  t.equal(Reflect.get({}, 'polluted'), undefined)
  t.strictSame(Reflect.ownKeys(Object.prototype), before)
})

tap.test("never reflects the caller's Host or forwarding headers", async (t) => {
  for (const trust of ['false', 'true', '1']) {
    const { listen } = await startService(t, { environment: { TRUST_PROXY: trust } })
    const port = await listen()
    const forwarded =
      'X-Forwarded-Host: evil.test\r\nX-Forwarded-Proto: javascript\r\nX-Forwarded-Prefix: /evil.test\r\nForwarded: host=evil.test\r\n'
    for (const path of ['/', '/docs', '/docs/', '/docs/static/', '/openapi.json', '/products/CUP/stock', '/nowhere']) {
      for (const request of [
        `GET ${path} HTTP/1.1\r\nHost: evil.test\r\n`,
        `GET http://evil.test${path} HTTP/1.1\r\nHost: localhost\r\n`,
        `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${forwarded}`,
      ]) {
        const { status, headers, body } = await overSocket(port, `${request}Connection: close\r\n\r\n`)
        t.ok(status < 500)
        // A 404 repeats the path as requested.
        t.notMatch(JSON.stringify([...headers]) + (status < 400 ? body : ''), /evil\.test|javascript:/, request)
      }
    }
  }
})

tap.test('trusts only the configured proxies of a chain', async (t) => {
  const limited = async (trust: string) => {
    const { get } = await startService(t, { environment: { TRUST_PROXY: trust, CLIENT_RATE_LIMIT: '3' } })
    return async (forwarded: string) => (await get('/status', { 'x-forwarded-for': forwarded })).statusCode
  }
  const flood = async (trust: string, from: (n: number) => string) => {
    const ask = await limited(trust)
    const statuses: number[] = []
    for (let n = 1; n <= 5; n++) statuses.push(await ask(from(n)))
    return statuses
  }
  const [bounded, unbounded] = [
    [200, 200, 200, 429, 429],
    [200, 200, 200, 200, 200],
  ]
  t.strictSame(await flood('false', (n) => `10.0.0.${n}`), bounded, 'no proxy is trusted')
  t.strictSame(await flood('1', (n) => `10.0.0.${n}, 203.0.113.7`), bounded, 'addresses before the last are forged')
  t.strictSame(await flood('1', (n) => `203.0.113.7, 10.0.0.${n}`), unbounded, "the last one is the proxy's own")
  t.strictSame(await flood('10.0.0.0/8', (n) => `203.0.113.${n}`), bounded, 'an unknown proxy is not trusted')
  t.strictSame(await flood('true', (n) => `203.0.113.${n}`), unbounded, 'every address is trusted')
})

tap.test('limits the number and size of headers and parameters', async (t) => {
  const { listen, get, sandbox } = await startService(t)
  const port = await listen()
  const headers = (count: number, name = (n: number) => `X-${n}`) =>
    Array.from({ length: count }, (_, n) => `${name(n)}: 1\r\n`).join('')
  const statusOf = async (target: string, more = '') => (await getOverSocket(port, target, more)).status
  t.equal(await statusOf('/livez', headers(150)), 200)
  for (const more of [
    headers(250),
    headers(2500, () => 'a'),
    `X: ${'x'.repeat(33_000)}\r\n`,
    `${'x'.repeat(33_000)}: 1\r\n`,
  ]) {
    t.equal(await statusOf('/livez', more), 431, more.slice(0, 20))
  }
  for (const query of [
    'sku=a&'.repeat(101),
    'a=b&'.repeat(4000),
    '&'.repeat(16_000),
    'warehouse_id=a&'.repeat(101),
    'sku=a&sku[b]=b',
    'sku=a&__proto__=b',
  ]) {
    t.equal(await statusOf(`/stock?${query}`), 400, query.slice(0, 20))
  }
  t.equal((await get(`/stock?${'sku=a&'.repeat(3000)}`)).statusCode, 414)
  t.equal(sandbox.calls.length, 0)
})

tap.test('serves no file except those of the documentation', async (t) => {
  const { listen } = await startService(t)
  const port = await listen()
  const climbs = [
    '../',
    '..%2f',
    '%2e%2e/',
    '%2e%2e%2f',
    '..%5c',
    '..\\',
    '....//',
    '%252e%252e%252f',
    './../',
    '..;/',
    '%c0%ae%c0%ae/',
    '/',
  ]
  for (const folder of ['/docs/static/', '/docs/', '/']) {
    for (const climb of climbs) {
      for (const file of ['package.json', 'index.js', 'etc/passwd', 'src/main.ts']) {
        const { status, body } = await getOverSocket(port, `${folder}${climb.repeat(folder.length > 6 ? 6 : 3)}${file}`)
        t.ok([400, 403, 404].includes(status), `${folder}${climb}${file}: ${status}`)
        t.notMatch(body, /"dependencies"|root:x:|import /)
      }
    }
  }
  for (const path of [
    '/docs/static/package.json',
    '/docs/static/.env',
    '/docs/static/%00',
    '/docs/static/logo.svg%00.html',
  ]) {
    t.ok((await getOverSocket(port, path)).status >= 400, path)
  }
})
