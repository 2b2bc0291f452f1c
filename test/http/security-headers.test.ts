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

/** The headers that helmet sets on a real response. */
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
  "sets helmet's headers on pages and those that affect data on data, except for the content security policy",
  async (t) => {
    const app = await start(t)
    const { 'content-security-policy': _, ...helmets } = await helmetOf(t, hsts)
    t.ok(Object.keys(helmets).length >= 11)
    for (const url of ['/docs', '/docs/static/x.js']) {
      const { headers } = await app.inject(url)
      t.match(headers, helmets, url)
      t.notOk(headers['x-powered-by'])
    }
    const onlyPages = [
      'cross-origin-opener-policy',
      'origin-agent-cluster',
      'x-dns-prefetch-control',
      'x-download-options',
      'x-permitted-cross-domain-policies',
      'x-xss-protection',
    ]
    const onAll = Object.fromEntries(Object.entries(helmets).filter(([name]) => !onlyPages.includes(name)))
    t.equal(Object.keys(onAll).length, 5)
    for (const url of ['/things', '/broken', '/nowhere']) {
      const { headers } = await app.inject(url)
      t.match(headers, onAll, url)
      for (const name of [...onlyPages, 'x-powered-by']) t.notOk(headers[name], `${url} ${name}`)
    }
  },
)

tap.test('does not include subdomains in Strict-Transport-Security', async (t) => {
  const app = await start(t)
  t.equal((await app.inject('/things')).headers['strict-transport-security'], 'max-age=31536000')
})

tap.test('lets a data response load nothing in a browser', async (t) => {
  const app = await start(t)
  for (const url of ['/things', '/broken', '/nowhere']) {
    const { headers } = await app.inject(url)
    t.equal(headers['content-security-policy'], "default-src 'none';frame-ancestors 'none'", url)
    t.equal(headers['x-content-type-options'], 'nosniff')
  }
})

tap.test('lets the documentation load its own files and nothing else', async (t) => {
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

tap.test('sets the same headers on HEAD and on every response', async (t) => {
  const app = await start(t)
  const [get, again, head] = [
    (await app.inject('/things')).headers,
    (await app.inject('/things')).headers,
    (await app.inject({ method: 'HEAD', url: '/things' })).headers,
  ]
  for (const headers of [again, head]) t.strictSame({ ...headers, date: '' }, { ...get, date: '' })
})
