import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import createClient, { type Client } from 'openapi-fetch'
import tap from 'tap'
import type { Problem, paths, Stock, StockQuery, StockResult } from '../../../openapi/trackstar-bff.js'
import { type Service, startService } from '../../harness.js'

const root = join(import.meta.dirname, '..', '..', '..', '..')

const environment = { AUTH_MODE: 'api-key', API_KEYS: 'orders:key-of-orders:read+write,shop:key-of-the-shop' }

/** A listening service and what a client of it has: the address, a key and the generated types. */
async function start(
  t: Parameters<typeof startService>[0],
  key = 'key-of-orders',
): Promise<Service & { readonly client: Client<paths> }> {
  const service = await startService(t, { environment })
  const baseUrl = `http://127.0.0.1:${await service.listen()}`
  return { ...service, client: createClient<paths>({ baseUrl, headers: { 'X-API-Key': key } }) }
}

tap.test('every field of a stock is typed', async (t) => {
  const { client } = await start(t)
  const { data, error } = await client.GET('/products/{sku}/stock', {
    params: { path: { sku: 'GONGFU-SET' }, query: { include: ['lots'] } },
  })
  if (error !== undefined) throw new Error(error.detail)
  const stock: Stock = data
  const available: number = stock.available
  const scarce: string | null | undefined = stock.limiting?.component_sku
  const awaiting: (number | null)[] = stock.warehouses.map(({ quantities }) => quantities.awaiting)
  const lots: string[] | undefined = stock.lots?.map(({ inventory_item_id }) => inventory_item_id)
  t.strictSame({ available, scarce, awaiting, lots }, { available: 6, scarce: 'TRAY', awaiting: [3], lots: [] })
})

tap.test('SKUs and ids of any kind can be sent in the path', async (t) => {
  const { client } = await start(t)
  for (const sku of ['MINT/LEMON 50%', 'GREEN, BLACK + WHITE', '抹茶 30g', '__proto__']) {
    const { data } = await client.GET('/products/{sku}/stock', { params: { path: { sku } } })
    t.equal(data?.sku, sku)
  }
  const { data } = await client.GET('/inventory/{id}', { params: { path: { id: 'inv/mint 50%' } } })
  t.equal(data?.data.sku, 'MINT/LEMON 50%', 'ids too')
})

tap.test('arrays are sent as repeated keys and filters with the operator in brackets', async (t) => {
  const { client } = await start(t)
  const { data } = await client.GET('/stock', {
    params: { query: { sku: ['TRAVEL-SET', 'CUP'], warehouse_id: ['wh_oslo', 'wh_porto'] } },
  })
  const found = data?.results.map(({ sku, stock }) => [sku, stock?.warehouses.map((one) => one.warehouse_id)])
  t.strictSame(found, [
    ['TRAVEL-SET', ['wh_oslo', 'wh_porto']],
    ['CUP', ['wh_oslo']],
  ])
  const list = await client.GET('/products', { params: { query: { sku: { contains: 'MATCHA' }, limit: 10 } } })
  t.strictSame(
    list.data?.data.map((product) => product.sku),
    ['MATCHA-KIT', 'MATCHA-TIN'],
  )
})

/** How a client handles a problem. */
function reactionTo(problem: Problem): string {
  switch (problem.code) {
    case 'product_not_found':
      return 'not sold here'
    case 'sku_ambiguous':
      return `one of ${problem.candidates?.map((candidate) => candidate.product_id).join(' and ')}`
    case 'overloaded':
    case 'upstream_unavailable':
      return `again in ${problem.retry_after} s`
    default:
      return problem.detail
  }
}

tap.test('an error is a problem, narrowed by its code', async (t) => {
  const { client, sandbox } = await start(t)
  const reactionFor = async (sku: string) => {
    const { data, error, response } = await client.GET('/products/{sku}/stock', { params: { path: { sku } } })
    return data === undefined ? [response.status, reactionTo(error)] : data.available
  }
  t.same(await reactionFor('NO-SUCH-SKU'), [404, 'not sold here'])
  t.same(await reactionFor('EARL-GREY'), [409, 'one of prod_earl_1 and prod_earl_2'])
  sandbox.fault('/wms/products', { status: 503 })
  t.same(await reactionFor('SENCHA-100'), [503, 'again in 1 s'])
})

tap.test('a batch by POST has a stock or a problem for each SKU', async (t) => {
  const { client } = await start(t)
  const { data } = await client.POST('/stock/query', {
    body: { skus: ['CUP', 'NO-SUCH-SKU'], warehouse_id: ['wh_oslo'] },
    headers: { 'Cache-Control': 'max-age=30' },
  })
  const outcome = ({ sku, status, stock, problem }: StockResult) => [sku, status, stock?.available ?? problem?.code]
  t.strictSame(data?.results.map(outcome), [
    ['CUP', 'ok', 40],
    ['NO-SUCH-SKU', 'not_found', 'product_not_found'],
  ])
})

tap.test('a basket lists its shortages', async (t) => {
  const { client } = await start(t)
  const lines = [
    { sku: 'GONGFU-SET', quantity: 6 },
    { sku: 'CUP', quantity: 20 },
  ]
  const { data } = await client.POST('/stock/check', { body: { lines } })
  t.equal(data?.fulfillable, false)
  t.strictSame(
    data?.shortages.map(({ sku, shortfall }) => ({ sku, shortfall })),
    [{ sku: 'CUP', shortfall: 4 }],
  )
})

tap.test('an adjustment repeated with its key is made once', async (t) => {
  const { client, sandbox } = await start(t)
  const adjust = () =>
    client.PUT('/inventory/{id}/adjust', {
      params: { path: { id: 'inv_tray' }, header: { 'idempotency-key': 'stocktake-17-tray' } },
      body: { quantity: 5, adjustment_type: 'increase' },
    })
  const first = await adjust()
  const second = await adjust()
  t.equal(first.data?.data?.onhand, 11)
  t.strictSame(second.data, first.data)
  t.equal(second.response.headers.get('idempotent-replayed'), 'true')
  t.equal(sandbox.data.inventory.get('inv_tray')?.onhand, 11)
})

tap.test('an unchanged stock is a 304 with neither data nor a problem', async (t) => {
  const { client } = await start(t)
  const path = { sku: 'CUP' }
  const { response: first } = await client.GET('/products/{sku}/stock', { params: { path } })
  const etag = String(first.headers.get('etag'))
  const { data, response } = await client.GET('/products/{sku}/stock', {
    params: { path, header: { 'if-none-match': etag } },
  })
  t.equal(response.status, 304)
  t.equal(data, undefined)
})

tap.test('a key identifies the caller and limits what it may do', async (t) => {
  const path = { id: 'inv_tray' }
  const adjustment = { quantity: 1, adjustment_type: 'increase' } as const
  const codeOf = async (key: string) => {
    const { client } = await start(t, key)
    const read = await client.GET('/stock', { params: { query: { sku: ['CUP'] } } })
    const write = await client.PUT('/inventory/{id}/adjust', { params: { path }, body: adjustment })
    return [read.error?.code, write.error?.code]
  }
  t.strictSame(await codeOf('key-of-orders'), [undefined, undefined])
  t.strictSame(await codeOf('key-of-the-shop'), [undefined, 'forbidden'])
  t.strictSame(await codeOf('key-of-nobody'), ['unauthorized', 'unauthorized'])
})

tap.test('requests that do not compile are rejected by the service', async (t) => {
  const { client } = await start(t)
  const path = { sku: 'CUP' }
  const id = 'inv_tray'
  // Declared with its type: openapi-fetch accepts unknown fields beside the required ones.
  // @ts-expect-error: no such field of the body
  const body: StockQuery = { skus: ['CUP'], warehouse_ids: ['wh_oslo'] }
  const mistakes = [
    // @ts-expect-error: no such route
    client.GET('/products/{sku}/stok', { params: { path } }),
    // @ts-expect-error: the SKU is missing
    client.GET('/products/{sku}/stock', {}),
    // @ts-expect-error: no such method of the route
    client.PUT('/stock', { params: { query: { sku: ['CUP'] } } }),
    // @ts-expect-error: no such query parameter
    client.GET('/products/{sku}/stock', { params: { path, query: { warehouse: ['wh_oslo'] } } }),
    // @ts-expect-error: no such value
    client.GET('/products/{sku}/stock', { params: { path, query: { include: ['lot'] } } }),
    // @ts-expect-error: a query parameter is missing
    client.GET('/stock', { params: { query: {} } }),
    // @ts-expect-error: no such field to filter by
    client.GET('/products', { params: { query: { name: { eq: 'Cup' } } } }),
    // @ts-expect-error: no such operator
    client.GET('/products', { params: { query: { sku: { like: 'CUP' } } } }),
    // @ts-expect-error: a field of the body is missing
    client.POST('/stock/query', { body: {} }),
    client.POST('/stock/query', { body }),
    // @ts-expect-error: a number as text
    client.POST('/stock/check', { body: { lines: [{ sku: 'CUP', quantity: '1' }] } }),
    client.PUT('/inventory/{id}/adjust', {
      params: { path: { id } },
      // @ts-expect-error: no such value in the body
      body: { quantity: 1, adjustment_type: 'set' },
    }),
    // @ts-expect-error: null where null is not allowed
    client.PUT('/inventory/{id}/adjust', { params: { path: { id } }, body: { quantity: null } }),
  ]
  for (const [index, { response }] of (await Promise.all(mistakes)).entries()) {
    t.ok([400, 404, 405].includes(response.status), `mistake ${index}: ${response.status}`)
  }
})

tap.test('a field that no response has does not compile', async (t) => {
  const { client } = await start(t)
  const stock = await client.GET('/products/{sku}/stock', { params: { path: { sku: 'GONGFU-SET' } } })
  // @ts-expect-error: the field is called available
  t.equal(stock.data?.avalable, undefined)
  // @ts-expect-error: it may be null
  t.equal(stock.data?.limiting.yield, 6)
  const product = await client.GET('/products/{sku}', { params: { path: { sku: 'GONGFU-SET' } } })
  // @ts-expect-error: the name of a single record is text or absent
  const name: number | undefined = product.data?.data.name
  t.equal(name, 'Gongfu set for four')
  const missing = await client.GET('/warehouses/{id}', { params: { path: { id: 'wh_nowhere' } } })
  // @ts-expect-error: no problem has this code
  t.notOk(missing.error?.code === 'no_such_warehouse')
})

tap.test('the code in docs/clients.md compiles in strict mode, and so do the generated types', async (t) => {
  const page = readFileSync(join(root, 'docs', 'clients.md'), 'utf8')
  const examples = Array.from(page.matchAll(/^```ts\n\/\/ (\S+)\n(.*?)^```$/gms), ([, file = '', code = '']) => [
    file,
    code,
  ])
  t.same(
    examples.map(([file]) => file),
    ['client.ts', 'etags.ts', 'retries.ts'],
  )
  const types = readFileSync(join(root, 'openapi', 'trackstar-bff.d.ts'), 'utf8')
  const folder = t.testdir({
    'package.json': '{"type":"module"}',
    'trackstar-bff.d.ts': types,
    ...Object.fromEntries(examples),
  })
  // Declaration files are checked too, except TypeScript's own.
  const strict = '--strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --skipDefaultLibCheck'
  const options = '--ignoreConfig --noEmit --module nodenext --target es2023 --lib es2023,dom --types node'
  const files = examples.map(([file = '']) => file)
  // The command `tsc` has no file extension, and tap's loader in the child process would take it for CommonJS.
  const compiler = join(root, 'node_modules', '@typescript', 'native', 'lib', 'tsc.js')
  const args = [compiler, ...strict.split(' '), ...options.split(' '), ...files]
  const tsc = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })
  t.equal(tsc.stdout + tsc.stderr, '')
})
