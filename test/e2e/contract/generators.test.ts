import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'

const root = join(import.meta.dirname, '..', '..', '..', '..')
const modules = join(root, 'node_modules')

/** Runs a script of a package in a folder. */
function run(folder: string, script: string, args: readonly string[]) {
  // Without tap's loader, which takes a command without a file extension for CommonJS.
  const env = { ...process.env, NODE_OPTIONS: '' }
  const file = join(modules, ...script.split('/'))
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], {
    cwd: folder,
    env,
    encoding: 'utf8',
  })
  return { status, output: stdout + stderr }
}

const names = [
  'ConnectionStatus',
  'InventoryItem',
  'ItemQuantities',
  'LastError',
  'Limiting',
  'MirrorStatus',
  'Stock',
  'StockResult',
  'StockSource',
  'Warehouse',
]

/** Types that the two generators have to agree about, and assignments that must or must not compile. */
const uses = `
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

export const same: [
  Same<Stock['limiting'], Limiting | null>,
  Same<Stock['source'], StockSource | null>,
  Same<Stock['quantities']['sellable'], number | null>,
  Same<StockResult['stock'], Stock | undefined>,
  Same<ConnectionStatus['last_error'], LastError | null>,
  Same<ConnectionStatus['mirror'], MirrorStatus | null>,
  Same<Warehouse['address'], { [key: string]: unknown } | null | undefined>,
  Same<InventoryItem['inventory_by_warehouse_id'], { [key: string]: ItemQuantities | null } | null | undefined>,
] = [true, true, true, true, true, true, true, true]

export function use(stock: Stock, warehouse: Warehouse) {
  // @ts-expect-error: null for a plain product
  stock.limiting.yield
  // @ts-expect-error: null while unknown
  stock.source.synced_at
  // @ts-expect-error: may be null
  warehouse.address['city']
  // @ts-expect-error: not undefined
  stock.limiting = undefined
  // @ts-expect-error: not any object
  stock.source = {}
  // @ts-expect-error: never null
  stock.product = null
  stock.limiting = null
  stock.source = { synced_at: null, errors: [] }
  warehouse.address = null
  return stock.limiting
}
`

/** What the compiler says of `use.ts` and all that it imports, in strict mode. */
function compilerOutput(folder: string): string {
  const strict = '--strict --noUncheckedIndexedAccess --skipDefaultLibCheck'
  const options = '--ignoreConfig --noEmit --module esnext --moduleResolution bundler --target es2023'
  const libraries = ['--lib', 'es2023,dom,dom.iterable', '--types', '']
  const args = [...strict.split(' '), ...options.split(' '), ...libraries, 'use.ts']
  return run(folder, '@typescript/native/lib/tsc.js', args).output
}

tap.test('the types of openapi-typescript have every null where it belongs', (t) => {
  const call = `
type Query = NonNullable<paths['/products/{sku}/stock']['get']['parameters']['query']>
export const query: Query = { include: ['lots,locations'], warehouse_id: ['wh_oslo'] }
// @ts-expect-error: no such detail
export const wrong: Query = { include: ['prices'] }
`
  // The committed file: \`npm run openapi -- --check\` fails if openapi-typescript would generate another one.
  const folder = t.testdir({
    'generated.d.ts': readFileSync(join(root, 'openapi', 'trackstar-bff.d.ts'), 'utf8'),
    'use.ts': `import type { paths, ${names.join(', ')} } from './generated.js'\n${uses}${call}`,
  })
  t.equal(compilerOutput(folder), '')
  t.end()
})

tap.test('the client of @hey-api/openapi-ts compiles and has every null where it belongs', (t) => {
  const call = `
export async function read() {
  const query = { include: ['lots,locations' as const], warehouse_id: ['wh_oslo'] }
  const { data } = await getStock({ path: { sku: 'A/B' }, query })
  await listProducts({ query: { trackstar_updated_date: { gte: '2026-01-01T00:00:00Z' } } })
  // @ts-expect-error: no such operator
  await listProducts({ query: { trackstar_updated_date: { since: '2026-01-01T00:00:00Z' } } })
  // @ts-expect-error: no such detail
  await getStock({ path: { sku: 'CUP' }, query: { include: ['prices'] } })
  return data?.limiting?.component_sku
}
`
  const folder = t.testdir({
    'package.json': '{"type":"module"}',
    'use.ts': `import { getStock, listProducts } from './generated/index.js'
import type { ${names.join(', ')} } from './generated/index.js'
${uses}${call}`,
  })
  const args = ['--input', join(root, 'openapi', 'openapi.json'), '--output', 'generated', '--no-log-file']
  const generated = run(folder, '@hey-api/openapi-ts/bin/run.js', args)
  t.equal(generated.status, 0, generated.output)
  t.equal(compilerOutput(folder), '')
  t.end()
})
