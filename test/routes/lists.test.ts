import tap from 'tap'
import { isProblem } from '../../src/errors.js'
import { documentedListQuery, filterFields, listQuery, toFilters } from '../../src/routes/lists.js'
import { startService } from '../harness.js'

tap.test("passes Trackstar's lists on unchanged, never from the cache", async (t) => {
  const { get, sandbox } = await startService(t)
  for (const [path, first] of [
    ['/products', 'prod_sencha'],
    ['/inventory', 'inv_sencha'],
    ['/warehouses', 'wh_oslo'],
  ] as const) {
    const before = sandbox.calls.length
    const reply = await get(`${path}?limit=2`)
    t.equal(reply.statusCode, 200)
    const { data, next_token, total_count } = reply.json()
    t.equal(data.length, 2)
    t.equal(total_count, 2)
    t.equal(data[0].id, first)
    t.match(reply.headers, { 'cache-control': 'private, no-cache', 'cache-status': 'trackstar-bff; fwd=bypass' })
    const next = await get(`${path}?limit=2&page_token=${encodeURIComponent(next_token)}`)
    t.not(next.json().data[0].id, first)
    t.equal(sandbox.calls.length, before + 2)
    t.equal(sandbox.calls.at(-2)?.url, `/wms${path}?limit=2`)
  }
  const records = (await get('/products?sku=SENCHA-100')).json().data
  t.strictSame(records, [JSON.parse(JSON.stringify(sandbox.data.products.get('prod_sencha')))], 'untouched')
})

tap.test('passes filters on unchanged', async (t) => {
  const { get, newCalls } = await startService(t)
  const filters = [
    'sku[in]=CUP,SENCHA-100',
    'sku=a&sku[neq]=b',
    'trackstar_updated_date[gte]=2026-01-01T00:00:00Z',
    'sku[contains]=,',
    'warehouse_customer_id=cust_aurora&trackstar_tags[contains]=green',
    'sku=',
  ]
  for (const filter of filters) {
    const encoded = filter
      .split('&')
      .map((pair) => pair.split('=').map(encodeURIComponent).join('='))
      .join('&')
    t.equal((await get(`/products?${encoded}`)).statusCode, 200, filter)
    t.strictSame(newCalls(), [`GET /wms/products?${filter}`])
  }
  await get('/inventory?ids=inv_cup,inv_tray')
  await get('/inventory?active[eq]=true&limit=1000')
  t.strictSame(newCalls(), [
    'GET /wms/inventory?ids[in]=inv_cup,inv_tray',
    'GET /wms/inventory?active[eq]=true&limit=1000',
  ])
})

tap.test('encodes a value so that it cannot change another filter', async (t) => {
  const { get, sandbox } = await startService(t)
  for (const value of ['a&limit=1', 'a#b', 'a?b=c', 'x=y', '%26', 'a\r\nX-Evil: 1', '\0', 'é茶😀', 'a+b c']) {
    await get(`/products?sku=${encodeURIComponent(value)}`)
    const call = sandbox.calls.at(-1)
    t.strictSame([...(call?.query ?? [])], [['sku', value]])
    t.equal(call?.path, '/wms/products')
  }
})

tap.test('rejects undocumented filters without a call upstream', async (t) => {
  const { get, sandbox } = await startService(t)
  const list = Array.from({ length: 101 }, (_, n) => n).join(',')
  const wrong = [
    ['/products?color=red', 'color'],
    ['/products?sku[like]=a', 'sku[like]'],
    ['/products?sku[in][x]=a', 'sku[in][x]'],
    ['/products?sku[__proto__]=a', 'sku[__proto__]'],
    ['/products?active=true', 'active'],
    ['/warehouses?sku=a', 'sku'],
    ['/products?created_date[contains]=2026', 'created_date[contains]'],
    ['/products?sku=a&sku=b', 'sku'],
    ['/products?limit=1&limit=2', 'limit'],
    ['/products?limit=0', 'limit'],
    ['/products?limit=1001', 'limit'],
    ['/products?limit=1.5', 'limit'],
    ['/products?limit=ten', 'limit'],
    ['/products?limit=', 'limit'],
    ['/products?page_token=', 'page_token'],
    ['/products?ids=', 'ids'],
    [`/products?sku[in]=${list}`, 'sku[in]'],
    [`/inventory?ids=${list}`, 'ids'],
  ] as const
  for (const [url, field] of wrong) {
    const reply = await get(url)
    t.equal(reply.statusCode, 400, url)
    t.match(reply.json(), { code: 'validation_failed', errors: [{ field }] }, url)
  }
  t.equal(sandbox.calls.length, 0)
})

tap.test("passes Trackstar's rejections on", async (t) => {
  const { get, sandbox } = await startService(t)
  const refused = await get('/products?created_date=yesterday')
  t.equal(refused.statusCode, 422)
  t.match(refused.json(), {
    code: 'upstream_rejected',
    origin: 'trackstar',
    detail: /created_date: expected an ISO 8601/,
  })
  sandbox.fault('/wms/warehouses', { status: 501, body: { error: 'no warehouses here', origin: 'integration' } })
  const missing = await get('/warehouses')
  t.equal(missing.statusCode, 501)
  t.match(missing.json(), { code: 'not_supported_by_integration', origin: 'integration' })
})

tap.test('omits a malformed record', async (t) => {
  const { get, sandbox } = await startService(t)
  sandbox.fault('/wms/products', { body: { data: [{ id: 'p', color: 'red' }, { id: '' }, null], next_token: '' } })
  t.strictSame((await get('/products')).json(), { data: [{ id: 'p', color: 'red' }], next_token: null, total_count: 1 })
})

tap.test('regression: only-if-cached read a list', async (t) => {
  const { get, sandbox } = await startService(t)
  for (const path of ['/products', '/inventory', '/warehouses']) {
    const reply = await get(path, { 'cache-control': 'only-if-cached' })
    t.equal(reply.statusCode, 504, path)
    t.match(reply.json(), { code: 'not_cached' })
  }
  t.equal(sandbox.calls.length, 0)
})

tap.test('regression: filters that are too long for Trackstar once encoded were reported as its error', async (t) => {
  const { get } = await startService(t)
  // Not valid percent-encoding, so it is taken literally: three times as long when each character is encoded.
  const reply = await get(`/warehouses?ids=${'%'.repeat(14_000)}`)
  t.equal(reply.statusCode, 422)
  t.match(reply.json(), { code: 'upstream_rejected', detail: /does not accept a URL of this length/ })
})

tap.test('accepts every documented field with each of its operators, and paging', async (t) => {
  const names = (resource: keyof typeof filterFields) => Object.keys(Object(listQuery(resource)).properties)
  t.ok(names('inventory').includes('active[neq]'))
  t.notOk(names('products').includes('active'))
  t.ok(names('products').includes('sku[not_contains]'))
  t.notOk(names('products').includes('created_date[contains]'))
  t.strictSame(names('warehouses'), ['limit', 'page_token', 'ids', 'ids[in]'])
})

tap.test('documents each filter as one parameter', async (t) => {
  const { properties } = Object(documentedListQuery('products'))
  t.strictSame(Object.keys(properties), ['limit', 'page_token', 'ids', ...Object.keys(filterFields.products)])
  t.match(properties.sku, { style: 'deepObject', explode: true })
})

tap.test('passes values on as text', async (t) => {
  t.strictSame(toFilters({ limit: 5, 'sku[in]': 'a,b', active: 'true', ids: 'x' }), {
    limit: '5',
    'sku[in]': 'a,b',
    active: 'true',
    'ids[in]': 'x',
  })
})

tap.test('rejects a list of more values than Trackstar accepts', async (t) => {
  const list = (count: number) => Array.from({ length: count }, (_, n) => n).join(',')
  t.same(toFilters({ 'sku[nin]': list(100) }), { 'sku[nin]': list(100) })
  for (const name of ['sku[in]', 'sku[nin]', 'ids', 'ids[in]']) {
    try {
      toFilters({ [name]: list(101) })
      t.fail('was taken')
    } catch (error) {
      t.ok(isProblem(error, 'validation_failed') && error.extras.errors?.[0]?.field === name)
    }
  }
  t.same(toFilters({ 'sku[contains]': list(101) }), { 'sku[contains]': list(101) }, 'a value with commas is not a list')
})
