import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import tap, { type Test } from 'tap'
import { getOverSocket, startService } from '../../harness.js'

const environment = { AUTH_MODE: 'api-key', API_KEYS: 'shop:hunter2', ADMIN_PORT: '0' }
const key = { 'x-api-key': 'hunter2' }

async function start(t: Test) {
  const service = await startService(t, { environment })
  const { admin } = service.app
  if (admin === null) throw new Error('there is no server for operators')
  return { ...service, admin }
}

const statusOf = async (app: FastifyInstance, url: string, headers = {}) =>
  (await app.inject({ url, headers })).statusCode

tap.test('with ADMIN_PORT, serves metrics and status only there', async (t) => {
  const { app, admin } = await start(t)
  await app.inject({ url: '/products/CUP/stock', headers: key })
  const figures = await admin.inject('/metrics')
  t.equal(figures.statusCode, 200)
  t.match(figures.body, /^http_request_seconds_count\{method="GET",route="\/products\/:sku\/stock",status="200"\} 1$/m)
  const status = await admin.inject({ url: '/status', headers: key })
  t.equal(status.statusCode, 200)
  t.equal(status.json().connections.length, 1)
  for (const url of ['/metrics', '/status']) t.equal(await statusOf(app, url, key), 404, url)
})

tap.test('requires a key for the status on the admin port', async (t) => {
  const { admin } = await start(t)
  t.equal(await statusOf(admin, '/status'), 401)
  t.equal(await statusOf(admin, '/status', { authorization: 'Bearer guessed' }), 401)
  t.equal(await statusOf(admin, '/metrics'), 200, 'a scraper needs none')
})

tap.test('serves nothing else on the admin port but documentation and a page of its own', async (t) => {
  const { app, admin } = await start(t)
  const elsewhere = ['/livez', '/readyz', '/products/CUP/stock', '/stock/low?below=1', '/connections']
  for (const url of elsewhere) {
    t.equal(await statusOf(admin, url, key), 404, url)
    t.not(await statusOf(app, url, key), 404, url)
  }
  t.equal((await admin.inject({ method: 'POST', url: '/metrics' })).statusCode, 405)
})

tap.test('documents the routes of each port there', async (t) => {
  const { app, admin } = await start(t)
  const pathsOf = async (server: FastifyInstance) => Object.keys((await server.inject('/openapi.json')).json().paths)
  t.strictSame((await pathsOf(admin)).toSorted(), ['/metrics', '/status'])
  const paths = await pathsOf(app)
  t.ok(paths.includes('/search'))
  t.notOk(paths.includes('/status'))
  t.equal(await statusOf(admin, '/docs/'), 200)
})

tap.test('serves the page for people on both ports, each with the views whose routes it has', async (t) => {
  const { app, admin } = await start(t)
  t.match((await app.inject('/ui')).body, 'data-views="stock"')
  t.match((await admin.inject('/ui')).body, 'data-views="state"')
})

tap.test('answers on the admin port with the same headers and errors', async (t) => {
  const { admin } = await start(t)
  const reply = await admin.inject('/nowhere')
  t.match(reply.headers, { 'x-content-type-options': 'nosniff', 'content-type': /^application\/problem\+json/ })
  t.equal(reply.json().request_id, reply.headers['x-request-id'])
})

tap.test('closes the admin port with the service', async (t) => {
  const { app, admin } = await start(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  await admin.listen({ host: '127.0.0.1', port: 0 })
  const { port } = admin.server.address() as AddressInfo
  t.equal((await getOverSocket(port, '/metrics')).status, 200)
  await app.close()
  await t.rejects(getOverSocket(port, '/metrics'), { code: 'ECONNREFUSED' })
})

tap.test('without ADMIN_PORT, serves metrics on the main port', async (t) => {
  const { app } = await startService(t, { environment: { ...environment, ADMIN_PORT: '' } })
  t.equal(app.admin, null)
  t.equal(await statusOf(app, '/metrics'), 200)
  t.equal(await statusOf(app, '/status', key), 200)
})
