import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import tap from 'tap'
import { parse } from 'yaml'
import { problems } from '../../src/errors.js'
import { startService } from '../harness.js'

tap.test('serves one contract document as JSON and as YAML', async (t) => {
  const { get } = await startService(t)
  const json = await get('/openapi.json')
  t.equal(json.statusCode, 200)
  t.match(json.json(), { openapi: /^3\.1/, info: { title: 'trackstar-bff' } })
  const yaml = await get('/openapi.yaml')
  t.match(yaml.headers['content-type'], /^application\/yaml/)
  t.strictSame(parse(yaml.body), json.json())
  const paths = Object.keys(json.json().paths)
  t.ok(paths.includes('/products/{sku}/stock'))
  t.notOk(paths.includes('/docs/problems'))
})

tap.test('documents each filter of a list as a parameter of its own', async (t) => {
  const { get } = await startService(t)
  const { parameters } = (await get('/openapi.json')).json().paths['/inventory'].get
  const names = parameters.map(({ name }: { name: string }) => name)
  t.ok(names.includes('sku') && names.includes('active') && names.includes('limit'))
  t.notOk(names.some((name: string) => name.includes('[')))
})

tap.test('serves Swagger UI without requests to other hosts', async (t) => {
  const { get } = await startService(t)
  const root = await get('/')
  t.equal(root.statusCode, 302)
  t.equal(root.headers['location'], './docs/')
  const withoutSlash = await get('/docs')
  t.match(withoutSlash, { statusCode: 302, headers: { location: './docs/' } })
  const page = await get('/docs/')
  t.equal(page.statusCode, 200)
  t.match(page.headers['content-type'], /^text\/html/)
  t.notMatch(page.body, /(src|href)="https?:/)
})

tap.test("regression: Swagger UI's files were read and sent uncompressed for each request", async (t) => {
  const { app, get } = await startService(t)
  for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js', 'swagger-ui-standalone-preset.js']) {
    const url = `/docs/static/${name}`
    t.ok((await get('/docs/')).body.includes(`./static/${name}`))
    const plain = await get(url)
    const compressed = await get(url, { 'accept-encoding': 'br, gzip' })
    t.equal(compressed.headers['content-encoding'], 'br')
    t.ok(compressed.rawPayload.length * 2 < plain.rawPayload.length, `${compressed.rawPayload.length} bytes`)
    t.ok(brotliDecompressSync(compressed.rawPayload).equals(plain.rawPayload))
    t.match(plain.headers['content-type'], name.endsWith('css') ? /^text\/css/ : /^text\/javascript/)
    // As a browser sends it when it reloads.
    const headers = { 'if-none-match': String(plain.headers['etag']), 'cache-control': 'no-cache' }
    t.equal((await get(url, headers)).statusCode, 304)
    t.equal((await app.inject({ method: 'HEAD', url })).statusCode, 200)
  }
})

tap.test(
  'regression: many requests for a large document at once were answered in one turn of the event loop',
  async (t) => {
    const { get } = await startService(t)
    const url = '/docs/static/swagger-ui-bundle.js'
    await get(url)
    let turns = 0
    let isOver = false
    const countTurns = () => {
      turns++
      if (!isOver) setImmediate(countTurns)
    }
    countTurns()
    await Promise.all(Array.from({ length: 20 }, () => get(url)))
    isOver = true
    t.ok(turns >= 20, `${turns} turns`)
  },
)

tap.test('lists every problem code at the address that problems refer to', async (t) => {
  const { get } = await startService(t)
  const { type } = (await get('/nowhere')).json()
  const [path, anchor] = type.split('#')
  const page = await get(`/${path}`)
  t.equal(page.statusCode, 200)
  t.match(page.body, `id="${anchor}"`)
  for (const code of Object.keys(problems)) t.ok(page.body.includes(`id="${code}"`), code)
})

/** Resolves a reference as a client does that found `path` below a prefix which a proxy strips. */
const resolve = (reference: unknown, path: string) =>
  new URL(String(reference), `https://api.example/stock-api${path}`).href

tap.test('regression: behind a proxy that strips a path prefix, links left the prefix', async (t) => {
  const { get, post } = await startService(t)
  t.equal(resolve((await get('/')).headers['location'], '/'), 'https://api.example/stock-api/docs/')
  t.equal(resolve((await get('/docs')).headers['location'], '/docs'), 'https://api.example/stock-api/docs/')
  for (const path of ['/docs/', '/docs/?a=b', '/docs/problems']) {
    const links = Array.from((await get(path)).body.matchAll(/(?:href|src)="([^"#:]+)"/g), ([, link]) => link)
    t.ok(links.length > 0)
    for (const link of links) {
      const url = resolve(link, path)
      t.match(url, 'https://api.example/stock-api/docs')
      t.equal((await get(url.slice('https://api.example/stock-api'.length))).statusCode, 200, `${path} ${link}`)
    }
  }
  for (const path of ['/openapi.json', '/docs/json']) {
    const { servers } = (await get(path)).json()
    t.match(resolve(servers[0].url, path), /^https:\/\/api\.example\/stock-api\/?$/, path)
  }
  const [, link = ''] = /\]\(([^)]+#[^)]+)\)/.exec((await get('/docs/json')).body) ?? []
  t.match(resolve(link, '/docs/'), 'https://api.example/stock-api/docs/problems#')
  const paths = [
    '/nowhere',
    '/products/NO%2FSUCH/stock?warehouse_id=a/b',
    '/products/NO-SUCH/stock',
    '/a/b/c/d',
    '/a//b/',
  ]
  for (const path of paths) {
    t.match(resolve((await get(path)).json().type, path), 'https://api.example/stock-api/docs/problems#', path)
  }
  const { results } = (await post('/stock/query', { skus: ['CUP', 'NO-SUCH'] })).json()
  t.match(
    resolve(results[1].problem.type, '/stock/query'),
    'https://api.example/stock-api/docs/problems#product_not_found',
  )
})

tap.test('links start with PUBLIC_URL if it is set', async (t) => {
  const PUBLIC_URL = 'https://api.example/stock-api'
  const { get } = await startService(t, { environment: { PUBLIC_URL } })
  for (const path of ['/', '/docs']) t.equal((await get(path)).headers['location'], `${PUBLIC_URL}/docs/`)
  for (const path of ['/openapi.json', '/docs/json']) t.equal((await get(path)).json().servers[0].url, PUBLIC_URL)
  t.equal((await get('/products/NO-SUCH/stock')).json().type, `${PUBLIC_URL}/docs/problems#product_not_found`)
  t.equal((await get('/livez', { host: 'api.example' })).statusCode, 200)
  t.equal((await get('/products/CUP/stock', { host: 'api.example' })).statusCode, 200)
})

const documents = ['/openapi.json', '/openapi.yaml', '/docs/json', '/docs/yaml', '/docs/problems']

tap.test('regression: the documents were compressed again for each request', async (t) => {
  const { get } = await startService(t)
  for (const url of documents) {
    const plain = await get(url)
    t.notOk(plain.headers['content-encoding'], url)
    for (const [encoding, decode] of [
      ['br', brotliDecompressSync],
      ['gzip', gunzipSync],
    ] as const) {
      const reply = await get(url, { 'accept-encoding': encoding })
      t.match(reply.headers, { 'content-encoding': encoding, vary: 'Accept-Encoding' }, url)
      t.equal(Number(reply.headers['content-length']), reply.rawPayload.length, 'Content-Length is set')
      t.equal(String(decode(reply.rawPayload)), plain.body)
    }
  }
})

tap.test('answers 304 to a client that has the document', async (t) => {
  const { app, get } = await startService(t)
  for (const url of documents) {
    const { etag = '' } = (await get(url)).headers
    const known = await get(url, { 'if-none-match': etag, 'accept-encoding': 'gzip' })
    t.strictSame([known.statusCode, known.body, known.headers['etag']], [304, '', etag], url)
    t.notOk(known.headers['content-encoding'])
    t.equal((await get(url, { 'if-none-match': 'W/"other"' })).statusCode, 200)
    t.equal((await app.inject({ method: 'HEAD', url })).statusCode, 200)
  }
})
