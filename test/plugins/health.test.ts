import Fastify from 'fastify'
import tap from 'tap'
import health from '../../src/plugins/health.js'
import { getOverSocket, type RawAnswer } from '../helper.js'

tap.test('is alive, and ready unless somebody says why not', async (t) => {
  const app = Fastify()
  let why: string | undefined
  await app.register(health, { unready: () => why })
  const ask = async (url: string) => {
    const { statusCode, headers, body } = await app.inject(url)
    return [statusCode, headers['cache-control'], JSON.parse(body).status]
  }
  t.strictSame(await ask('/livez'), [200, 'no-store', 'ok'])
  t.strictSame(await ask('/readyz'), [200, 'no-store', 'ok'])
  why = 'tired'
  t.strictSame(await ask('/readyz'), [503, 'no-store', 'tired'])
  t.strictSame(await ask('/livez'), [200, 'no-store', 'ok'])
})

tap.test('is not ready while it stops', async (t) => {
  const app = Fastify({ return503OnClosing: false })
  await app.register(health, { unready: () => undefined })
  let answer: RawAnswer | undefined
  app.addHook('preClose', async () => {
    answer = await getOverSocket(port, '/readyz')
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const port = Object(app.server.address()).port
  await app.close()
  t.equal(answer?.status, 503)
  t.match(answer?.body, /stopping/)
})
