import Fastify from 'fastify'
import tap from 'tap'
import negotiation from '../../src/http/negotiation.js'
import problems from '../../src/http/problems.js'

tap.test('refuses who accepts no JSON where a route gives it', async (t) => {
  const app = Fastify()
  await app.register(problems)
  await app.register(negotiation)
  app.get('/json', { config: { gives: 'json' } }, () => ({}))
  app.get('/page', (_request, reply) => reply.type('text/html').send('<p>'))
  const status = async (url: string, accept?: string) =>
    (await app.inject({ url, headers: accept === undefined ? {} : { accept } })).statusCode
  t.equal(await status('/json'), 200)
  for (const accept of ['*/*', 'application/json', 'application/*;q=0.5', 'text/html, */*;q=0.1']) {
    t.equal(await status('/json', accept), 200, accept)
  }
  for (const accept of ['text/html', 'application/json;q=0', 'application/xml']) {
    t.equal(await status('/json', accept), 406, accept)
    t.equal(await status('/page', accept), 200, accept)
    t.equal(await status('/nowhere', accept), 404, accept)
  }
})

tap.test('takes an address of 16 KiB and no longer one', async (t) => {
  const app = Fastify()
  await app.register(problems)
  await app.register(negotiation)
  app.get('/a', () => ({}))
  t.equal((await app.inject(`/a?${'x'.repeat(16 * 1024 - 3)}`)).statusCode, 200)
  t.equal((await app.inject(`/a?${'x'.repeat(16 * 1024 - 2)}`)).statusCode, 414)
})
