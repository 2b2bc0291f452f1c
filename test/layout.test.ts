import { readdirSync, readFileSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import tap from 'tap'
import ts from 'typescript'

const ROOT = join(import.meta.dirname, '..', '..')
const MAX_LINES = 250
const NAMES_THAT_SAY_NOTHING = ['index', 'utils', 'helpers', 'types', 'common']

/** What a room may use of other rooms: `any` of them in full, of `types` only what vanishes when compiled. */
interface Allowance {
  readonly any: readonly string[]
  readonly types?: readonly string[]
}

/** Who may know whom. A room is a folder of `src`, or a file that lies in `src` itself. */
const ROOMS: Readonly<Record<string, Allowance>> = {
  records: { any: [] },
  errors: { any: [] },
  'variable-formats': { any: [] },
  variables: { any: ['variable-formats'] },
  config: { any: ['errors', 'variables'], types: ['variable-formats'] },
  version: { any: [] },
  tracing: { any: ['trackstar', 'version'] },
  stock: { any: ['records'] },
  trackstar: { any: ['records', 'errors'] },
  catalog: { any: ['trackstar', 'records', 'errors'] },
  routes: { any: ['catalog', 'stock', 'records', 'errors'] },
  plugins: { any: ['errors', 'variable-formats'], types: ['config'] },
  sandbox: { any: [], types: ['records'] },
  'status-report': { any: [], types: ['catalog', 'config', 'plugins', 'trackstar'] },
  server: { any: ['plugins'], types: ['config', 'tracing'] },
  app: {
    any: [
      'server',
      'status-report',
      'records',
      'errors',
      'config',
      'version',
      'stock',
      'trackstar',
      'catalog',
      'routes',
      'plugins',
    ],
    types: ['tracing'],
  },
  openapi: { any: ['app', 'config'] },
  main: { any: ['app', 'config', 'sandbox', 'tracing'] },
}

/** Texts by path from the project's root, as `src/stock/yields.ts`. */
type Sources = Readonly<Record<string, string>>

interface Import {
  readonly specifier: string
  readonly isTypeOnly: boolean
}

/** Every breach of the import table and of the rules for files, a line each, naming the file. */
function violationsIn(sources: Sources): string[] {
  return Object.entries(sources).flatMap(([file, text]) => {
    const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
    return [...forbiddenImports(file, tree), ...processMentions(file, tree), ...badShape(file, text)]
  })
}

function forbiddenImports(file: string, tree: ts.SourceFile): string[] {
  const room = roomOf(file)
  const allowance = ROOMS[room]
  if (allowance === undefined) return [`${file}: the import table knows no room "${room}"`]
  return importsOf(tree).flatMap(({ specifier, isTypeOnly }) => {
    if (!specifier.startsWith('.')) return []
    const target = roomOf(posix.join(posix.dirname(file), specifier))
    if (target === room || allowance.any.includes(target)) return []
    if (!allowance.types?.includes(target)) return [`${file}: ${room} may not import ${target} ("${specifier}")`]
    return isTypeOnly ? [] : [`${file}: ${room} may import only types of ${target} ("${specifier}")`]
  })
}

function roomOf(path: string): string {
  const [first = '', second] = path.replace(/^src\//, '').split('/')
  return second === undefined ? first.replace(/\.(ts|js)$/, '') : first
}

/** Everything that names a module: import and export declarations, `import()` in code and in types, `require`. */
function importsOf(tree: ts.SourceFile): Import[] {
  const found: Import[] = []
  const add = (specifier: ts.Node | undefined, isTypeOnly: boolean) => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier))
      found.push({ specifier: specifier.text, isTypeOnly })
  }
  visit(tree, (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnlyImport(node.importClause))
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isExternalModuleReference(node)) add(node.expression, false)
    else if (ts.isImportTypeNode(node))
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true)
    else if (ts.isCallExpression(node) && /^(import|require)$/.test(node.expression.getText())) {
      add(node.arguments[0], false)
    }
  })
  return found
}

function isTypeOnlyImport(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false
  const named = clause.namedBindings
  const everyNameIsType = named !== undefined && ts.isNamedImports(named) && named.elements.every((e) => e.isTypeOnly)
  return clause.isTypeOnly || (clause.name === undefined && everyNameIsType)
}

/** The process belongs to main.ts: everything else is given what it needs. */
function processMentions(file: string, tree: ts.SourceFile): string[] {
  if (file === 'src/main.ts') return []
  const imported = importsOf(tree).some(({ specifier }) => /^(node:)?process$/.test(specifier))
  let mentioned = false
  visit(tree, (node) => {
    if (!ts.isIdentifier(node) || node.text !== 'process') return
    const isName = 'name' in node.parent && node.parent.name === node
    if (!isName || /^globalThis\b/.test(node.parent.getText())) mentioned = true
  })
  return imported || mentioned ? [`${file}: only src/main.ts may use process`] : []
}

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node)
  ts.forEachChild(node, (child) => visit(child, see))
}

function badShape(file: string, text: string): string[] {
  const name = basename(file, '.ts')
  const lines = text.split('\n').length - 1
  return [
    ...(NAMES_THAT_SAY_NOTHING.includes(name) ? [`${file}: "${name}" says nothing; name the file by its noun`] : []),
    ...(/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) ? [] : [`${file}: the name is not in kebab-case`]),
    ...(lines > MAX_LINES ? [`${file}: ${lines} lines, at most ${MAX_LINES}: which second thing lives there?`] : []),
  ]
}

/** Test files in a room's folder that have no source file of their name; tests of the whole lie in `test` itself. */
function testsWithoutSource(tests: readonly string[], sources: Sources): string[] {
  return tests.flatMap((test) => {
    const source = test.replace(/^test\//, 'src/').replace(/\.test\.ts$/, '.ts')
    const belongsToRoom = test.endsWith('.test.ts') && test.split('/').length > 2
    return belongsToRoom && sources[source] === undefined ? [`${test}: there is no ${source}`] : []
  })
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
}

const sources: Sources = Object.fromEntries(
  filesBelow('src').map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]),
)

tap.test('the import table and the rules for files hold for src', async (t) => {
  t.ok(Object.keys(sources).length > 0, 'there are source files')
  t.same(violationsIn(sources), [])
})

tap.test('every test in a room has the source file it is named for', async (t) => {
  t.same(
    testsWithoutSource(
      filesBelow('test').filter((file) => !file.startsWith('test/e2e/')),
      sources,
    ),
    [],
  )
})

tap.test('the check finds an import that the table does not allow, however it is written', async (t) => {
  const forms = [
    `import { buy } from '../routes/shop.js'`,
    `import type { Buyer } from '../routes/shop.js'`,
    `import '../routes/shop.js'`,
    `export * from '../routes/shop.js'`,
    `export type { Buyer } from '../routes/shop.js'`,
    `const shop = await import('../routes/shop.js')`,
    `const shop = require('../routes/shop.js')`,
    `let buyer: import('../routes/shop.js').Buyer`,
  ]
  for (const form of forms) {
    const found = violationsIn({ 'src/stock/shelf.ts': `${form}\n` })
    t.same(found, ['src/stock/shelf.ts: stock may not import routes ("../routes/shop.js")'], form)
  }
})

tap.test('the check lets pass what the table allows', async (t) => {
  const allowed = {
    'src/stock/shelf.ts': `import type { Product } from '../records/product.js'\nimport { box } from './box.js'\n`,
    'src/plugins/docs.ts': `import { type Config } from '../config.js'\nimport { oops } from '../errors.js'\n`,
    'src/main.ts': `import { buildApp } from './app.js'\nawait import('./sandbox/sandbox.js')\nprocess.exitCode = 1\n`,
    'src/openapi.ts': `import { buildApp } from './app.js'\nimport swagger from '@fastify/swagger'\n`,
    'src/errors.ts': `// import { app } from './app.js', says process.env\nconst text = "import '../main.js'"\nnode.process.x\n`,
  }
  t.same(violationsIn(allowed), [])
})

tap.test('the check finds every other breach', async (t) => {
  const breaches: Sources = {
    'src/plugins/docs.ts': `import { readConfig } from '../config.js'\n`,
    'src/app.ts': `import { sandbox } from './sandbox/sandbox.js'\n`,
    'src/catalog/clock.ts': `const zone = process.env.TZ\n`,
    'src/catalog/zone.ts': `const { env } = process\n`,
    'src/catalog/far.ts': `const far = globalThis.process\n`,
    'src/catalog/memory.ts': `import { memoryUsage } from 'node:process'\n`,
    'src/catalog/index.ts': '',
    'src/stock/stockUtils.ts': '',
    'src/stock/long.ts': 'export {}\n'.repeat(MAX_LINES + 1),
    'src/shop/till.ts': '',
  }
  t.same(violationsIn(breaches), [
    'src/plugins/docs.ts: plugins may import only types of config ("../config.js")',
    'src/app.ts: app may not import sandbox ("./sandbox/sandbox.js")',
    'src/catalog/clock.ts: only src/main.ts may use process',
    'src/catalog/zone.ts: only src/main.ts may use process',
    'src/catalog/far.ts: only src/main.ts may use process',
    'src/catalog/memory.ts: only src/main.ts may use process',
    'src/catalog/index.ts: "index" says nothing; name the file by its noun',
    'src/stock/stockUtils.ts: the name is not in kebab-case',
    'src/stock/long.ts: 251 lines, at most 250: which second thing lives there?',
    'src/shop/till.ts: the import table knows no room "shop"',
  ])
  t.same(
    testsWithoutSource(['test/stock/gone.test.ts', 'test/stock/kept.test.ts', 'test/whole.test.ts'], {
      'src/stock/kept.ts': '',
    }),
    ['test/stock/gone.test.ts: there is no src/stock/gone.ts'],
  )
})
