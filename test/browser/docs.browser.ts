import tap, { type Test } from 'tap'
import { isInSight, openPage, startChromium, styleOf } from './chromium.js'
import { readingKey, startKeyedService, writingKey } from './keyed-service.js'
import { startBelowPrefix } from './page-server.js'
import { SwaggerPage } from './swagger-page.js'

const browser = await startChromium()

/** A service that requires keys, with its documentation open in a browser. */
async function openDocs(t: Test) {
  const service = await startKeyedService(t)
  const { page, faults } = await openPage(t, browser, service.origin)
  const docs = new SwaggerPage(page)
  await docs.open(service.origin)
  return { ...service, page, faults, docs }
}

/** Chromium logs every error response to the console; here one is expected. */
const refused = (url: string, status: number) => new RegExp(`status of ${status} .*\\(${url}\\)$`)

tap.test(
  'Swagger UI lists every operation, violates no rule of its CSP, and sends no request to another host',
  async (t) => {
    const { docs, faults, get } = await openDocs(t)
    const { paths } = (await get('/openapi.json')).json<{ paths: Record<string, object> }>()
    const documented = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    )
    t.ok(documented.includes('GET /products/{sku}/stock'))
    t.same((await docs.listed()).toSorted(), documented.toSorted())
    t.same(faults, [])
  },
)

tap.test('Authorize offers both ways to send a key, and focuses the first field', async (t) => {
  const { docs, page, faults } = await openDocs(t)
  await docs.openAuthorizations()
  t.same(await docs.authorizations.locator('h4 code').allTextContents(), ['bearer', 'apiKey'])
  t.equal(await docs.authorizations.locator('input:focus').count(), 1)
  for (const input of await docs.authorizations.locator('input').all()) {
    t.ok(await isInSight(input))
  }
  await docs.closeAuthorizations()
  t.equal(await page.locator('.modal-ux').count(), 0)
  t.same(faults, [])
})

tap.test('regression: an expanded operation was ten thousand pixels high', async (t) => {
  const { docs, faults } = await openDocs(t)
  // The three highest ones before.
  for (const operation of ['GET /products/{sku}/stock', 'GET /inventory', 'PUT /inventory/{id}/adjust']) {
    const height = await docs.heightOf(operation)
    t.ok(height > 500 && height < 4500, `${operation}: ${height} px`)
  }
  t.same(faults, [])
})

for (const [scheme, header] of [
  ['bearer', { authorization: `Bearer ${readingKey}`, apiKey: undefined }],
  ['apiKey', { authorization: undefined, apiKey: readingKey }],
] as const) {
  tap.test(`a stock is shown with a key in ${scheme}, and not without`, async (t) => {
    const { docs, faults, seen, origin } = await openDocs(t)
    const ofStock = () => seen.filter(({ url }) => url === '/products/SENCHA-100/stock')
    const without = await docs.tryOut('GET /products/{sku}/stock')
    t.match(without, { status: 401, body: { code: 'unauthorized', type: '../../docs/problems#unauthorized' } })
    await docs.authorize(scheme, readingKey)
    const shown = await docs.tryOut('GET /products/{sku}/stock')
    t.match(shown, { status: 200, body: { sku: 'SENCHA-100', available: 38 } })
    await docs.logOut(scheme)
    t.match(await docs.tryOut('GET /products/{sku}/stock'), { status: 401 })
    const none = { authorization: undefined, apiKey: undefined, status: 401 }
    t.match(ofStock(), [none, { ...header, status: 200 }, none])
    t.equal(faults.length, 2)
    for (const fault of faults) t.match(fault, refused(`${origin}/products/SENCHA-100/stock`, 401))
  })
}

tap.test('a query is sent as entered, and answered', async (t) => {
  const { docs, faults } = await openDocs(t)
  await docs.authorize('apiKey', readingKey)
  const { status, body } = await docs.tryOut('POST /stock/query')
  t.equal(status, 200)
  t.match(body, { results: [{ sku: 'SENCHA-100', status: 'ok', stock: { available: 38 } }] })
  t.same(faults, [])
})

tap.test('an adjustment is sent as entered, and made with a key that may write', async (t) => {
  const { docs, faults, origin, get } = await openDocs(t)
  const adjust = 'PUT /inventory/{id}/adjust'
  await docs.authorize('bearer', readingKey)
  t.match(await docs.tryOut(adjust), { status: 403, body: { code: 'forbidden' } })
  t.equal(faults.length, 1)
  t.match(faults.splice(0), [refused(`${origin}/inventory/inv_tray/adjust`, 403)])
  await docs.logOut('bearer')
  await docs.authorize('bearer', writingKey)
  t.match(await docs.tryOut(adjust), { status: 200, body: { id: 'inv_tray', data: { onhand: 11 } } })
  const stock = await get('/products/GONGFU-SET/stock', { 'x-api-key': readingKey })
  t.equal(stock.json().available, 9)
  t.same(faults, [])
})

tap.test('the table of problems is styled, and highlights the code in the URL', async (t) => {
  const { docs, page, faults, origin } = await openDocs(t)
  const { body } = await docs.tryOut('GET /products/{sku}/stock')
  t.equal(faults.length, 1)
  t.match(faults.splice(0), [refused(`${origin}/products/SENCHA-100/stock`, 401)])
  await page.goto(String(new URL(String(body['type']), `${origin}/products/SENCHA-100/stock`)))
  const marked = page.locator('tr:target')
  t.match(await marked.textContent(), /^401unauthorized/)
  t.ok(await isInSight(marked))
  const plain = page.locator('tr:not(:target)').last()
  t.not(await styleOf(marked, 'background-color'), await styleOf(plain, 'background-color'))
  t.equal(await styleOf(page.locator('table'), 'border-collapse'), 'collapse')
  t.same(faults, [])
})

tap.test('below a prefix that a proxy strips, Swagger UI sends requests there, and problems link there', async (t) => {
  const { origin } = await startKeyedService(t)
  const base = await startBelowPrefix(t, origin, '/stock-api')
  const { page, faults } = await openPage(t, browser, new URL(base).origin)
  const docs = new SwaggerPage(page)
  await docs.open(base)
  t.equal(page.url(), `${base}/docs/`)
  await docs.authorize('apiKey', readingKey)
  const stock = await docs.tryOut('GET /products/{sku}/stock')
  t.match(stock, { status: 200, body: { sku: 'SENCHA-100', available: 38 } })
  t.match(await docs.tryOut('POST /stock/query'), { status: 200 })
  t.same(faults, [])
  const opened = page.waitForEvent('popup')
  await page.getByRole('link', { name: 'the page of problems' }).click()
  t.equal((await opened).url(), `${base}/docs/problems`)
})
