import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import tap from 'tap'
import { fixedSkus } from '../../../src/sandbox/fixed-catalog.js'
import { generatedSku } from '../../../src/sandbox/generated-catalog.js'
import { startMirrored } from './mirrored.js'

const urlOf = (sku: string) => `/products/${encodeURIComponent(sku)}/stock`
const manyUrl = (skus: readonly string[]) => `/stock?${skus.map((sku) => `sku=${encodeURIComponent(sku)}`).join('&')}`
/** With any of these directives a stock is composed for the request. */
const composed = { 'cache-control': 'max-age=1000' }

const service = startMirrored(tap, { sandbox: { products: 300 } })

tap.test('a kept answer is what is composed for a request, byte for byte', async (t) => {
  const { get, post } = await service
  for (const { sku } of fixedSkus) {
    const [kept, made] = [await get(urlOf(sku)), await get(urlOf(sku), composed)]
    t.equal(kept.statusCode, made.statusCode, sku)
    if (kept.statusCode !== 200) continue
    t.equal(kept.body, made.body, sku)
    t.equal(kept.headers.etag, made.headers.etag, sku)
    t.equal(kept.headers['content-length'], String(Buffer.byteLength(made.body)), sku)
  }
  const honey = `${urlOf('HONEY-1')}?warehouse_customer_id=cust_borealis`
  t.equal((await get(honey)).body, (await get(honey, composed)).body, 'of one merchant')
  const skus = [
    ...fixedSkus.map(({ sku }) => sku),
    'UNKNOWN',
    ...Array.from({ length: 150 }, (_, n) => generatedSku(n)),
  ]
  const withoutIds = (body: string) => body.replaceAll(/"request_id":"[^"]*"/g, '')
  const [kept, made] = [await post('/stock/query', { skus }), await post('/stock/query', { skus }, composed)]
  t.equal(withoutIds(kept.body), withoutIds(made.body), 'of many SKUs, some without a stock')
  t.equal(kept.headers.etag, made.headers.etag)
  t.equal(kept.headers['content-length'], String(Buffer.byteLength(kept.body)))
  t.ok(kept.body.length > 100_000, 'and so large that it is sent in pieces')
})

tap.test('answers 304 for one SKU and for many until a record changes', async (t) => {
  const { get, move } = await startMirrored(t, { sandbox: { products: 300 } })
  const many = manyUrl(['LIVE-GIFT', ...Array.from({ length: 99 }, (_, n) => generatedSku(n))])
  for (const url of [urlOf('LIVE-GIFT'), many]) {
    const first = await get(url)
    const headers = { 'if-none-match': String(first.headers.etag) }
    const unchanged = await get(url, headers)
    t.equal(unchanged.statusCode, 304, url)
    t.equal(unchanged.body, '')
    t.notOk('content-length' in unchanged.headers)
    await move('inv_jasmine', -3, 'wh_oslo')
    const changed = await get(url, headers)
    t.equal(changed.statusCode, 200, url)
    t.not(changed.headers.etag, first.headers.etag)
    t.equal(changed.body, (await get(url, composed)).body)
  }
})

tap.test('compresses an answer that is sent in pieces', async (t) => {
  const { get, post, app } = await service
  const skus = Array.from({ length: 200 }, (_, n) => generatedSku(n))
  const plain = await post('/stock/query', { skus })
  for (const [encoding, decompress] of [
    ['gzip', gunzipSync],
    ['br', brotliDecompressSync],
  ] as const) {
    const headers = { 'content-type': 'application/json', 'accept-encoding': encoding }
    const reply = await app.inject({ method: 'POST', url: '/stock/query', headers, payload: JSON.stringify({ skus }) })
    t.equal(reply.headers['content-encoding'], encoding)
    t.equal(decompress(reply.rawPayload).toString(), plain.body)
  }
  t.equal((await get(manyUrl(skus.slice(0, 50)), { 'accept-encoding': 'gzip' })).headers['content-encoding'], 'gzip')
})
