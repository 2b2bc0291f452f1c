import tap from 'tap'
import { newItem, newProduct } from '../../../src/sandbox/new-records.js'
import { getOverSocket, startService } from '../../harness.js'
import { oddTexts } from '../../odd-texts.js'

const encode = (text: string) => encodeURIComponent(text).replaceAll('.', '%2E')

/** The values that were requested as a SKU or an id. */
const hostile = [...oddTexts, '..%2f..', 'a\r\nX-Evil: 1\r\n\r\nGET / HTTP/1.1', '\u2028\ufeff', '😀'.repeat(254)]

tap.test('treats every value as a SKU, in the path and upstream', async (t) => {
  const { listen, sandbox } = await startService(t)
  const port = await listen()
  for (const sku of hostile) {
    sandbox.calls.length = 0
    const reply = await getOverSocket(port, `/products/${encode(`x${sku}`)}/stock`)
    t.equal(reply.status, 404, sku)
    t.match(JSON.parse(reply.body), {
      code: 'product_not_found',
      detail: `Trackstar has no product with the SKU ${JSON.stringify(`x${sku}`)}`,
    })
    const [call] = sandbox.calls.filter(({ path }) => path !== '/wms/warehouses')
    t.equal(call?.path, '/wms/products', sku)
    t.strictSame([...(call?.query ?? [])], [['sku[in]', `x${sku}`]], sku)
    t.notOk('x-evil' in (call?.headers ?? {}))
  }
})

tap.test('finds products and items with unusual names', async (t) => {
  const { listen, post, sandbox } = await startService(t)
  const port = await listen()
  const names = [...hostile, '😀'.repeat(255)]
  for (const name of names) {
    sandbox.data.products.set(name, newProduct(name, name, name, [{ inventory_item_id: name }]))
    sandbox.data.inventory.set(name, newItem(name, name, name, [[name, { onhand: 7, fulfillable: 7 }]]))
  }
  for (const name of names) {
    sandbox.calls.length = 0
    const stock = await getOverSocket(port, `/products/${encode(name)}/stock?warehouse_id=${encode(name)}`)
    t.equal(stock.status, 200, name)
    t.match(JSON.parse(stock.body), { sku: name, available: 7, warehouses: [{ warehouse_id: name }] }, name)
    const calls = sandbox.calls.filter(({ path }) => path !== '/wms/warehouses')
    t.strictSame(
      calls.map(({ path, query }) => [path, ...query]),
      [
        ['/wms/products', ['sku[in]', name]],
        ['/wms/inventory', ['ids[in]', name]],
      ],
      name,
    )
  }
  const reply = await post('/stock/query', { skus: names })
  t.ok(reply.json().results.every(({ stock }: { stock?: { available: number } }) => stock?.available === 7))
})

tap.test('reads items by id without treating the id as a path', async (t) => {
  const { listen, sandbox } = await startService(t)
  const port = await listen()
  for (const id of [...hostile.map((text) => `${text}x`), '.', '..']) {
    sandbox.calls.length = 0
    t.equal((await getOverSocket(port, `/inventory/${encode(id)}`)).status, 404, id)
    t.strictSame(
      sandbox.calls.map(({ path, query }) => [path, ...query]),
      [['/wms/inventory', ['ids[in]', id]]],
      id,
    )
  }
  for (const id of ['a,b', '..,..', '../,', ',', 'a,?x=1#', 'ä,/adjust']) {
    sandbox.calls.length = 0
    t.equal((await getOverSocket(port, `/inventory/${encode(id)}`)).status, 404, id)
    const [call] = sandbox.calls
    t.equal(sandbox.calls.length, 1)
    t.equal(call?.path.split('/').length, 4, id)
    t.equal(decodeURIComponent(call?.path ?? ''), `/wms/inventory/${id}`)
    t.strictSame([...(call?.query ?? [])], [])
  }
})

tap.test('rejects invalid SKUs without calling upstream', async (t) => {
  const { get, app, listen, sandbox } = await startService(t)
  const port = await listen()
  for (const sku of ['x'.repeat(256), '😀'.repeat(256)]) {
    for (const path of [
      '/products/SKU',
      '/products/SKU/stock',
      '/inventory/SKU',
      '/warehouses/SKU',
      '/stock?sku=SKU',
    ]) {
      const reply = await get(path.replace('SKU', encodeURIComponent(sku)))
      t.equal(reply.statusCode, 400, path)
      t.equal(reply.json().code, 'validation_failed')
    }
  }
  t.equal((await getOverSocket(port, '/products//stock')).status, 400)
  for (const sku of ['\\ud800', 'a\\udc00b', '\\ude00\\ud83d']) {
    const payload = `{"skus":["${sku}"]}`
    const headers = { 'content-type': 'application/json' }
    const reply = await app.inject({ method: 'POST', url: '/stock/query', headers, payload })
    t.equal(reply.statusCode, 400, sku)
    t.match(reply.json(), { code: 'validation_failed', errors: [{ field: 'skus[0]' }] })
  }
  t.equal(sandbox.calls.length, 0)
})

tap.test('does not resolve dots or encoded slashes to other routes', async (t) => {
  const { listen, newCalls } = await startService(t)
  const port = await listen()
  const statusOf = async (target: string) => (await getOverSocket(port, target)).status
  t.equal(await statusOf('/products/../stock'), 404)
  t.strictSame(newCalls(), ['GET /wms/products?sku[in]=..'], 'the SKU of two dots')
  t.equal(await statusOf('/products/..%2F..%2Freadyz'), 404)
  t.strictSame(newCalls(), ['GET /wms/products?sku[in]=../../readyz'])
  t.equal(await statusOf('/products/MINT%2FLEMON%2050%25/stock'), 200)
  t.equal(await statusOf('/products/MINT/LEMON%2050%25/stock'), 404)
  t.equal(await statusOf('/products/MINT%252FLEMON/stock'), 404)
  t.ok(newCalls().includes('GET /wms/products?sku[in]=MINT%2FLEMON'), 'decoded once')
})

tap.test('handles deep JSON and duplicate keys', async (t) => {
  const { app } = await startService(t)
  const headers = { 'content-type': 'application/json' }
  const post = (payload: string) => app.inject({ method: 'POST', url: '/stock/query', headers, payload })
  t.equal((await post(`{"skus":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)).statusCode, 400)
  t.equal((await post('{"skus":["A"],"skus":["B"]}')).json().results[0].sku, 'B')
  t.equal((await post('\ufeff{"skus":["A"]}')).statusCode, 200)
})
