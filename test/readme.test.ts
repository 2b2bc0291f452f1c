import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { problems } from '../src/errors.js'
import { advice } from '../src/plugins/problems-page.js'
import { maxSkusInBody, maxSkusInQuery } from '../src/routes/many-stocks.js'
import { fixedSkus } from '../src/sandbox/fixed-catalogue.js'
import type { Stock } from '../src/stock/stock.js'
import { variables } from '../src/variables.js'
import { startService } from './helper.js'
import { routesOf } from './openapi/routes.js'

const root = join(import.meta.dirname, '..', '..')
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
  const { app } = await startService(t)
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

tap.test(
  'the answer that the README shows is what the service answers, but for what it says it leaves out',
  async (t) => {
    const shown = JSON.parse(/```json\n(.*?)```/s.exec(readme)?.[1] ?? '') as Partial<Stock>
    const [, path = ''] = /curl http:\/\/127\.0\.0\.1:3000(\S+)/.exec(readme) ?? []
    const { get } = await startService(t)
    const answer = (await get(path)).json<Stock>()
    const leftOut = Array.from(
      /^Left out here: (.*)\.$/m.exec(readme)?.[1]?.matchAll(/`(\w+)`/g) ?? [],
      ([, key]) => key,
    )
    t.same([...Object.keys(shown), ...leftOut].toSorted(), Object.keys(answer).toSorted())
    const { as_of, ...rest } = shown
    t.match(as_of, /^\d{4}-\d{2}-\d{2}T/)
    t.has(answer, rest)
  },
)

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
