// Writes the tables in README.md and docs/*.md that repeat what the code states: routes, variables, problem codes, SKUs.
// A table stands between `<!-- generated: <name> [arguments] -->` and `<!-- end of generated -->`. With --check it writes
// nothing and fails if a table differs. Needs the built service (dist/) and the contract document (openapi/openapi.json).
import { execFileSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { variables } from '../dist/config/variables.js'
import { problems } from '../dist/errors.js'
import { advice } from '../dist/routes/problems-page.js'
import { partialSkus } from '../dist/sandbox/catalog-edition.js'
import { fixedSkus } from '../dist/sandbox/fixed-catalog.js'
import { sandboxVariables } from '../dist/sandbox/sandbox-variables.js'

const root = new URL('../', import.meta.url)
const contract = JSON.parse(await readFile(new URL('openapi/openapi.json', root), 'utf8'))
const isCheck = process.argv.includes('--check')

const code = (text) => `\`${text}\``

/** A Markdown table. A `|` in a cell is escaped: GitHub splits cells even inside code. */
function table(heading, rows) {
  const line = (cells) => `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`
  return [line(heading), line(heading.map(() => '---')), ...rows.map(line)].join('\n')
}

/** The credentials for an operation: a scope of the key, a signature, or none. */
function accessTo({ security }) {
  const [scheme] = security
  if (scheme === undefined) return 'open'
  return 'signature' in scheme ? 'signature' : Object.values(scheme).flat().join(', ')
}

/** Each generated table by its name; the arguments are the words after the name in the marker. */
const tables = {
  /** Without arguments every route, else those of the scopes. */
  routes(...scopes) {
    const tags = contract.tags.map(({ name }) => name)
    const operations = Object.entries(contract.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    )
    const isShown = ({ operation }) => scopes.length === 0 || scopes.includes(accessTo(operation))
    const rank = ({ operation }) => tags.indexOf(operation.tags[0])
    return table(
      ['route', 'scope', 'summary'],
      operations
        .filter(isShown)
        .toSorted((a, b) => rank(a) - rank(b))
        .map(({ path, method, operation }) => [
          code(`${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
          accessTo(operation),
          operation.summary,
        ]),
    )
  },

  /** Without arguments every variable, else those named, in that order. */
  variables(...names) {
    const all = Object.values(variables)
    const chosen = names.length === 0 ? all : names.map((name) => all.find((variable) => variable.name === name))
    const missing = names.filter((_, index) => chosen[index] === undefined)
    if (missing.length > 0) throw new Error(`expected names of variables, but got ${missing.join(', ')}`)
    return table(
      ['variable', 'default', 'meaning'],
      chosen.map(({ name, required, fallback, meaning }) => [
        code(name),
        required ? 'required' : fallback === undefined ? 'unset' : code(fallback),
        meaning,
      ]),
    )
  },

  problems: () =>
    table(
      ['status', 'code', 'title', 'what to do'],
      Object.entries(problems).map(([name, { status, title }]) => [status, code(name), title, advice[name]]),
    ),

  'sandbox-variables': () =>
    table(
      ['variable', 'default', 'meaning'],
      Object.values(sandboxVariables).map(({ name, shownDefault, meaning }) => [code(name), shownDefault, meaning]),
    ),

  'partial-skus': () =>
    table(
      ['SKU', 'in the connections'],
      partialSkus.map(({ sku, where }) => [code(sku), where]),
    ),

  skus: () =>
    table(
      ['SKU', 'what it shows'],
      fixedSkus.map(({ sku, shows }) => [code(sku), shows]),
    ),
}

/** Biome aligns the columns of tables. */
const formatted = (text, path) =>
  execFileSync('biome', ['format', `--stdin-file-path=${path}`], { cwd: root, input: text, encoding: 'utf8' })

const generated = /(<!-- generated: (.+?) -->\n).*?(<!-- end of generated -->)/gs

const pages = (await readdir(new URL('docs/', root)))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`)
for (const page of ['README.md', ...pages]) {
  const file = new URL(page, root)
  const text = await readFile(file, 'utf8')
  const filled = text.replaceAll(generated, (_, start, words, end) => {
    const [name, ...names] = words.split(' ')
    if (tables[name] === undefined) throw new Error(`${page}: there is no table "${name}"`)
    return `${start}\n${tables[name](...names)}\n\n${end}`
  })
  const expected = formatted(filled, page)
  if (expected === text) continue
  if (isCheck) {
    console.error(`${page} differs from the code: run "npm run docs" and commit the result`)
    process.exitCode = 1
  } else {
    await writeFile(file, expected)
    console.log(`${page} written`)
  }
}
if (isCheck && process.exitCode === undefined) console.log('the tables in README.md and docs agree with the code')
