import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import Fastify from 'fastify'
import tap, { type Test } from 'tap'
import { apiKeys } from '../../src/config/formats.js'
import auth from '../../src/http/auth.js'
import compression from '../../src/http/compression.js'
import problemDetails from '../../src/http/problems.js'

const json = (bytes: number) => JSON.stringify('x'.repeat(bytes - 2))

async function start(t: Test) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(problemDetails)
  await app.register(auth, { apiKeys: apiKeys.parse('shop:one'), tickets: { redeem: () => undefined } })
  await app.register(compression)
  const open = { config: { access: 'open' } } as const
  app.get<{ Params: { bytes: string } }>('/json/:bytes', open, async ({ params }, reply) =>
    reply.type('application/json').send(json(Number(params.bytes))),
  )
  app.get('/events', open, async (_request, reply) => reply.type('text/event-stream').send('x'.repeat(9000)))
  app.post('/echo', open, ({ body }) => ({ body }))
  app.post('/keyed', ({ body }) => ({ body }))
  const get = (url: string, accepted: string) => app.inject({ url, headers: { 'accept-encoding': accepted } })
  const post = (url: string, encoding: string, payload: string | Buffer = '[1]') =>
    app.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
      payload,
    })
  return { app, get, post }
}

tap.test('compresses responses of 4 KiB and more with the preferred encoding', async (t) => {
  const { get } = await start(t)
  const gzipped = await get('/json/4096', 'gzip')
  t.match(gzipped.headers, { 'content-encoding': 'gzip', vary: /accept-encoding/i })
  t.equal(String(gunzipSync(gzipped.rawPayload)), json(4096))
  for (const accepted of ['br', 'gzip, br', 'gzip, deflate, br, zstd']) {
    const { headers, rawPayload } = await get('/json/4096', accepted)
    t.equal(headers['content-encoding'], 'br', accepted)
    t.equal(String(brotliDecompressSync(rawPayload)), json(4096))
  }
  t.equal((await get('/json/4096', 'gzip, br;q=0.5')).headers['content-encoding'], 'gzip')
})

tap.test('does not compress small responses or for clients that do not accept it', async (t) => {
  const { app, get } = await start(t)
  for (const reply of [
    await get('/json/4095', 'gzip, br'),
    await get('/json/9000', 'identity'),
    await get('/json/9000', 'deflate'),
    await get('/json/9000', ''),
    await get('/json/9000', 'gzip;q=0'),
    await app.inject('/json/9000'),
  ]) {
    t.notOk(reply.headers['content-encoding'])
    t.equal(Number(reply.headers['content-length']), reply.body.length)
    t.match(reply.body, /^"x+"$/)
  }
})

tap.test('does not compress event streams', async (t) => {
  const { get } = await start(t)
  t.notOk((await get('/events', 'gzip, br')).headers['content-encoding'])
})

tap.test('answers HEAD without a body', async (t) => {
  const { app } = await start(t)
  const reply = await app.inject({ method: 'HEAD', url: '/json/9000', headers: { 'accept-encoding': 'gzip' } })
  t.equal(reply.statusCode, 200)
  t.equal(reply.rawPayload.length, 0)
})

tap.test('regression: a compressed body was rejected as invalid JSON', async (t) => {
  const { post } = await start(t)
  for (const encoding of ['gzip', 'br', 'GZIP', 'gzip, gzip', 'identity, gzip', 'nonsense', '']) {
    const reply = await post('/echo', encoding, gzipSync('[1]'))
    t.equal(reply.statusCode, 415, encoding)
    t.equal(reply.headers['accept-encoding'], 'identity', 'RFC 9110, 12.5.3')
    t.match(reply.json(), { code: 'unsupported_media_type', detail: /Content-Encoding/ })
  }
})

tap.test('accepts the encoding identity, and requires a key before it checks the encoding', async (t) => {
  const { app, post } = await start(t)
  t.strictSame((await post('/echo', 'identity')).json(), { body: [1] })
  t.strictSame((await post('/echo', 'Identity')).json(), { body: [1] })
  t.equal((await post('/keyed', 'gzip')).statusCode, 401)
  t.equal((await post('/nowhere', 'gzip')).statusCode, 404)
  for (const method of ['GET', 'HEAD'] as const) {
    const reply = await app.inject({ method, url: '/json/9', headers: { 'content-encoding': 'gzip' } })
    t.equal(reply.statusCode, 200, 'there is no body')
  }
})
