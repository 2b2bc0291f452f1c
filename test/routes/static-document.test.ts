import Fastify from 'fastify'
import tap from 'tap'
import { StaticDocument } from '../../src/routes/static-document.js'
import { startService } from '../harness.js'

tap.test('renders a document once: when it is prepared, or with the first request', async (t) => {
  let rendered = 0
  const documents = Array.from({ length: 2 }, () => new StaticDocument('text/plain', () => `render ${++rendered}`))
  const [prepared, lazy] = documents as [StaticDocument, StaticDocument]
  const app = Fastify()
  app.get('/prepared', (request, reply) => prepared.send(request, reply))
  app.get('/lazy', (request, reply) => lazy.send(request, reply))
  await prepared.prepare()
  t.equal(rendered, 1)
  const bodyOf = async (url: string) => (await app.inject(url)).body
  for (let n = 0; n < 3; n++) t.equal(await bodyOf('/prepared'), 'render 1')
  t.equal(rendered, 1)
  for (let n = 0; n < 3; n++) t.equal(await bodyOf('/lazy'), 'render 2')
  t.equal(rendered, 2)
})

tap.test(
  'regression: the first request for the contract document held the event loop for a quarter of a second',
  async (t) => {
    const { app, get } = await startService(t, { preparesDocuments: true })
    await app.ready()
    app.swagger = () => {
      throw new Error('the document is rendered again')
    }
    for (const url of ['/openapi.json', '/openapi.yaml', '/docs/json', '/docs/problems']) {
      t.equal((await get(url)).statusCode, 200, url)
    }
  },
)
