import { createServer } from 'node:http'
import Fastify from 'fastify'
import helmet, { type HelmetOptions } from 'helmet'
import tap, { type Test } from 'tap'
import securityHeaders from '../../src/http/security-headers.js'

async function start(t: Test) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(securityHeaders)
  app.get('/things', () => ({}))
  app.get('/broken', () => {
    throw new Error('oops')
  })
  app.get('/docs', () => 'a page')
  app.get('/docs/static/*', () => 'a script')
  return app
}

/** The headers that helmet sets, as a server of its own sends them. */
async function helmetOf(t: Test, options: HelmetOptions) {
  const server = createServer((request, response) => {
    helmet(options)(request, response, () => response.end())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { headers } = await fetch(`http://127.0.0.1:${Object(server.address()).port}`)
  const ofHttp = new Set(['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding'])
  return Object.fromEntries(Array.from(headers).filter(([name]) => !ofHttp.has(name)))
}

const hsts = { strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: false } }

tap.test(
  "gives pages what helmet gives, and data what of that concerns data, but for policies of the service's own",
  async (t) => {
    const app = await start(t)
    const { 'content-security-policy': _, ...helmets } = await helmetOf(t, hsts)
    t.ok(Object.keys(helmets).length >= 11)
    for (const url of ['/docs', '/docs/static/x.js']) {
      const { headers } = await app.inject(url)
      t.match(headers, helmets, url)
      t.notOk(headers['x-powered-by'])
    }
    const ofPagesAlone = [
      'cross-origin-opener-policy',
      'origin-agent-cluster',
      'x-dns-prefetch-control',
      'x-download-options',
      'x-permitted-cross-domain-policies',
      'x-xss-protection',
    ]
    const ofAll = Object.fromEntries(Object.entries(helmets).filter(([name]) => !ofPagesAlone.includes(name)))
    t.equal(Object.keys(ofAll).length, 5)
    for (const url of ['/things', '/broken', '/nowhere']) {
      const { headers } = await app.inject(url)
      t.match(headers, ofAll, url)
      for (const name of [...ofPagesAlone, 'x-powered-by']) t.notOk(headers[name], `${url} ${name}`)
    }
  },
)

tap.test('speaks of its own host alone where it asks for https', async (t) => {
  const app = await start(t)
  t.equal((await app.inject('/things')).headers['strict-transport-security'], 'max-age=31536000')
})

tap.test('lets an answer that is data do nothing in a browser', async (t) => {
  const app = await start(t)
  for (const url of ['/things', '/broken', '/nowhere']) {
    const { headers } = await app.inject(url)
    t.equal(headers['content-security-policy'], "default-src 'none';frame-ancestors 'none'", url)
    t.equal(headers['x-content-type-options'], 'nosniff')
  }
})

tap.test('lets the documentation load what comes with it, and nothing else', async (t) => {
  const app = await start(t)
  for (const url of ['/docs', '/docs/static/x.js']) {
    const policy = String((await app.inject(url)).headers['content-security-policy'])
    const directives = new Map(policy.split(';').map((text) => [text.split(' ', 1)[0], text.split(' ').slice(1)]))
    t.strictSame(
      directives,
      new Map([
        ['default-src', ["'self'"]],
        ['script-src', ["'self'"]],
        ['style-src', ["'self'", "'unsafe-inline'"]],
        ['img-src', ["'self'", 'data:']],
        ['connect-src', ["'self'"]],
        ['font-src', ["'self'"]],
        ['object-src', ["'none'"]],
        ['base-uri', ["'none'"]],
        ['form-action', ["'none'"]],
        ['frame-ancestors', ["'none'"]],
      ]),
      'without upgrade-insecure-requests, which breaks the page over plain http',
    )
  }
})

tap.test('says the same of HEAD, and each time', async (t) => {
  const app = await start(t)
  const [get, again, head] = [
    (await app.inject('/things')).headers,
    (await app.inject('/things')).headers,
    (await app.inject({ method: 'HEAD', url: '/things' })).headers,
  ]
  for (const headers of [again, head]) t.strictSame({ ...headers, date: '' }, { ...get, date: '' })
})
