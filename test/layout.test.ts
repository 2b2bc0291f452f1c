import { readdirSync, readFileSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import tap from 'tap'
import ts from 'typescript'

const ROOT = join(import.meta.dirname, '..', '..')
const MEANINGLESS_NAMES = ['index', 'utils', 'helpers', 'types', 'common']
/** The only files that may use `process`; everything else is given what it needs. */
const PROCESS_FILES = ['src/main.ts', 'src/demo.ts', 'src/lifecycle.ts', 'src/version.ts']

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')

/** The rooms of CONTRIBUTING's import table in its order, each with the rooms that it may import. */
function importTable(): ReadonlyMap<string, readonly string[]> {
  const [, section = ''] = read('CONTRIBUTING.md').split('| room ')
  const rows = section.split(/\n\n/, 1)[0]?.split('\n').slice(2) ?? []
  const codes = (cell = '') => Array.from(cell.matchAll(/`([^`]+)`/g), ([, code = '']) => code)
  const table = new Map<string, readonly string[]>()
  for (const row of rows) {
    const [, rooms, , imports = ''] = row.split('|')
    const allowed = imports.includes('all above') ? Array.from(table.keys()) : codes(imports)
    for (const room of codes(rooms)) table.set(room, allowed)
  }
  return table
}

const table = importTable()
const rooms = Array.from(table.keys())
const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => `src/${name}`)

/** A folder of `src`, or the name of a file that lies beside them. */
function roomOf(path: string): string {
  const [first = '', second] = path.replace(/^src\//, '').split('/')
  return second === undefined ? first.replace(/\.js$/, '.ts') : first
}

interface Import {
  readonly specifier: string
  readonly isTypeOnly: boolean
}

/** Everything that names a module: import and export declarations, `import()` in code and in types. */
function importsOf(tree: ts.SourceFile): Import[] {
  const found: Import[] = []
  const add = (specifier: ts.Node | undefined, isTypeOnly: boolean) => {
    if (specifier && ts.isStringLiteralLike(specifier)) found.push({ specifier: specifier.text, isTypeOnly })
  }
  visit(tree, (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnlyImport(node.importClause))
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false)
    }
  })
  return found
}

function isTypeOnlyImport(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false
  const names = clause.namedBindings
  const hasOnlyTypes =
    names !== undefined && ts.isNamedImports(names) && names.elements.every((name) => name.isTypeOnly)
  return clause.isTypeOnly || (clause.name === undefined && hasOnlyTypes)
}

function visit(node: ts.Node, callback: (node: ts.Node) => void): void {
  callback(node)
  ts.forEachChild(node, (child) => visit(child, callback))
}

function forbiddenImports(file: string, tree: ts.SourceFile): string[] {
  const room = roomOf(file)
  const allowed = table.get(room)
  if (allowed === undefined) return [`${file}: CONTRIBUTING's import table has no room \`${room}\``]
  return importsOf(tree).flatMap(({ specifier, isTypeOnly }) => {
    if (!specifier.startsWith('.')) return []
    const target = roomOf(posix.join(posix.dirname(file), specifier))
    const isBelow = rooms.indexOf(target) < rooms.indexOf(room)
    if (target === room || allowed.includes(target) || (isTypeOnly && isBelow)) return []
    return [`${file}: ${room} may not import ${isTypeOnly ? 'types' : 'values'} of ${target} ("${specifier}")`]
  })
}

function usesProcess(tree: ts.SourceFile): boolean {
  let found = importsOf(tree).some(({ specifier }) => /^(node:)?process$/.test(specifier))
  visit(tree, (node) => {
    if (!ts.isIdentifier(node) || node.text !== 'process') return
    const isPropertyName = 'name' in node.parent && node.parent.name === node
    if (!isPropertyName || /^globalThis\b/.test(node.parent.getText())) found = true
  })
  return found
}

const parse = (file: string) => ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true)

tap.test("imports only what CONTRIBUTING's import table allows", async (t) => {
  t.ok(rooms.length > 10, 'the table was found')
  t.strictSame(
    sources.flatMap((file) => forbiddenImports(file, parse(file))),
    [],
  )
  const unused = rooms.filter((room) => !sources.some((file) => roomOf(file) === room))
  t.strictSame(unused, [], 'every room of the table exists')
})

tap.test('uses `process` only in the files that start it', async (t) => {
  t.strictSame(
    sources.filter((file) => !PROCESS_FILES.includes(file) && usesProcess(parse(file))),
    [],
  )
})

tap.test('names files in kebab-case, and no two alike except a route and what it serves', async (t) => {
  const names = sources.filter((file) => !file.startsWith('src/routes/')).map((file) => basename(file, '.ts'))
  t.strictSame(
    names.filter((name) => MEANINGLESS_NAMES.includes(name) || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)),
    [],
  )
  t.strictSame(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  )
})

tap.test('tests each source file in the test file of the same name', async (t) => {
  const tests = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && name.includes('/') && !name.startsWith('e2e/'))
    .map((name) => name.replace(/\.test\.ts$/, '.ts'))
  t.strictSame(
    tests.filter((name) => !sources.includes(`src/${name}`)),
    [],
  )
})
