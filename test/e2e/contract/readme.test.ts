import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { InjectOptions } from 'fastify'
import tap from 'tap'
import type { BasketCheck } from '../../../src/basket/basket-result.js'
import { variables } from '../../../src/config/variables.js'
import { problems } from '../../../src/errors.js'
import { maxLines } from '../../../src/routes/basket-check.js'
import { advice } from '../../../src/routes/problems-page.js'
import { maxSkusInBody, maxSkusInQuery } from '../../../src/routes/stock-query.js'
import { fixedSkus } from '../../../src/sandbox/fixed-catalog.js'
import { sandboxWebhookSecret } from '../../../src/sandbox/sandbox.js'
import type { Stock } from '../../../src/stock/stock.js'
import { startService } from '../../harness.js'
import { routesOf } from '../../openapi/routes.js'
import { startMirrored } from '../mirror/mirrored.js'

const root = join(import.meta.dirname, '..', '..', '..', '..')
/** With the cells of its tables apart by one space: how they are aligned is the formatter's business. */
const readme = readFileSync(join(root, 'README.md'), 'utf8').replaceAll(/^\|.*\|$/gm, (row) =>
  row
    .split(/ *\| */)
    .join(' | ')
    .trim(),
)

/** The cells of the table under a heading row, without the two rows at its head. */
function table(...heading: string[]): string[][] {
  const [, rows] = readme.split(`| ${heading.join(' | ')} |\n`)
  if (rows === undefined) throw new Error(`no table begins with ${heading.join(' | ')}`)
  const lines = rows.slice(0, rows.search(/\n(?!\|)/)).split('\n')
  return lines.slice(1).map((line) => line.slice(2, -2).split(' | '))
}

const code = (text: string) => `\`${text}\``

/** The first number groups of a sentence: what the README claims. */
function numbersIn(sentence: RegExp): number[] {
  const found = sentence.exec(readme)
  if (found === null) throw new Error(`the README has nothing like ${sentence.source}`)
  return found.slice(1).map(Number)
}

async function stockOf(t: Parameters<typeof startService>[0], sku: string): Promise<Stock> {
  const { get } = await startService(t)
  return (await get(`/products/${encodeURIComponent(sku)}/stock`)).json<Stock>()
}

tap.test('the configuration table has every variable, with its default and meaning', async (t) => {
  t.same(
    table('variable', 'default', 'meaning'),
    Object.values<{ name: string; fallback: string | undefined; required?: boolean; meaning: string }>(variables).map(
      ({ name, fallback, required, meaning }) => [
        code(name),
        required ? 'required' : fallback === undefined ? 'unset' : code(fallback),
        meaning,
      ],
    ),
  )
})

tap.test('the table of errors has every code, with its status, meaning and what to do', async (t) => {
  t.same(
    table('status', 'code', 'meaning', 'what to do'),
    Object.entries(problems).map(([name, { status, title }]) => [
      String(status),
      code(name),
      title,
      new Map(Object.entries(advice)).get(name),
    ]),
  )
})

tap.test('the table of routes has every route of the application, and no other', async (t) => {
  const { app } = await startMirrored(t, { waits: false })
  const named = table('route', 'gives').flatMap(([route = '', what = '']) => [
    route,
    ...(what.match(/`GET \/[^`]*`/g) ?? []),
  ])
  t.same(named.toSorted(), (await routesOf(app)).map(code).toSorted())
})

tap.test('the table of SKUs has every fixed SKU, with what it shows', async (t) => {
  t.same(
    table('SKU', 'what it shows'),
    fixedSkus.map(({ sku, shows }) => [code(sku), shows]),
  )
})

/** What differs from one answer to the next: only its being there is compared. */
const changing = ['as_of', 'started_at', 'synced_at', 'request_id']

/** The request that a block of the README makes by curl. */
function curled(block: string): InjectOptions {
  const command = block.replaceAll(/\\\n\s*/g, '')
  const [, path = ''] = /http:\/\/127\.0\.0\.1:3000([^\s']*)/.exec(command) ?? []
  const [, payload] = /-d '([^']*)'/.exec(command) ?? []
  const [, method = payload === undefined ? 'GET' : 'POST'] = /-X (\w+)/.exec(command) ?? []
  const headers = Array.from(command.matchAll(/-H '([^:]+): ([^']+)'/g), ([, name = '', value]) => [name, value])
  return {
    method,
    url: path,
    headers: Object.fromEntries(headers),
    ...(payload !== undefined && { payload }),
  }
}

/** What is shown of an answer and is not in it, or is in it and is neither shown nor said to be left out. */
function differences(shown: unknown, answer: unknown, leftOut: readonly string[], at = ''): string[] {
  if (typeof shown !== 'object' || shown === null || typeof answer !== 'object' || answer === null) {
    const isSame = changing.some((key) => at.endsWith(`.${key}`)) ? typeof shown === typeof answer : shown === answer
    return isSame ? [] : [`${at}: shown is ${JSON.stringify(shown)}, but it is ${JSON.stringify(answer)}`]
  }
  const [given, made] = [new Map(Object.entries(shown)), new Map(Object.entries(answer))]
  const silent = Array.from(made.keys()).filter((key) => !given.has(key) && !leftOut.includes(key))
  return [
    ...(leftOut.includes(at) ? [] : silent.map((key) => `${at}.${key} is neither shown nor said to be left out`)),
    ...Array.from(given).flatMap(([key, value]) => differences(value, made.get(key), leftOut, `${at}.${key}`)),
  ]
}

tap.test('each answer that the README shows is what the service answers, but for what it leaves out', async (t) => {
  const { app } = await startMirrored(t, { sandbox: { products: 1000 } })
  const shown = Array.from(
    readme.matchAll(/```sh\n(curl [^`]*)```\n\n```json\n([^`]*)```\n\n(?:Left out here: (.*?)\.(?:\n| Stock))?/g),
  )
  t.equal(shown.length, readme.match(/```json/g)?.length)
  for (const [, command = '', json = '', words = ''] of shown) {
    const [, part] = /the other fields of `(\w+)`/.exec(words) ?? []
    const leftOut = Array.from(words.matchAll(/`(\w+)`/g), ([, name = '']) => (name === part ? `.${name}` : name))
    const answer = await app.inject(curled(command))
    t.same(differences(JSON.parse(json), answer.json(), leftOut), [], command)
  }
  t.match(readme, 'The next `GET /products/GONGFU-SET/stock` says 9')
  t.equal((await app.inject('/products/GONGFU-SET/stock')).json().available, 9)
  const tooMany = { method: 'PUT', url: '/inventory/inv_tray/adjust' } as const
  const refused = await app.inject({ ...tooMany, payload: { quantity: 600, adjustment_type: 'decrease' } })
  t.match(readme, `\`${refused.json().detail}\`, with \`origin: ${refused.json().origin}\``)
})

tap.test('the basket that the README works out by hand comes out the same', async (t) => {
  const { post } = await startService(t)
  const { shortages } = (
    await post('/stock/check', {
      lines: [
        { sku: 'GONGFU-SET', quantity: 6 },
        { sku: 'CUP', quantity: 20 },
      ],
    })
  ).json<BasketCheck>()
  const needed = table('line', 'cups needed').map(([, units = '']) => Number(units.split(' = ').at(-1)))
  const [cups] = shortages
  t.same(needed, [24, 20, cups?.required])
  t.same(numbersIn(/There are (\d+) cups, so (\d+) are missing/), [cups?.available, cups?.shortfall])
  t.same(numbersIn(/basket of up to (\d+) lines/), [maxLines])
})

tap.test("the table of the sandbox's switches has every one that is read", async (t) => {
  const main = readFileSync(join(root, 'src', 'main.ts'), 'utf8')
  const read = new Set(main.match(/\bSANDBOX_[A-Z_]+\b/g))
  t.same(
    table('switch', 'default', 'meaning')
      .map(([name]) => name)
      .toSorted(),
    [...read].map(code).toSorted(),
  )
  t.match(readme, `TRACKSTAR_WEBHOOK_SECRET=${sandboxWebhookSecret} `)
})

tap.test('the kit that the README works out by hand comes out the same', async (t) => {
  const { available, quantities, components } = await stockOf(t, 'GONGFU-SET')
  const rows = table('component', 'fulfillable', 'needed for a set', 'sets')
  t.same(
    rows.map((cells) => cells.slice(0, 3)),
    components.map(({ sku, quantities: { fulfillable }, unit_quantity }) => [
      code(String(sku)),
      String(fulfillable),
      String(unit_quantity),
    ]),
  )
  const sets = rows.map((cells) => Number(cells[3]))
  t.same(
    sets,
    components.map(({ quantities: { fulfillable }, unit_quantity }) => Math.floor(fulfillable / unit_quantity)),
  )
  t.same(numbersIn(/^Available: min\((\d+), (\d+), (\d+)\) = (\d+)\./m), [...sets, available])
  const withAwaited = components.map(({ quantities: { fulfillable, awaiting }, unit_quantity }) =>
    Math.floor((fulfillable + (awaiting ?? 0)) / unit_quantity),
  )
  t.same(numbersIn(/awaiting: min\((\d+), (\d+), (\d+)\) − (\d+) = (\d+)\./), [
    ...withAwaited,
    available,
    quantities.awaiting,
  ])
})

tap.test('the other numbers that the README names are right', async (t) => {
  const biscuits = await stockOf(t, 'BISCUIT-6PK')
  t.same(numbersIn(/(\d+) biscuits are (\d+) six-packs/), [
    biscuits.components[0]?.quantities.fulfillable,
    biscuits.available,
  ])
  t.same(numbersIn(/stock of up to (\d+) SKUs/), [maxSkusInQuery])
  t.same(numbersIn(/stock of up to 1,(\d+) SKUs/), [maxSkusInBody - 1000])
  const [, sku = ''] = /percent-encoded \(`([^`]+)`\)/.exec(readme) ?? []
  t.ok(fixedSkus.some((fixed) => fixed.sku === decodeURIComponent(sku)))
})

tap.test('the commands that the README names are there', async (t) => {
  const { scripts, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const commands = Array.from(readme.matchAll(/npm (?:run )?([\w:]+)/g), ([, name = '']) => name)
  for (const name of new Set(commands)) t.ok(name === 'ci' || scripts[name], name)
  t.match(readme, `Node ${engines.node.replace('>=', '')} or newer`)
  for (const [, file = ''] of readme.matchAll(/\]\((\w+\.md)\)/g)) t.ok(readFileSync(join(root, file)).length > 0, file)
})
