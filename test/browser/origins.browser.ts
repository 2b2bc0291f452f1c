import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import tap, { type Test } from 'tap'
import { openPage, startChromium } from './chromium.js'
import { readingKey, startKeyedService, writingKey } from './keyed-service.js'
import { startPages } from './page-server.js'

const browser = await startChromium()
const key = { 'X-API-Key': readingKey }

/** A service, a page of its allowed origin, and a page of another one. */
async function openPages(t: Test) {
  const [allowed, other] = [await startPages(t), await startPages(t)]
  const service = await startKeyedService(t, allowed)
  const open = async (origin: string) => {
    const { page, faults } = await openPage(t, browser, origin, service.origin)
    await page.goto(origin)
    return { page, faults }
  }
  return { ...service, allowed, other, open }
}

interface Init {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly cache?: 'no-cache'
  readonly mode?: 'no-cors'
}

/** What the script of a page can see of a response. */
interface Seen {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const ask = (page: Page, url: string, init: Init = {}): Promise<Seen | string> =>
  page.evaluate(
    async ([url, init]) => {
      try {
        const response = await fetch(url, init)
        const { status, headers } = response
        return { status, headers: Object.fromEntries(headers), body: await response.text() }
      } catch (error) {
        return String(error)
      }
    },
    [url, init] as const,
  )

/** The same for a page of the allowed origin. */
async function askAllowed(page: Page, url: string, init?: Init): Promise<Seen> {
  const seen = await ask(page, url, init)
  if (typeof seen === 'string') throw new Error(`expected an answer of ${url}, but got ${seen}`)
  return seen
}

tap.test('a page of the allowed origin reads a stock and its headers', async (t) => {
  const { allowed, open, origin, seen } = await openPages(t)
  const { page, faults } = await open(allowed)
  const { status, headers, body } = await askAllowed(page, `${origin}/products/SENCHA-100/stock`, { headers: key })
  t.equal(status, 200)
  t.match(JSON.parse(body), { sku: 'SENCHA-100', available: 38 })
  t.match(headers, {
    etag: /^W\//,
    age: /^\d+$/,
    'cache-status': 'trackstar-bff; hit',
    'x-request-id': /./,
    'ratelimit-limit': '60000',
    'ratelimit-remaining': /^\d+$/,
    'ratelimit-reset': /^\d+$/,
  })
  t.equal(seen.length, 2)
  t.match(seen, [
    { method: 'OPTIONS', url: '/products/SENCHA-100/stock', status: 204, apiKey: undefined },
    { method: 'GET', url: '/products/SENCHA-100/stock', status: 200, apiKey: readingKey },
  ])
  t.same(faults, [])
})

tap.test("a page revalidates by ETag, itself or through the browser's cache", async (t) => {
  const { allowed, open, origin, seen, move } = await openPages(t)
  const { page, faults } = await open(allowed)
  const url = `${origin}/products/LIVE-JASMINE/stock`
  const statuses = () => seen.splice(0).flatMap(({ method, status }) => (method === 'GET' ? [status] : []))
  const { headers, body } = await askAllowed(page, url, { headers: key })
  const byItself = () => askAllowed(page, url, { headers: { ...key, 'If-None-Match': headers['etag'] ?? '' } })
  const throughTheCache = () => askAllowed(page, url, { headers: key, cache: 'no-cache' })
  t.same(statuses(), [200])

  t.match(await byItself(), { status: 304, body: '' })
  t.same(statuses(), [304])
  t.match(await throughTheCache(), { status: 200, body })
  t.same(statuses(), [304], "the browser's cached response was confirmed")

  await move('inv_jasmine', -3, 'wh_oslo')
  const changed = await throughTheCache()
  t.equal(JSON.parse(changed.body).available, 37)
  t.match(await byItself(), { status: 200, body: changed.body })
  t.same(statuses(), [200, 200])
  t.same(faults, [])
})

tap.test('a page of the allowed origin sends bodies, and writes with a key that may', async (t) => {
  const { allowed, open, origin } = await openPages(t)
  const { page, faults } = await open(allowed)
  const json = { 'Content-Type': 'application/json' }
  const query = { method: 'POST', headers: { ...key, ...json }, body: '{"skus":["GONGFU-SET"]}' }
  const { body } = await askAllowed(page, `${origin}/stock/query`, query)
  t.match(JSON.parse(body), { results: [{ sku: 'GONGFU-SET', stock: { available: 6 } }] })

  const adjustment = {
    method: 'PUT',
    headers: { Authorization: `Bearer ${writingKey}`, ...json, 'Idempotency-Key': 'tray-1' },
    body: '{"quantity":5,"adjustment_type":"increase"}',
  }
  const once = await askAllowed(page, `${origin}/inventory/inv_tray/adjust`, adjustment)
  t.match(once, { status: 200, headers: { 'idempotency-key': 'tray-1', 'idempotent-replayed': undefined } })
  const again = await askAllowed(page, `${origin}/inventory/inv_tray/adjust`, adjustment)
  t.match(again, { status: 200, headers: { 'idempotent-replayed': 'true' }, body: once.body })
  t.same(faults, [])
})

tap.test('a page of the allowed origin reads why it is rejected', async (t) => {
  const { allowed, open, origin } = await openPages(t)
  const { page, faults } = await open(allowed)
  const withoutKey = await askAllowed(page, `${origin}/products/SENCHA-100/stock`)
  t.equal(withoutKey.status, 401)
  t.match(JSON.parse(withoutKey.body), { code: 'unauthorized', request_id: withoutKey.headers['x-request-id'] })
  const wrongKey = await askAllowed(page, `${origin}/stock/low`, { headers: { 'X-API-Key': 'wrong' } })
  t.match(JSON.parse(wrongKey.body), { status: 401, code: 'unauthorized' })
  const unknown = await askAllowed(page, `${origin}/products/NO-SUCH-TEA/stock`, { headers: key })
  t.equal(unknown.status, 404)
  t.match(JSON.parse(unknown.body), { code: 'product_not_found' })
  const nowhere = await askAllowed(page, `${origin}/nowhere`, { headers: key })
  t.match(JSON.parse(nowhere.body), { status: 404, code: 'route_not_found' })
  t.same(
    faults.map((fault) => /status of (\d+)/.exec(fault)?.[1]),
    ['401', '401', '404', '404'],
  )
})

/** The script in docs/events.md, with the service's origin before its paths. */
function documentedScript(origin: string): string {
  const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'events.md'), 'utf8')
  const [, script = ''] = /```js\n(async function follow[\s\S]*?)```/.exec(page) ?? []
  return script.replaceAll(/(?<=['`])(?=\/stock\/events)/g, origin)
}

tap.test('the script in events.md follows the stock with tickets and reconnects', async (t) => {
  const { allowed, open, origin, move, app, seen } = await openPages(t)
  const { page, faults } = await open(allowed)
  await page.addScriptTag({
    content: `const key = '${readingKey}'
      const shown = []
      let opened = 0
      const show = (...change) => shown.push(change)
      const readStock = () => opened++
      ${documentedScript(origin)}
      follow()`,
  })
  await page.waitForFunction('opened === 1')
  await move('inv_jasmine', -3, 'wh_oslo')
  await page.waitForFunction('shown.length === 2')
  t.same(await page.evaluate('shown'), [
    ['LIVE-JASMINE', 37],
    ['LIVE-GIFT', 12],
  ])
  t.same(faults, [])

  app.server.closeAllConnections()
  await page.waitForFunction('opened === 2')
  await move('inv_jasmine', -3, 'wh_oslo')
  await page.waitForFunction('shown.length === 4')
  t.same(await page.evaluate('shown.slice(2)'), [
    ['LIVE-JASMINE', 34],
    ['LIVE-GIFT', 11],
  ])
  const tickets = seen.flatMap(({ url }) => (url.startsWith('/stock/events?') ? [url.split('ticket=')[1]] : []))
  t.equal(new Set(tickets).size, 2, 'each connection uses a ticket of its own')
})

tap.test('a page of another origin can read no response', async (t) => {
  const { other, open, origin, seen } = await openPages(t)
  const { page } = await open(other)
  const failed = 'TypeError: Failed to fetch'
  const url = `${origin}/products/SENCHA-100/stock`
  for (const headers of [key, { Authorization: `Bearer ${readingKey}` }]) {
    t.equal(await ask(page, url, { headers }), failed)
  }
  t.equal(await ask(page, `${origin}/stock/events/tickets`, { method: 'POST', headers: key }), failed)
  t.equal(await ask(page, `${origin}/inventory/inv_tray/adjust`, { method: 'PUT', headers: key, body: '{}' }), failed)
  t.same(new Set(seen.splice(0).map(({ method }) => method)), new Set(['OPTIONS']), 'no key was sent')

  for (const path of ['/livez', '/openapi.json', '/products/SENCHA-100/stock']) {
    t.equal(await ask(page, origin + path), failed, `a simple GET of ${path}`)
    t.equal(await ask(page, origin + path, { mode: 'no-cors' }), failed, `a no-cors GET of ${path}`)
  }
  t.match(
    seen.map(({ method, status }) => [method, status]),
    [200, 200, 401].flatMap((status) => [
      ['GET', status],
      ['GET', status],
    ]),
    'the service answered, but the page cannot read it',
  )
})

tap.test('a page of another origin receives no event, even with a valid ticket', async (t) => {
  const { other, open, origin, post, move, seen } = await openPages(t)
  const { page } = await open(other)
  const { ticket } = (await post('/stock/events/tickets', {}, key)).json()
  await page.addScriptTag({
    content: `const heard = []
      const events = new EventSource('${origin}/stock/events?ticket=${ticket}')
      for (const name of ['open', 'stock', 'message', 'reset', 'error']) {
        events.addEventListener(name, () => heard.push(name))
      }`,
  })
  await page.waitForFunction('events.readyState === EventSource.CLOSED')
  await move('inv_jasmine', -3, 'wh_oslo')
  t.same(await page.evaluate('heard'), ['error'])
  t.match(seen, [{ method: 'GET', url: `/stock/events?ticket=${ticket}`, status: 200 }])
})
