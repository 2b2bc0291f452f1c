import Fastify from 'fastify'
import tap from 'tap'
import requestId from '../../src/http/request-id.js'

tap.test('puts the id of a request on its reply, whatever that is', async (t) => {
  let ids = 0
  const app = Fastify({ genReqId: () => `id-${++ids}` })
  await app.register(requestId)
  app.get('/things', () => ({}))
  app.get('/broken', () => {
    throw new Error('oops')
  })
  for (const url of ['/things', '/broken', '/nowhere']) {
    t.equal((await app.inject(url)).headers['x-request-id'], `id-${ids}`, url)
  }
  t.equal(ids, 3)
})
