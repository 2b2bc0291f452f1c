import tap, { type Test } from 'tap'
import { counts, needs, newItem, newProduct } from '../../../src/sandbox/new-records.js'
import { eventually, RunningClock, type Service, startService } from '../../harness.js'
import { startMirrored } from '../mirror/mirrored.js'

type Data = Service['sandbox']['data']

/** Sets fields of an upstream record to values of any type. */
function change(data: Data, kind: 'products' | 'inventory' | 'warehouses', id: string, fields: object): object {
  const record = Object.assign(structuredClone(data[kind].get(id) ?? { id }), fields)
  data[kind].set(id, record as never)
  return record
}

/** Runs a test in both modes, with unusual data from the start. */
function inBothModes(
  name: string,
  prepare: (data: Data, sandbox: Service['sandbox']) => void,
  test: (t: Test, service: Service) => Promise<void>,
) {
  for (const mode of ['on-demand', 'mirror']) {
    tap.test(`${name} (${mode})`, async (t) => {
      const service = await startService(t, { environment: { CATALOG_MODE: mode } })
      prepare(service.sandbox.data, service.sandbox)
      await service.app.ready()
      if (mode === 'mirror') await eventually(async () => (await service.get('/stock/low?below=0')).statusCode === 200)
      await test(t, service)
    })
  }
}

/** Values of other types for fields that the arithmetic does not use. */
const oddFields = {
  name: 7,
  active: 'yes',
  trackstar_tags: 'green',
  created_date: 1_795_860_000,
  updated_date: false,
  trackstar_updated_date: null,
  additional_fields: 'none',
}
const oddItem = { ...oddFields, unit_cost: {}, measurements: [], external_system_url: 1 }
const oddProduct = { ...oddFields, name: { en: 'Sencha' }, gtin: 4006381333931, unit_price: [], supplier: [1] }
const oddWarehouse = { ...oddFields, code: 12, address: 'Oslo' }

inBothModes(
  'regression: a field that the arithmetic does not use cost the product its stock',
  (data) => {
    change(data, 'products', 'prod_sencha', oddProduct)
    change(data, 'inventory', 'inv_sencha', oddItem)
    change(data, 'warehouses', 'wh_oslo', oddWarehouse)
  },
  async (t, { get, post }) => {
    const { statusCode, ...response } = await get('/products/SENCHA-100/stock?include=locations')
    t.equal(statusCode, 200)
    t.match(response.json(), {
      available: 38,
      complete: true,
      issues: [],
      product: { id: 'prod_sencha', name: null, gtin: '4006381333931', active: null },
      components: [{ inventory_item_id: 'inv_sencha', name: '7', active: null }],
      warehouses: [{ warehouse_id: 'wh_oslo', name: '7', code: '12' }, { warehouse_id: 'wh_porto' }],
    })
    t.match((await get('/products/SENCHA-100')).json(), { data: oddProduct })
    t.match((await get('/inventory/inv_sencha')).json(), { data: oddItem })
    t.match((await get('/warehouses/wh_oslo')).json(), { data: oddWarehouse })
    t.match((await get('/products?ids=prod_sencha')).json(), { data: [oddProduct] })
    const lines = [{ sku: 'SENCHA-100', quantity: 38 }]
    t.match((await post('/stock/check', { lines })).json(), { fulfillable: true, complete: true })
  },
)

inBothModes(
  'regression: a SKU that is a number was a 404',
  (data) => {
    change(data, 'products', 'prod_sencha', { sku: 4006381333931, warehouse_customer_id: 17 })
    change(data, 'inventory', 'inv_sencha', { warehouse_customer_id: '17' })
  },
  async (t, { get, post }) => {
    const stock = { sku: '4006381333931', available: 38, complete: true, product: { warehouse_customer_id: '17' } }
    t.match((await get('/products/4006381333931/stock?warehouse_customer_id=17')).json(), stock)
    t.match((await post('/stock/query', { skus: ['4006381333931', 'CUP'] })).json(), {
      results: [{ status: 'ok', stock }, { status: 'ok' }],
    })
    t.equal((await get('/products/SENCHA-100/stock')).statusCode, 404)
  },
)

inBothModes(
  'finds records whose ids are numbers by their decimal text',
  (data) => {
    const item = { ...data.inventory.get('inv_cup'), id: 81 }
    data.inventory.set('81', item as never)
    change(data, 'products', 'prod_cup', { id: 9, inventory_items: [{ inventory_item_id: 81, unit_quantity: '2' }] })
    data.warehouses.set('3', { id: 3, name: 'Three' } as never)
    change(data, 'inventory', '81', { inventory_by_warehouse_id: { 3: { onhand: 44, committed: 4, fulfillable: 40 } } })
  },
  async (t, { get }) => {
    t.match((await get('/products/CUP/stock')).json(), {
      available: 20,
      product: { id: '9' },
      warehouses: [{ warehouse_id: '3', name: 'Three', available: 20 }],
      components: [{ inventory_item_id: '81', status: 'ok', unit_quantity: 2 }],
      complete: true,
    })
    t.match((await get('/products/CUP/stock?warehouse_id=3')).json(), { available: 20, complete: true })
    t.match((await get('/inventory/81')).json(), { data: { id: 81 } })
    t.match((await get('/warehouses/3')).json(), { data: { id: 3 } })
    const used = await get('/inventory/81/products')
    if (used.statusCode !== 501) t.match(used.json(), { data: [{ product_id: '9', sku: 'CUP', unit_quantity: 2 }] })
  },
)

inBothModes(
  'reads quantities that are decimal strings, and says which are unstated',
  (data) => {
    change(data, 'inventory', 'inv_sencha', {
      onhand: '50.0',
      committed: '9',
      unfulfillable: ' 3 ',
      fulfillable: '38',
      sellable: 'many',
      awaiting: true,
      inventory_by_warehouse_id: { wh_oslo: { onhand: '5e1', fulfillable: '+38' } },
    })
    change(data, 'inventory', 'inv_cup', { fulfillable: 'many', committed: {}, inventory_by_warehouse_id: null })
  },
  async (t, { get }) => {
    t.match((await get('/products/SENCHA-100/stock')).json(), {
      available: 38,
      quantities: { onhand: 50, committed: 9, unfulfillable: 3, fulfillable: 38, sellable: null, awaiting: null },
      warehouses: [{ warehouse_id: 'wh_oslo', available: 38 }],
      complete: true,
    })
    t.match((await get('/products/CUP/stock')).json(), {
      available: 0,
      complete: false,
      issues: [{ code: 'quantity_unknown' }, { code: 'warehouse_breakdown_missing' }],
    })
  },
)

inBothModes(
  'ignores lists, breakdowns, lots and references of another type, and says what that costs',
  (data) => {
    change(data, 'products', 'prod_sencha', { inventory_items: { inventory_item_id: 'inv_sencha' } })
    change(data, 'products', 'prod_cup', {
      inventory_items: [null, 'inv_cup', { inventory_item_id: {} }, { inventory_item_id: 'inv_cup', sku: [] }],
    })
    change(data, 'inventory', 'inv_cup', {
      inventory_by_warehouse_id: ['wh_oslo'],
      lots: [null, 7, { lot_id: 12, expiration_date: 20270301 }, { expiration_date: '2026-12-15 00:00:00' }],
      locations: { location_id: 'A' },
    })
    change(data, 'inventory', 'inv_tray', { inventory_by_warehouse_id: { wh_oslo: 6, wh_porto: null } })
  },
  async (t, { get }) => {
    const { issues, ...sencha } = (await get('/products/SENCHA-100/stock')).json()
    t.match(sencha, { available: 0, complete: false, components: [] })
    t.match(issues, [{ code: 'no_inventory_items' }])
    const cup = (await get('/products/CUP/stock?include=lots,locations')).json()
    t.match(cup, { available: 40, complete: false, locations: [] })
    t.strictSame(
      cup.issues.map((issue: { code: string }) => issue.code),
      ['invalid_reference', 'invalid_reference', 'invalid_reference', 'warehouse_breakdown_missing'],
    )
    t.match(cup.lots, [
      { lot_id: null, expiration_date: '2026-12-15 00:00:00' },
      { lot_id: '12', expiration_date: '20270301' },
    ])
    t.equal(cup.lots.length, 2)
    const gongfu = (await get('/products/GONGFU-SET/stock')).json()
    t.match(gongfu, { available: 6, complete: false })
    t.equal(gongfu.issues.filter((issue: { code: string }) => issue.code === 'quantity_unknown').length, 2)
  },
)

inBothModes(
  'regression: one deeply nested record turned a whole batch into 500',
  (data, sandbox) => {
    const deep = `{"id": "prod_cup", "sku": "CUP", "deep": ${'['.repeat(5000)}${']'.repeat(5000)}}`
    const sound = JSON.stringify(data.products.get('prod_sencha'))
    sandbox.fault('/wms/products', { status: 200, body: `{"data": [${deep}, ${sound}], "next_token": null}` })
  },
  async (t, { get, post }) => {
    const answer = await post('/stock/query', { skus: ['CUP', 'SENCHA-100', 'nothing'] })
    t.equal(answer.statusCode, 200)
    t.match(answer.json(), {
      results: [
        { status: 'unavailable', problem: { code: 'upstream_invalid_response' } },
        { status: 'ok' },
        { status: 'not_found' },
      ],
    })
    const list = await get('/products?sku[in]=CUP,SENCHA-100')
    t.equal(list.statusCode, 200)
    t.equal(list.json().data.length, 1)
  },
)

tap.test(
  'regression: an answer with other records than the requested ones denied these, or was asked for again',
  async (t) => {
    const clock = new RunningClock()
    const { sandbox, get, newCalls } = await startService(t, { clock })
    const statusOf = async (sku: string, headers = {}) => (await get(`/products/${sku}/stock`, headers)).statusCode
    sandbox.add('inventory', newItem('inv_alone', 'ALONE', 'Alone', [['wh_oslo', counts(3)]]))
    sandbox.add('products', newProduct('prod_alone', 'ALONE', 'Alone', [needs('inv_alone', 'ALONE')]))
    t.equal(await statusOf('CUP'), 200)
    clock.advance(2000)
    for (const [path, sku, others] of [
      [
        '/wms/products',
        'LIVE-JASMINE',
        [...sandbox.data.products.values()].filter((product) => product.sku === 'SENCHA-100'),
      ],
      ['/wms/inventory', 'ALONE', [...sandbox.data.inventory.values()].filter(({ id }) => id === 'inv_sencha')],
    ] as const) {
      clock.advance(60_000)
      const clear = sandbox.fault(path, { body: { data: others, next_token: null } })
      t.equal(await statusOf('CUP', { 'cache-control': 'no-cache' }), 200, 'what is cached is served')
      t.equal(await statusOf(sku), 502, path)
      newCalls()
      t.equal(await statusOf(sku), 502, path)
      t.strictSame(newCalls(), [], 'the failure is remembered')
      clear()
      clock.advance(60_000)
      t.equal(await statusOf(sku), 200)
      clock.advance(500_000)
    }
    sandbox.fault('/wms/products', { body: { data: [{ id: 'p', sku: 'NEW ' }], next_token: null } })
    t.equal(await statusOf('new'), 404, 'upstream may take no notice of case')
  },
)

/** Pages with numbers that a number of JavaScript cannot hold: several are the same one there. */
const longNumbers = {
  products: `{"data": [
    {"id": 90071992547409930, "sku": 9007199254740992, "gtin": 90071992547409931, "inventory_items": [{"inventory_item_id": 12345678901234567890}]},
    {"id": 90071992547409931, "sku" : 9007199254740993, "inventory_items": [{"inventory_item_id": 12345678901234567891 }]}
  ], "next_token": null}`,
  inventory: `{"data": [
    {"id": 12345678901234567890, "fulfillable": 3, "inventory_by_warehouse_id": {"wh_oslo": {"fulfillable": 3}}},
    {"id": 12345678901234567891, "fulfillable": 8, "inventory_by_warehouse_id": {"wh_oslo": {"fulfillable": 8}}}
  ], "next_token": null}`,
}

inBothModes(
  'regression: ids and SKUs of many digits were taken for each other',
  (_data, sandbox) => {
    sandbox.fault('/wms/products', { body: longNumbers.products })
    sandbox.fault('/wms/inventory', { body: longNumbers.inventory })
  },
  async (t, { get, post }) => {
    for (const [sku, available] of [
      ['9007199254740992', 3],
      ['9007199254740993', 8],
    ] as const) {
      const { statusCode, ...response } = await get(`/products/${sku}/stock`)
      t.equal(statusCode, 200, sku)
      t.match(response.json(), {
        available,
        complete: true,
        product: { id: `9007199254740993${sku.endsWith('2') ? 0 : 1}` },
      })
      t.match((await post('/stock/query', { skus: [sku] })).json(), {
        results: [{ status: 'ok', stock: { available } }],
      })
      t.match((await post('/stock/check', { lines: [{ sku, quantity: 4 }] })).json(), { fulfillable: available > 4 })
    }
    t.equal((await get('/products/9007199254740992/stock')).json().product.gtin, '90071992547409931')
    t.equal((await get('/inventory/12345678901234567891')).json().data.id, '12345678901234567891')
    t.equal((await get('/products?limit=2')).json().data[1].sku, '9007199254740993')
  },
)

tap.test('regression: the webhook of an item whose id has many digits changed another item', async (t) => {
  const { deliver, deliverText, get } = await startMirrored(t)
  const counts = { fulfillable: 3, onhand: 3, committed: 0, unfulfillable: 0 }
  for (const [n, id] of ['12345678901234567890', '12345678901234567891'].entries()) {
    const date = { trackstar_updated_date: nextDate() }
    const inventory_items = [{ inventory_item_id: id }]
    await deliver('inventory.created', { id, ...counts, ...date })
    await deliver('product.created', { id: `prod_long_${n}`, sku: `LONG-${n}`, inventory_items, ...date })
  }
  const available = async (sku: string) => (await get(`/products/${sku}/stock`)).json().available
  t.equal(await available('LONG-1'), 3)
  const data = `{"id": 12345678901234567891, "trackstar_updated_date": "${nextDate()}", "fulfillable": 8, "onhand": 8, "committed": 0, "unfulfillable": 0}`
  const delivery = `{"connection_id": "conn_sandbox", "event_type": "inventory.updated", "data": ${data}}`
  t.equal((await deliverText(delivery)).statusCode, 204)
  t.equal(await available('LONG-0'), 3)
  t.equal(await available('LONG-1'), 8)
})

tap.test('regression: a SKU that turned into a number kept the old stock under the old SKU', async (t) => {
  const { get, deliver, sandbox } = await startMirrored(t)
  t.equal((await get('/products/SENCHA-100/stock')).statusCode, 200)
  for (const [sku, found] of [
    [4006381333931, '4006381333931'],
    ['SENCHA-100', 'SENCHA-100'],
    [null, undefined],
    ['SENCHA-100', 'SENCHA-100'],
    [{ text: 'SENCHA-100' }, undefined],
    [17, '17'],
  ] as const) {
    const product = change(sandbox.data, 'products', 'prod_sencha', { sku, trackstar_updated_date: nextDate() })
    t.equal((await deliver('product.updated', product)).statusCode, 204)
    const isFound = async (text: string) => (await get(`/products/${text}/stock`)).statusCode
    for (const text of ['4006381333931', 'SENCHA-100', '17']) {
      t.equal(await isFound(text), text === found ? 200 : 404, `${JSON.stringify(sku)}: ${text}`)
    }
  }
})

let dates = 0
/** A date later than all others. */
const nextDate = () => new Date(Date.now() + 1000 * ++dates).toISOString()
