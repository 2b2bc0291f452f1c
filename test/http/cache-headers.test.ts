import Fastify, { type InjectOptions } from 'fastify'
import tap from 'tap'
import freshness from '../../src/http/cache-headers.js'

async function start() {
  const app = Fastify()
  const config = { cacheTtlSeconds: 1.9, cacheRevalidateSeconds: 2.5 }
  await app.register(freshness, { config, now: () => 10_000, hasEvents: () => false })
  const mark = { readAt: 7001, outcome: 'hit', hasAsOf: true, isPartial: false } as const
  app.get('/a', (_request, reply) => {
    reply.freshness = mark
    return { as_of: 'now', text: '"as_of":"x"' }
  })
  app.get('/b', (_request, reply) => {
    reply.freshness = mark
    return { as_of: 'then', text: '"as_of":"x"' }
  })
  app.get('/record', (_request, reply) => {
    reply.freshness = { ...mark, hasAsOf: false, isPartial: false, readAt: 11_000 }
    return { as_of: 'now', text: '"as_of":"x"' }
  })
  app.get('/plain', () => ({}))
  app.get('/created', (_request, reply) => {
    reply.freshness = mark
    return reply.code(201).send({})
  })
  app.post('/a', (_request, reply) => {
    reply.freshness = mark
    return { as_of: 'now' }
  })
  return { app, ask: (options: InjectOptions) => app.inject(options) }
}

tap.test('sets headers only on responses from the cache', async (t) => {
  const { ask } = await start()
  t.match((await ask({ url: '/a' })).headers, {
    age: '2',
    'cache-control': 'private, max-age=1, stale-while-revalidate=2',
  })
  for (const url of ['/plain', '/created', '/nowhere']) t.notOk('etag' in (await ask({ url })).headers, url)
  t.equal((await ask({ url: '/record' })).headers.age, '0', 'never negative')
})

tap.test('ignores only as_of and request_id in the ETag', async (t) => {
  const { ask } = await start()
  const tag = async (url: string) => String((await ask({ url })).headers.etag)
  t.equal(await tag('/a'), await tag('/b'))
  t.not(await tag('/a'), await tag('/record'))
})

tap.test('computes the ETag of a repeated body once', async (t) => {
  const { app, ask } = await start()
  const body: { etag?: string } = {}
  app.get('/again', (_request, reply) => {
    reply.freshness = { readAt: 7001, outcome: 'hit', hasAsOf: true, isPartial: false, body }
    return { as_of: 'now', text: '"as_of":"x"' }
  })
  const { etag } = (await ask({ url: '/a' })).headers
  t.equal((await ask({ url: '/again' })).headers.etag, etag)
  t.equal(body.etag, etag)
  body.etag = 'W/"as it is"'
  t.equal((await ask({ url: '/again' })).headers.etag, body.etag)
  t.equal((await ask({ url: '/again', headers: { 'if-none-match': body.etag } })).statusCode, 304)
})

tap.test('answers 304 to GET and HEAD', async (t) => {
  const { ask } = await start()
  const headers = { 'if-none-match': '*' }
  t.equal((await ask({ url: '/a', headers })).statusCode, 304)
  const head = await ask({ method: 'HEAD', url: '/a', headers })
  t.equal(head.statusCode, 304, 'regression: 500, as Fastify removes the body of a HEAD response and there was none')
  t.equal((await ask({ method: 'POST', url: '/a', headers })).statusCode, 200)
})

tap.test('regression: an ETag that a compressing proxy had marked did not match', async (t) => {
  const { ask } = await start()
  const etag = String((await ask({ url: '/a' })).headers.etag)
  const status = async (tag: string) => (await ask({ url: '/a', headers: { 'if-none-match': tag } })).statusCode
  const opaque = etag.slice(2)
  const marked = ['-gzip', '--gzip', '-br', '-zstd', '-deflate', ';gzip'].map((mark) =>
    opaque.replace(/"$/, `${mark}"`),
  )
  for (const tag of [etag, opaque, ...marked, `${opaque}-gzip`]) {
    for (const given of [tag, `W/${tag.replace(/^W\//, '')}`, `"other", ${tag}`])
      t.equal(await status(given), 304, given)
  }
  const others = [
    opaque.replace(/"$/, '-more"'),
    opaque.replace('"', '"gzip-'),
    opaque.replaceAll('"', ''),
    '"-gzip"',
    '-gzip',
  ]
  for (const tag of others) t.equal(await status(tag), 200, tag)
})
