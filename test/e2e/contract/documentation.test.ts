import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { InjectOptions } from 'fastify'
import tap, { type Test } from 'tap'
import type { BasketCheck } from '../../../src/basket/basket-result.js'
import { variables } from '../../../src/config/variables.js'
import { maxLines } from '../../../src/routes/basket-check.js'
import { maxSkusInBody, maxSkusInQuery } from '../../../src/routes/stock-query.js'
import { fixedSkus } from '../../../src/sandbox/fixed-catalog.js'
import { createSandbox, sandboxWebhookSecret } from '../../../src/sandbox/sandbox.js'
import { severalConnections } from '../../../src/sandbox/several-connections.js'
import type { Stock } from '../../../src/stock/stock.js'
import { startConnections } from '../../connections-service.js'
import { startService } from '../../harness.js'
import { startMirrored } from '../mirror/mirrored.js'

const root = join(import.meta.dirname, '..', '..', '..', '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')

/** README.md and each page of docs, by its path. The tables that the code generates are checked by `npm run docs`. */
const pages = new Map(
  [
    'README.md',
    ...readdirSync(join(root, 'docs'), 'utf8')
      .filter((name) => name.endsWith('.md'))
      .map((name) => `docs/${name}`),
  ].map((file) => [file, read(file)]),
)
const page = (file: string) => {
  const text = pages.get(file)
  if (text === undefined) throw new Error(`expected a page ${file}, but there is none`)
  return text
}

/** The cells of the table under a heading row. */
function tableOf(file: string, ...heading: string[]): string[][] {
  const rows = page(file)
    .split('\n')
    .map((line) =>
      line.startsWith('|')
        ? line
            .slice(1, -1)
            .split('|')
            .map((cell) => cell.trim())
        : undefined,
    )
  const start = rows.findIndex((cells) => cells?.join() === heading.join())
  if (start === -1) throw new Error(`expected a table of ${heading.join(', ')} in ${file}, but there is none`)
  const end = rows.indexOf(undefined, start)
  return rows.slice(start + 2, end).filter((cells) => cells !== undefined)
}

/** The numbers in the groups of the first match. */
function numbersIn(file: string, sentence: RegExp): number[] {
  const match = sentence.exec(page(file))
  if (match === null) throw new Error(`expected ${sentence.source} in ${file}, but there is no match`)
  return match.slice(1).map((text) => Number(text.replaceAll(',', '')))
}

const { get, post } = await startService(tap)
const stockOf = async (sku: string) => (await get(`/products/${encodeURIComponent(sku)}/stock`)).json<Stock>()

/** Fields that differ from run to run; only their type is compared. */
const changingFields = ['as_of', 'started_at', 'synced_at', 'request_id']

/** The request that a curl command makes. */
function requestOf(command: string): InjectOptions {
  const line = command.replaceAll(/\\\n\s*/g, '')
  const [, url = ''] = /http:\/\/127\.0\.0\.1:3000([^\s']*)/.exec(line) ?? []
  const [, payload] = /-d '([^']*)'/.exec(line) ?? []
  const [, method = payload === undefined ? 'GET' : 'POST'] = /-X (\w+)/.exec(line) ?? []
  const headers = Array.from(line.matchAll(/-H '([^:]+): ([^']+)'/g), ([, name = '', value]) => [name, value])
  return {
    method,
    url,
    headers: Object.fromEntries(headers),
    ...(payload !== undefined && { payload }),
  } as InjectOptions
}

/** Fields shown with another value than the actual one, and fields neither shown nor declared as omitted. */
function differences(shown: unknown, actual: unknown, omitted: readonly string[], path = ''): string[] {
  if (typeof shown !== 'object' || shown === null || typeof actual !== 'object' || actual === null) {
    const isChanging = changingFields.some((field) => path.endsWith(`.${field}`))
    const isSame = isChanging ? typeof shown === typeof actual : shown === actual
    return isSame ? [] : [`${path}: shown is ${JSON.stringify(shown)}, but got ${JSON.stringify(actual)}`]
  }
  const [shownFields, actualFields] = [new Map(Object.entries(shown)), new Map(Object.entries(actual))]
  const missing = Array.from(actualFields.keys()).filter((key) => !shownFields.has(key) && !omitted.includes(key))
  return [
    ...(omitted.includes(path) ? [] : missing.map((key) => `${path}.${key} is neither shown nor declared as omitted`)),
    ...Array.from(shownFields).flatMap(([key, value]) =>
      differences(value, actualFields.get(key), omitted, `${path}.${key}`),
    ),
  ]
}

/** The service that `SANDBOX_CONNECTIONS=3 npm run demo` starts. */
async function startDemoConnections(t: Test) {
  const names = severalConnections(3).map(({ name }) => name)
  const given = severalConnections(3).map(({ name, options }) => [name, { sandbox: options }])
  const { app } = await startConnections(t, Object.fromEntries(given), { groups: { all: names } })
  return app
}

tap.test('the service gives each answer that the documentation shows', async (t) => {
  const { app } = await startMirrored(t, { sandbox: { products: 1000 } })
  const several = await startDemoConnections(t)
  // An adjustment changes the stock that other pages show.
  const files = [...pages.keys()].toSorted((a, b) => Number(a.includes('adjust')) - Number(b.includes('adjust')))
  for (const file of files) {
    const examples = Array.from(
      page(file).matchAll(
        /```sh\n(curl [^`]*)```\n\n```json\n([^`]*)```\n\n(?:Omitted here: ([^.]*)\.(?:\n| Stock))?/g,
      ),
    )
    t.equal(examples.length, page(file).match(/```json/g)?.length ?? 0, `${file}: each answer has a command`)
    for (const [, command = '', json = '', words = ''] of examples) {
      const [, partial] = /the other fields of `(\w+)`/.exec(words) ?? []
      const omitted = Array.from(words.matchAll(/`(\w+)`/g), ([, name = '']) => (name === partial ? `.${name}` : name))
      const request = requestOf(command)
      const asked = String(request.url).includes('connection=') ? several : app
      const response = await asked.inject(request)
      t.same(differences(JSON.parse(json), response.json(), omitted), [], command)
    }
  }
  t.match(page('docs/adjustments.md'), 'The next `GET /products/GONGFU-SET/stock` returns 9')
  t.equal((await app.inject('/products/GONGFU-SET/stock')).json().available, 9)
  const refused = await app.inject({
    method: 'PUT',
    url: '/inventory/inv_tray/adjust',
    payload: { quantity: 600, adjustment_type: 'decrease' },
  })
  t.match(page('docs/adjustments.md'), `\`${refused.json().detail}\`, with \`origin: ${refused.json().origin}\``)
})

tap.test('the basket in stock.md is computed correctly', async (t) => {
  const lines = [
    { sku: 'GONGFU-SET', quantity: 6 },
    { sku: 'CUP', quantity: 20 },
  ]
  const { shortages } = (await post('/stock/check', { lines })).json<BasketCheck>()
  const [cups] = shortages
  t.same(
    tableOf('docs/stock.md', 'line', 'cups needed').map(([, units = '']) => Number(units.split(' = ').at(-1))),
    [24, 20, cups?.required],
  )
  t.same(numbersIn('docs/stock.md', /There are (\d+) cups, so (\d+) are missing/), [cups?.available, cups?.shortfall])
})

tap.test('the kit in stock.md is computed correctly', async (t) => {
  const { available, quantities, components } = await stockOf('GONGFU-SET')
  const sets = components.map(({ quantities: { fulfillable }, unit_quantity }) =>
    Math.floor(fulfillable / unit_quantity),
  )
  t.same(
    tableOf('docs/stock.md', 'component', 'fulfillable', 'needed for a set', 'sets'),
    components.map(({ sku, quantities: { fulfillable }, unit_quantity }, index) =>
      [`\`${sku}\``, fulfillable, unit_quantity, sets[index]].map(String),
    ),
  )
  t.same(numbersIn('docs/stock.md', /^Available: min\((\d+), (\d+), (\d+)\) = (\d+)\./m), [...sets, available])
  const withAwaiting = components.map(({ quantities: { fulfillable, awaiting }, unit_quantity }) =>
    Math.floor((fulfillable + (awaiting ?? 0)) / unit_quantity),
  )
  t.same(numbersIn('docs/stock.md', /awaiting: min\((\d+), (\d+), (\d+)\) − (\d+) = (\d+)\./), [
    ...withAwaiting,
    available,
    quantities.awaiting,
  ])
})

tap.test('other numbers and names in the documentation are correct', async (t) => {
  const biscuits = await stockOf('BISCUIT-6PK')
  const sixPacks = [biscuits.components[0]?.quantities.fulfillable, biscuits.available]
  t.same(numbersIn('README.md', /(\d+) biscuits are (\d+) six-packs/), sixPacks)
  t.same(numbersIn('docs/stock.md', /(\d+) loose biscuits make (\d+)\n? *six-packs/), sixPacks)
  t.same(numbersIn('docs/stock.md', /sku=B` +\| up to (\d+) SKUs/), [maxSkusInQuery])
  t.same(numbersIn('docs/stock.md', /"B"\]\}` +\| up to ([\d,]+) SKUs/), [maxSkusInBody])
  t.same(numbersIn('docs/stock.md', /lines of a basket, up to (\d+)/), [maxLines])
  const [, sku = ''] = /`\/products\/([^`/]+%[^`/]+)\/stock`/.exec(page('README.md')) ?? []
  t.ok(fixedSkus.some((fixed) => fixed.sku === decodeURIComponent(sku)))
  const { StockIssue, StockEventData } = JSON.parse(read('openapi/openapi.json')).components.schemas
  t.same(
    tableOf('docs/stock.md', 'code', 'meaning', 'effect').map(([code]) => code),
    StockIssue.properties.code.enum.map((code: string) => `\`${code}\``),
  )
  for (const [, data = ''] of page('docs/events.md').matchAll(/^data: (.*)$/gm)) {
    t.same(Object.keys(JSON.parse(data)), Object.keys(StockEventData.properties))
  }
})

tap.test('sandbox.md shows the secret and the tokens of the sandbox', async (t) => {
  t.match(page('docs/sandbox.md'), `TRACKSTAR_WEBHOOK_SECRET=${sandboxWebhookSecret} `)
  t.same(
    tableOf('docs/sandbox.md', 'connection', 'access token', 'connection id', 'of the SKUs below').map((cells) =>
      cells.slice(0, 3),
    ),
    severalConnections(3).map(({ name, options }) => {
      const { accessToken, connectionId } = createSandbox({ ...options, products: 0 }).credentials
      return [name, accessToken, connectionId].map((text) => `\`${text}\``)
    }),
  )
})

const slugOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\d\-_ ]/gu, '')
    .replaceAll(' ', '-')

const anchorsOf = (text: string) => Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading = '']) => slugOf(heading))

tap.test('links, commands and variables in the documentation exist', async (t) => {
  const { scripts, engines } = JSON.parse(read('package.json'))
  t.match(page('README.md'), `Node ${engines.node.replace('>=', '')} or newer`)
  const known = new Set<string>(Object.values(variables).map(({ name }) => name))
  for (const [file, text] of pages) {
    const anchors = anchorsOf(text)
    t.same(anchors, [...new Set(anchors)], `${file}: headings are distinct`)
    for (const [, target = ''] of text.matchAll(/\]\(((?!https?:)[^)]+)\)/g)) {
      const [path = '', anchor] = target.split('#')
      const other = path === '' ? file : join(dirname(file), path)
      t.ok(existsSync(join(root, other)), `${file}: ${target}`)
      if (anchor !== undefined) t.ok(anchorsOf(read(other)).includes(anchor), `${file}: ${target}`)
    }
    for (const [, name = ''] of text.matchAll(/\bnpm (?:run )?([\w:]+)/g)) {
      t.ok(name === 'ci' || scripts[name], `${file}: npm run ${name}`)
    }
    const names = text.match(
      /\b(?:TRACKSTAR|CACHE|SYNC|SHUTDOWN|REQUEST|CLIENT|CATALOG|ADMIN|AUTH|API|CORS|TRUST)_[A-Z_]+\b/g,
    )
    t.same(names?.filter((name) => !known.has(name)) ?? [], [], file)
  }
})
