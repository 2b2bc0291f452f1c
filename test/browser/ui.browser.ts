import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import tap, { type Test } from 'tap'
import { startConnections } from '../connections-service.js'
import { startMirrored } from '../e2e/mirror/mirrored.js'
import { eventually, type ServiceOptions, startService, TestClock } from '../harness.js'
import { openPage, startChromium } from './chromium.js'
import { readingKey, startKeyedService } from './keyed-service.js'
import { startBelowPrefix } from './page-server.js'
import { UiPage } from './ui-page.js'

const browser = await startChromium()

/** The page of a service at an address. */
async function openUi(t: Test, base: string) {
  const { page, faults } = await openPage(t, browser, new URL(base).origin)
  return { page, faults, ui: new UiPage(page, base) }
}

/** A mirrored service that requires no key, and its page. */
async function startUi(t: Test, options: ServiceOptions = {}) {
  const service = await startMirrored(t, options)
  return { ...service, ...(await openUi(t, `http://127.0.0.1:${await service.listen()}`)) }
}

tap.test('a person types, chooses a suggestion with the keyboard, and sees the stock', async (t) => {
  const { page, ui, faults } = await startUi(t)
  await ui.open()
  await ui.search.fill('gong')
  await ui.suggestions.first().waitFor()
  t.match(await ui.suggestions.first().textContent(), /GONGFU-SET.*Gongfu set for four.*kit · 6/s)
  await ui.search.press('ArrowDown')
  t.equal(await ui.search.getAttribute('aria-activedescendant'), 'option-0')
  await ui.search.press('Enter')
  await page.getByText('● Live').waitFor()
  t.equal(await ui.available.textContent(), '6')
  t.match(page.url(), /#\/stock\?sku=GONGFU-SET/)
  t.match(await page.title(), 'GONGFU-SET: 6')
  t.match(await ui.section('Warehouses').textContent(), /Oslo harbour.*6/)
  await ui.search.fill('MINT/LEMON 50%')
  await ui.search.press('Enter')
  await page.getByRole('heading', { name: 'MINT/LEMON 50%', level: 1 }).waitFor()
  t.equal(await ui.available.textContent(), '5', 'a SKU as typed, whatever its characters')
  t.strictSame(faults, [])
})

tap.test(
  'the scarce component of a kit is marked, with what is short, and links to where items are used',
  async (t) => {
    const { page, ui, faults } = await startUi(t)
    await ui.openStock('GONGFU-SET')
    const components = ui.section('Components')
    await components.getByText('TRAY is scarce: it allows 6, and 1 more would allow 7.').waitFor()
    await components.getByRole('row').filter({ hasText: 'TRAY' }).getByText('Scarce, 1 short').waitFor()
    t.equal(await components.getByText('Scarce, ').count(), 1)
    await ui.section('Where used').getByRole('link', { name: 'TASTING-SET' }).first().click()
    await page.getByRole('heading', { name: 'TASTING-SET', level: 1 }).waitFor()
    t.strictSame(faults, [])
  },
)

tap.test(
  'lots are shown by date, issues in words, and the candidates of a SKU that several merchants share',
  async (t) => {
    const { page, ui, faults } = await startUi(t)
    await ui.openStock('MATCHA-TIN')
    const dates = await ui.section('Lots').locator('tbody td:first-child').allTextContents()
    t.match(dates, [/^2026-12-15/, /^2027-03-01/, /^no date/])
    await ui.openStock('HOJICHA-80')
    await page.getByText('May be wrong').waitFor()
    await page.getByText('Trackstar does not know one of its items.').waitFor()
    await ui.open('#/stock?sku=HONEY-1')
    await page.getByRole('link', { name: 'cust_borealis' }).click()
    await page.getByText('● Live').waitFor()
    t.equal(await ui.available.textContent(), '4')
    await ui.open('#/stock?sku=NO-SUCH-SKU')
    t.match(await ui.alert.textContent(), 'Product not found')
    t.strictSame(faults, [])
  },
)

tap.test('a change is seen as it happens, with keys by a ticket; the key is in no address', async (t) => {
  const service = await startKeyedService(t)
  const { page, ui, faults } = await openUi(t, service.origin)
  await ui.open()
  await ui.enterKey('not-the-key')
  await ui.alert.getByText('The service does not accept this key.').waitFor()
  await ui.enterKey(readingKey)
  await ui.search.waitFor()
  // Chromium logs every error response.
  t.match(faults.splice(0), [/401/, /401/])
  await ui.openStock('CUP')
  t.equal(await ui.available.textContent(), '40')
  await service.move('inv_cup', -3)
  await ui.section('Changes').getByText('−3').waitFor()
  t.equal(await ui.available.textContent(), '37')
  await page.getByRole('img', { name: /^Available since .*: 37 now, between 37 and 40$/ }).waitFor()
  await ui.openStock('GONGFU-SET')
  await ui.section('Components').getByRole('row').filter({ hasText: 'Cup' }).getByText('37').waitFor()
  t.ok(service.seen.some(({ url }) => url.includes('ticket=')))
  t.notOk(service.seen.some(({ url }) => url.includes(readingKey)))
  t.notMatch(page.url(), readingKey)
  t.equal(await page.evaluate('localStorage.length + document.cookie.length'), 0)
  await page.getByRole('button', { name: 'Forget the key' }).click()
  await page.getByLabel('API key').waitFor()
  t.match(faults.splice(0), [/401/])
  t.strictSame(faults, [])
})

tap.test('thousands of changes at once leave the last number, a short list and a page that answers', async (t) => {
  const { ui, move, faults } = await startUi(t)
  await ui.openStock('LIVE-JASMINE')
  for (let n = 0; n < 600; n++) await move('inv_jasmine', n % 2 === 0 ? 5 : -4, 'wh_oslo')
  await ui.available.getByText('340').waitFor()
  t.equal(await ui.section('Changes').getByRole('listitem').count(), 20)
  t.strictSame(await ui.violations(), [], 'the list that scrolls can be scrolled with the keyboard')
  await ui.search.fill('sencha')
  await ui.suggestions.first().waitFor()
  t.strictSame(faults, [])
})

tap.test('what runs out is listed a page at a time, by bound, merchant and warehouse', async (t) => {
  const { page, ui, move, get, faults } = await startUi(t)
  await ui.open('#/low?below=1000')
  const rows = page.locator('tbody tr')
  await rows.first().waitFor()
  t.equal(await rows.count(), 25)
  const first = await rows.first().textContent()
  await page.getByRole('button', { name: 'Next' }).click()
  await page.getByText('Page 2').waitFor()
  await eventually(async () => (await rows.count()) > 0 && (await rows.first().textContent()) !== first)
  await page.getByRole('button', { name: 'Previous' }).click()
  await eventually(async () => (await rows.count()) > 0 && (await rows.first().textContent()) === first)
  await page.getByLabel('Less than').fill('6')
  await page.getByLabel('Merchant').fill('cust_borealis')
  await page.getByRole('button', { name: 'Show' }).click()
  await page.waitForURL(/below=6&merchant=cust_borealis/)
  await page.getByRole('link', { name: 'HONEY-1' }).waitFor()
  t.notOk((await rows.allTextContents()).some((text) => text.includes('aurora')))
  await ui.open('#/low?below=7&warehouse=wh_graz')
  await rows.first().waitFor()
  t.equal(await page.getByLabel('Warehouse').inputValue(), 'wh_graz')
  const { data } = (await get('/stock/low?below=7&warehouse_id=wh_graz&limit=25')).json()
  t.strictSame(
    await rows.locator('th code').allTextContents(),
    data.map(({ sku }: { sku: string }) => sku),
  )

  await ui.open('#/low?below=7')
  const tray = rows.filter({ hasText: 'GONGFU-SET' })
  await tray.waitFor()
  await eventually(async () => {
    await move('inv_tray', -1)
    return (await tray.textContent())?.includes('→') === true
  })
  await tray.getByRole('link').click()
  await page.getByRole('heading', { name: 'GONGFU-SET', level: 1 }).waitFor()
  t.strictSame(faults, [])
})

tap.test('it says that Trackstar is down, that the catalog is loading, and that a view needs the mirror', async (t) => {
  const down = await startService(t)
  const first = await openUi(t, `http://127.0.0.1:${await down.listen()}`)
  await first.ui.open('#/stock?sku=SENCHA-100')
  await first.page.getByText('○ Not live').waitFor()
  t.equal(await first.ui.available.textContent(), '38')
  down.sandbox.fault('/wms/*', { status: 503 })
  await first.ui.open('#/stock?sku=CUP')
  await first.ui.alert.getByText('Trackstar cannot be reached').waitFor()
  await first.ui.open('#/low')
  await first.ui.alert.getByText('without its copy of the catalog').waitFor()
  await first.ui.open('#/state')
  await first.page
    .getByText('open: Trackstar fails, calls are paused')
    .or(first.page.getByText('upstream_unavailable'))
    .first()
    .waitFor()
  // Chromium logs every error response.
  t.notOk(first.faults.some((fault) => !/status of 50/.test(fault)))

  const loading = await startMirrored(t, { waits: false, sandbox: {} })
  loading.sandbox.fault('/wms/products', { delayMs: 600_000, matches: (query) => !query.has('sku[in]') })
  const second = await openUi(t, `http://127.0.0.1:${await loading.listen()}`)
  const end = loading.sandbox.fault('/wms/inventory', { status: 503 })
  await second.ui.open('#/low')
  await second.ui.alert.getByText('The catalog is still being loaded. This page continues').waitFor()
  await second.ui.open('#/state')
  await second.page.getByText('loading:').waitFor()
  end()
  t.notOk(second.faults.some((fault) => !/status of 503/.test(fault)))
})

tap.test('the state has a light for each part of each connection', async (t) => {
  const { page, ui, sandbox, faults } = await startUi(t)
  await ui.open('#/state')
  const card = ui.section('Good default conn_sandbox')
  await card.waitFor()
  for (const part of ['Mirror', 'Credentials', 'Circuit', 'Rate', 'Warehouse system', 'Webhooks', 'Last error']) {
    t.equal(await card.getByText(part, { exact: true }).count(), 1, part)
  }
  sandbox.fault('/wms/*', { status: 401, body: { error: 'no', origin: 'trackstar' } })
  await page.evaluate("fetch('stock?sku=CUP', { headers: { 'cache-control': 'no-cache' } }).then(() => 0)")
  await page.getByText('refused by Trackstar').waitFor()
  t.equal(await page.getByRole('img', { name: 'Bad' }).count(), 2, 'the connection and its credentials')
  t.strictSame(faults, [])
})

tap.test('with several connections, one or a group is chosen, and the address keeps it', async (t) => {
  const groups = { all: ['one', 'two'] }
  const service = await startConnections(t, { one: {}, two: {} }, { groups, environment: { CATALOG_MODE: 'mirror' } })
  await service.app.listen({ host: '127.0.0.1', port: 0 })
  const isLive = async (name: string) => (await service.get(`/stock/low?below=0&connection=${name}`)).statusCode === 200
  await eventually(async () => (await isLive('one')) && (await isLive('two')))
  const base = `http://127.0.0.1:${Object(service.app.server.address()).port}`
  const { page, ui, faults } = await openUi(t, base)
  await ui.open('#/stock?sku=CUP&connection=two')
  await page.getByText('● Live').waitFor()
  t.equal(await ui.available.textContent(), '40')
  await page.getByLabel('Connection').selectOption('all')
  await page.waitForURL(/connection=all/)
  await ui.section('Connections').waitFor()
  t.equal(await ui.available.textContent(), '80')
  t.match(await ui.section('Warehouses').textContent(), '· two')
  await ui.search.fill('gongf')
  await ui.suggestions.first().waitFor()
  t.equal(await ui.suggestions.count(), 1, 'a SKU of several connections once')
  await ui.openStock('GONGFU-SET', '&connection=all')
  await ui.section('Components').getByText('TRAY in two is scarce').waitFor()
  t.equal(await ui.section('Components').getByText('Scarce, ').count(), 2)
  await ui.open('#/low?below=100&connection=all')
  await page.getByRole('link', { name: 'GONGFU-SET' }).waitFor()
  await ui.open('#/state')
  await page.getByRole('heading', { name: 'two' }).waitFor()
  t.strictSame(faults, [])
})

tap.test('it works below a prefix that a proxy strips', async (t) => {
  const service = await startMirrored(t)
  const base = await startBelowPrefix(t, `http://127.0.0.1:${await service.listen()}`, '/stock-api')
  const { ui, page, faults } = await openUi(t, base)
  for (const slash of ['', '/']) {
    await ui.open(`${slash}#/stock?sku=CUP`)
    await page.getByText('● Live').waitFor()
    t.equal(await ui.available.textContent(), '40')
  }
  t.strictSame(faults, [])
})

/** A shared service: these tests change nothing. */
const shared = startMirrored(tap)

for (const width of [360, 1600]) {
  for (const colorScheme of ['light', 'dark'] as const) {
    tap.test(`axe finds no violation in any view, ${colorScheme}, ${width} pixels wide`, async (t) => {
      const service = await shared
      const { page, ui, faults } = await openUi(t, `http://127.0.0.1:${await service.listen()}`)
      await page.setViewportSize({ width, height: 900 })
      await page.emulateMedia({ colorScheme })
      const check = async (what: string) => {
        t.strictSame(await ui.violations(), [], what)
        t.notOk(await ui.overflows(), `${what} fits in the window`)
      }
      await ui.open()
      await ui.search.fill('sencha')
      await ui.suggestions.first().waitFor()
      await check('search')
      for (const sku of ['GONGFU-SET', 'MATCHA-TIN', 'HOJICHA-80']) {
        await ui.openStock(sku)
        await ui.section('Where used').waitFor()
        await check(sku)
      }
      for (const view of ['#/stock?sku=HONEY-1', '#/stock?sku=NO-SUCH-SKU']) {
        await ui.open(view)
        await ui.alert.waitFor()
        await check(view)
      }
      await ui.open('#/low?below=10')
      await page.locator('tbody tr').first().waitFor()
      await check('running out')
      await ui.open('#/state')
      await page.getByText('accepted by Trackstar').waitFor()
      await check('state')
      t.strictSame(faults, [])
    })
  }
}

/** Changes of the demo's tin of jasmine pearls, four seconds apart. */
const moves = [-3, -3, 6, -6, -3, 15, -3, -6, -3, 3]
/** Share of pixels that may differ, because machines have other fonts. */
const tolerance = 0.05

tap.test('the picture in README shows the page as it is', async (t) => {
  const clock = new TestClock()
  const { page, ui, move } = await startUi(t, { clock })
  await page.setViewportSize({ width: 1100, height: 760 })
  await page.clock.install({ time: clock.now() })
  await ui.open('#/stock?sku=LIVE-GIFT')
  await eventually(async () => {
    await page.clock.runFor(100)
    return page.getByText('● Live').isVisible()
  })
  for (const by of moves) {
    clock.advance(4000)
    await page.clock.runFor(4000)
    const before = await ui.section('Components').textContent()
    await move('inv_jasmine', by, 'wh_oslo')
    await eventually(async () => {
      await page.clock.runFor(100)
      return (await ui.section('Components').textContent()) !== before
    })
  }
  await page.clock.runFor(5000)
  const picture = await page.screenshot()
  const file = join(import.meta.dirname, '..', '..', '..', 'docs', 'ui.png')
  const committed = existsSync(file) ? readFileSync(file) : undefined
  t.ok(picture.length < 150_000, `${picture.length} bytes`)
  const difference = committed === undefined ? 1 : await differenceOf(page, picture, committed)
  if (difference > tolerance) writeFileSync(file, picture)
  t.ok(
    difference <= tolerance,
    `${Math.round(difference * 100)} % of docs/ui.png differ. It was written anew: look at it and commit it`,
  )
})

/** The share of the pixels that differ clearly between two pictures; 1 if their sizes do. */
function differenceOf(page: Page, ...pictures: readonly Buffer[]): Promise<number> {
  const urls = pictures.map((picture) => `data:image/png;base64,${picture.toString('base64')}`)
  return page.evaluate(`(async () => {
    const [a, b] = await Promise.all(${JSON.stringify(urls)}.map(async (url) => {
      const image = new Image()
      image.src = url
      await image.decode()
      const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height })
      const context = canvas.getContext('2d')
      context.drawImage(image, 0, 0)
      return context.getImageData(0, 0, image.width, image.height)
    }))
    if (a.width !== b.width || a.height !== b.height) return 1
    let count = 0
    for (let n = 0; n < a.data.length; n += 4) if (Math.abs(a.data[n] - b.data[n]) > 48) count++
    return count / (a.data.length / 4)
  })()`)
}
