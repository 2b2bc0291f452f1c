import tap from 'tap'
import { stockOptions } from '../../src/routes/stock.js'
import { fixedSkus } from '../../src/sandbox/fixed-catalog.js'
import { stockProblem } from '../../src/services/stocks.js'
import { eventually, startService, TestClock } from '../harness.js'

/** onhand, committed, unfulfillable, fulfillable, sellable, awaiting */
type Amounts = readonly [...(number | null)[]]

interface Expected {
  readonly available: number
  readonly quantities: Amounts
  /** What is available in each warehouse, in order. */
  readonly warehouses: Record<string, number>
  readonly issues?: readonly string[]
  readonly complete?: false
  /** component, yield, shortfall */
  readonly limiting?: readonly [string, number, number]
}

/** Computed by hand from `fixed-items.ts`. A plain product is a sum; a kit is limited by its scarcest component. */
const expected: Record<string, Expected> = {
  // Oslo 30 − 6 − 2 = 22, Porto 20 − 3 − 1 = 16
  'SENCHA-100': { available: 38, quantities: [50, 9, 3, 38, 38, 12], warehouses: { wh_oslo: 22, wh_porto: 16 } },
  // 12 − 2 = 10 and 9 − 1 − 1 = 7
  'OOLONG-250': { available: 17, quantities: [21, 3, 1, 17, 17, 0], warehouses: { wh_graz: 7, wh_oslo: 10 } },
  // ⌊50/6⌋ = 8, ⌊4/6⌋ = 0, ⌊1/6⌋ = 0, ⌊45/6⌋ = 7; Oslo ⌊26/6⌋ = 4, Porto ⌊19/6⌋ = 3
  'BISCUIT-6PK': { available: 7, quantities: [8, 0, 0, 7, 7, 0], warehouses: { wh_oslo: 4, wh_porto: 3 } },
  CUP: { available: 40, quantities: [44, 4, 0, 40, 40, 0], warehouses: { wh_oslo: 40 } },
  // min(9, ⌊40/4⌋, 6) = 6; on hand min(10, 11, 6) = 6; with 5 trays more min(9, 10, 11) = 9, so 3 more
  'GONGFU-SET': {
    available: 6,
    quantities: [6, null, null, 6, 6, 3],
    warehouses: { wh_oslo: 6 },
    limiting: ['TRAY', 6, 1],
  },
  // min(⌊40/6⌋, 9) = 6; on hand min(⌊44/6⌋, 10) = 7; 7 · 6 − 40 = 2 cups are missing
  'TASTING-SET': {
    available: 6,
    quantities: [7, null, null, 6, 6, 0],
    warehouses: { wh_oslo: 6 },
    limiting: ['CUP', 6, 2],
  },
  // min(12, 0) = 0; on hand min(12, 2); with 8 whisks more min(12, 8) = 8
  'MATCHA-KIT': {
    available: 0,
    quantities: [2, null, null, 0, 0, 8],
    warehouses: { wh_porto: 0 },
    limiting: ['WHISK', 0, 1],
  },
  // min(3 + 4, ⌊11/2⌋) = 5; Oslo min(3, ⌊9/2⌋) = 3, Porto min(4, ⌊2/2⌋) = 1; 6 · 2 − 11 = 1
  'TRAVEL-SET': {
    available: 5,
    quantities: [5, null, null, 5, 5, 0],
    warehouses: { wh_oslo: 3, wh_porto: 1 },
    limiting: ['FLASK', 5, 1],
  },
  // ⌊20 / (2 + 1)⌋ = 6; 7 · 3 − 20 = 1
  'REFILL-BOX': {
    available: 6,
    quantities: [6, null, null, 6, 6, 0],
    warehouses: { wh_graz: 6 },
    limiting: ['FILTER', 6, 1],
  },
  'CHAI-50': { available: 21, quantities: [21, 0, 0, 21, 21, 0], warehouses: { wh_graz: 21 } },
  'MATCHA-TIN': { available: 24, quantities: [24, 0, 0, 24, 24, 0], warehouses: { wh_graz: 8, wh_oslo: 16 } },
  'HOJICHA-80': {
    available: 8,
    quantities: [8, 0, 0, 8, 8, 0],
    warehouses: { wh_oslo: 8 },
    issues: ['inventory_item_missing'],
    complete: false,
  },
  // 20 − 5 − 1 = 14; sellable is not stated
  'ASSAM-500': { available: 14, quantities: [20, 5, 1, 14, null, 0], warehouses: { wh_porto: 14 } },
  'DARJEELING-500': {
    available: 0,
    quantities: [20, null, 0, 0, null, 0],
    warehouses: { wh_porto: 0 },
    issues: ['quantity_unknown', 'quantity_unknown'],
    complete: false,
  },
  'CEYLON-500': {
    available: 0,
    quantities: [30, 4, 0, 0, 26, 0],
    warehouses: { wh_graz: 0 },
    issues: ['quantity_unknown', 'quantity_unknown'],
    complete: false,
  },
  // Oslo 13 − 2 = 11, the unnamed one 7, Porto states nothing
  'ROOIBOS-100': {
    available: 18,
    quantities: [20, 2, 0, 18, 18, 0],
    warehouses: { wh_oslo: 11, wh_porto: 0, wh_quiet: 7 },
    issues: ['quantity_unknown'],
    complete: false,
  },
  'KETTLE-1L': {
    available: 13,
    quantities: [15, 2, 0, 13, 13, 0],
    warehouses: {},
    issues: ['warehouse_breakdown_missing'],
  },
  'SCALE-01': {
    available: 10,
    quantities: [10, 0, 0, 10, 10, 0],
    warehouses: { wh_graz: 3, wh_oslo: 6 },
    issues: ['warehouse_breakdown_mismatch'],
    complete: false,
  },
  'PUERH-357': { available: 0, quantities: [2, 7, 0, -5, 0, 0], warehouses: { wh_graz: 0 } },
  'GIFT-CARD': {
    available: 0,
    quantities: [0, 0, 0, 0, 0, 0],
    warehouses: {},
    issues: ['no_inventory_items'],
    complete: false,
  },
  'SAMPLER-3': {
    available: 5,
    quantities: [5, null, null, 5, 5, 0],
    warehouses: { wh_oslo: 5 },
    issues: ['invalid_unit_quantity'],
    complete: false,
    limiting: ['SAMPLER-TIN', 5, 1],
  },
  'MINT/LEMON 50%': { available: 5, quantities: [5, 0, 0, 5, 5, 0], warehouses: { wh_oslo: 5 } },
  'GREEN, BLACK + WHITE': { available: 7, quantities: [7, 0, 0, 7, 7, 0], warehouses: { wh_porto: 7 } },
  '抹茶 30g': { available: 9, quantities: [9, 0, 0, 9, 9, 0], warehouses: { wh_graz: 9 } },
  ['__proto__']: { available: 3, quantities: [3, 0, 0, 3, 3, 0], warehouses: { ['__proto__']: 2, wh_oslo: 1 } },
  constructor: { available: 4, quantities: [4, 0, 0, 4, 4, 0], warehouses: { constructor: 3, wh_oslo: 1 } },
  // Oslo 26 − 2 = 24, Porto 16
  'LIVE-JASMINE': { available: 40, quantities: [42, 2, 0, 40, 40, 0], warehouses: { wh_oslo: 24, wh_porto: 16 } },
  // min(⌊40/3⌋, 20) = 13; on hand min(⌊42/3⌋, 20) = 14; Oslo min(24/3, 20) = 8, in Porto no box; 14 · 3 − 40 = 2
  'LIVE-GIFT': {
    available: 13,
    quantities: [14, null, null, 13, 13, 0],
    warehouses: { wh_oslo: 8, wh_porto: 0 },
    limiting: ['LIVE-JASMINE', 13, 2],
  },
}
const ambiguous = ['HONEY-1', 'EARL-GREY']

const urlOf = (sku: string, query = '') => `/products/${encodeURIComponent(sku)}/stock${query}`

tap.test('returns the stock of each fixed product as computed by hand', async (t) => {
  t.strictSame([...Object.keys(expected), ...ambiguous].toSorted(), fixedSkus.map(({ sku }) => sku).toSorted())
  const { get } = await startService(t)
  for (const [sku, { available, quantities, warehouses, issues = [], complete = true, limiting }] of Object.entries(
    expected,
  )) {
    const reply = await get(urlOf(sku))
    t.equal(reply.statusCode, 200, sku)
    const stock = reply.json()
    const { onhand, committed, unfulfillable, fulfillable, sellable, awaiting } = stock.quantities
    t.equal(stock.sku, sku)
    t.equal(stock.available, available, sku)
    t.strictSame([onhand, committed, unfulfillable, fulfillable, sellable, awaiting], quantities, sku)
    t.strictSame(
      stock.warehouses.map((warehouse: { warehouse_id: string; available: number }) => [
        warehouse.warehouse_id,
        warehouse.available,
      ]),
      Object.entries(warehouses),
      sku,
    )
    t.strictSame(
      stock.issues.map(({ code }: { code: string }) => code),
      issues,
      sku,
    )
    t.equal(stock.complete, complete, sku)
    const scarce = stock.limiting && [stock.limiting.component_sku, stock.limiting.yield, stock.limiting.shortfall]
    t.strictSame(scarce, limiting ?? null, sku)
    t.equal(stock.source, null)
    t.equal(stock.stale, false)
    t.notOk('lots' in stock || 'locations' in stock)
  }
})

tap.test('returns every field of the contract', async (t) => {
  const clock = new TestClock()
  const { get } = await startService(t, { clock })
  const reply = await get('/products/SENCHA-100/stock')
  const counts = (onhand: number, committed: number, unfulfillable: number, fulfillable: number, awaiting: number) => ({
    onhand,
    committed,
    unfulfillable,
    fulfillable,
    sellable: fulfillable,
    awaiting,
  })
  t.strictSame(reply.json(), {
    sku: 'SENCHA-100',
    connection: 'default',
    product: {
      id: 'prod_sencha',
      name: 'Sencha, 100 g',
      gtin: '05901234123457',
      is_kit: false,
      active: true,
      warehouse_customer_id: 'cust_aurora',
    },
    available: 38,
    quantities: counts(50, 9, 3, 38, 12),
    warehouses: [
      {
        warehouse_id: 'wh_oslo',
        name: 'Oslo harbour',
        code: 'OSL-1',
        available: 22,
        quantities: counts(30, 6, 2, 22, 12),
      },
      { warehouse_id: 'wh_porto', name: 'Porto', code: 'OPO-2', available: 16, quantities: counts(20, 3, 1, 16, 0) },
    ],
    components: [
      {
        inventory_item_id: 'inv_sencha',
        sku: 'SENCHA-100',
        name: 'Sencha, 100 g',
        unit_quantity: 1,
        active: true,
        status: 'ok',
        quantities: counts(50, 9, 3, 38, 12),
      },
    ],
    complete: true,
    issues: [],
    limiting: null,
    as_of: new Date(clock.now()).toISOString(),
    stale: false,
    source: null,
  })
})

tap.test('answers 404 for a SKU that Trackstar does not know', async (t) => {
  const { get } = await startService(t)
  const reply = await get('/products/NO-SUCH/stock')
  t.equal(reply.statusCode, 404)
  t.match(reply.json(), { code: 'product_not_found', detail: 'Trackstar has no product with the SKU "NO-SUCH"' })
})

tap.test('answers 409 with the candidates if a SKU is ambiguous, unless the merchant is given', async (t) => {
  const { get } = await startService(t)
  const honey = await get('/products/HONEY-1/stock')
  t.equal(honey.statusCode, 409)
  t.match(honey.json(), {
    code: 'sku_ambiguous',
    candidates: [
      { product_id: 'prod_honey_a', name: 'Heather honey', warehouse_customer_id: 'cust_aurora', active: true },
      { product_id: 'prod_honey_b', name: 'Honeydew honey', warehouse_customer_id: 'cust_borealis', active: true },
    ],
  })
  const earl = await get('/products/EARL-GREY/stock?warehouse_customer_id=cust_aurora')
  t.equal(earl.statusCode, 409)
  t.equal(earl.json().candidates.length, 2)
  t.equal((await get('/products/HONEY-1/stock?warehouse_customer_id=cust_aurora')).json().available, 15)
  t.equal((await get('/products/HONEY-1/stock?warehouse_customer_id=cust_borealis')).json().available, 4)
  t.equal((await get('/products/HONEY-1/stock?warehouse_customer_id=cust_nobody')).statusCode, 404)
  t.equal((await get('/products/SENCHA-100/stock?warehouse_customer_id=cust_borealis')).statusCode, 404)
})

tap.test('counts only the selected warehouses', async (t) => {
  const { get } = await startService(t)
  const ask = async (sku: string, query: string) => {
    const { available, warehouses, complete, issues } = (await get(urlOf(sku, query))).json()
    const ids = warehouses.map(({ warehouse_id }: { warehouse_id: string }) => warehouse_id)
    return [available, ids, complete, issues.map(({ code }: { code: string }) => code)]
  }
  t.strictSame(await ask('SENCHA-100', '?warehouse_id=wh_porto'), [16, ['wh_porto'], true, []])
  t.strictSame(await ask('TRAVEL-SET', '?warehouse_id=wh_porto&warehouse_id=wh_oslo'), [
    5,
    ['wh_oslo', 'wh_porto'],
    true,
    [],
  ])
  t.strictSame(await ask('SENCHA-100', '?warehouse_id=wh_graz'), [0, [], true, []], 'named by the list')
  t.strictSame(await ask('SENCHA-100', '?warehouse_id=wh_no'), [0, [], false, ['warehouse_unknown']])
  t.strictSame(await ask('__proto__', '?warehouse_id=__proto__'), [2, ['__proto__'], true, []], 'named by the item')
  t.strictSame(await ask('KETTLE-1L', '?warehouse_id=wh_oslo'), [0, [], false, ['warehouse_breakdown_missing']])
})

tap.test('adds lots and locations if included', async (t) => {
  const { get } = await startService(t)
  const tin = (await get('/products/MATCHA-TIN/stock?include=lots')).json()
  t.strictSame(
    tin.lots.map(({ lot_id, inventory_item_id }: { lot_id: string; inventory_item_id: string }) => [
      lot_id,
      inventory_item_id,
    ]),
    [
      ['L-2612', 'inv_matcha_tin'],
      ['L-2703', 'inv_matcha_tin'],
      ['L-undated', 'inv_matcha_tin'],
    ],
    'earliest expiry first, without a date last',
  )
  t.notOk('locations' in tin)
  for (const query of [
    'include=lots,locations',
    'include=lots&include=locations',
    'include=locations,lots',
    'include[]=lots&include[]=locations',
  ]) {
    const sencha = (await get(`/products/SENCHA-100/stock?${query}`)).json()
    t.strictSame(sencha.lots, [])
    t.strictSame(sencha.locations[0], {
      inventory_item_id: 'inv_sencha',
      location_id: 'A-01-1',
      quantity: 25,
      warehouse_id: 'wh_oslo',
    })
    t.equal(sencha.locations.length, 3)
  }
  const porto = (await get('/products/SENCHA-100/stock?include=locations&warehouse_id=wh_porto')).json()
  t.equal(porto.locations.length, 1)
})

tap.test('rejects invalid requests', async (t) => {
  const { get, newCalls } = await startService(t)
  const wrong = [
    ['include=bins', 'include[0]'],
    ['include=', 'include[0]'],
    ['include=lots,', 'include[0]'],
    ['warehouse_id=', 'warehouse_id[0]'],
    ['warehouse=wh_oslo', 'warehouse'],
    ['warehouse_customer_id=a&warehouse_customer_id=b', 'warehouse_customer_id'],
    [`warehouse_customer_id=${'x'.repeat(256)}`, 'warehouse_customer_id'],
    [Array.from({ length: 101 }, (_, n) => `warehouse_id=w${n}`).join('&'), 'warehouse_id'],
    ['__proto__=1', '__proto__'],
  ] as const
  for (const [query, field] of wrong) {
    const reply = await get(`/products/SENCHA-100/stock?${query}`)
    t.equal(reply.statusCode, 400, query)
    t.match(reply.json(), { code: 'validation_failed', errors: [{ field }] }, query)
  }
  t.strictSame(newCalls(), [])
})

tap.test('has null names if the warehouses are unavailable', async (t) => {
  const faults = [
    { status: 501 },
    { status: 404 },
    { status: 500 },
    { body: { data: [], next_token: null } },
    { body: { data: 'none' } },
    { body: 'not JSON' },
    { reset: true },
  ]
  for (const fault of faults) {
    await t.test(JSON.stringify(fault), async (t) => {
      const { get, sandbox } = await startService(t)
      sandbox.fault('/wms/warehouses', fault)
      const reply = await get('/products/SENCHA-100/stock')
      t.equal(reply.statusCode, 200)
      t.strictSame(
        reply.json().warehouses.map(({ name, code }: { name: unknown; code: unknown }) => [name, code]),
        [
          [null, null],
          [null, null],
        ],
      )
      t.equal(reply.json().complete, true)
    })
  }
})

tap.test("reports the state of Trackstar's sync once it is known", async (t) => {
  const { get, sandbox } = await startService(t, { environment: { TRACKSTAR_CONNECTION_ID: 'conn_sandbox' } })
  const { connection } = sandbox.data
  sandbox.fault('/connections/conn_sandbox', { delayMs: 1000 })
  connection.errors.push({
    error_message: 'the warehouse system is down',
    affected_endpoints: [{ endpoint: 'get_inventory', preventing_sync: true }],
    first_seen: '2026-11-23T01:00:00Z',
    last_seen: '2026-11-23T02:00:00Z',
  })
  const first = (await get('/products/SENCHA-100/stock')).json()
  t.equal(first.source, null, 'never delays a response')
  await eventually(async () => (await get('/products/SENCHA-100/stock')).json().source !== null)
  const { source } = (await get('/products/SENCHA-100/stock')).json()
  t.strictSame(source, {
    synced_at: connection.sync_schedules.find(({ function_name }) => function_name === 'get_inventory')?.latest_sync,
    errors: [
      {
        message: 'the warehouse system is down',
        preventing_sync: true,
        first_seen: '2026-11-23T01:00:00Z',
        last_seen: '2026-11-23T02:00:00Z',
      },
    ],
  })
})

tap.test('is incomplete while the first sync is unfinished', async (t) => {
  const { get, sandbox } = await startService(t, { environment: { TRACKSTAR_CONNECTION_ID: 'conn_sandbox' } })
  sandbox.data.connection.historical_sync_completed['get_inventory'] = false
  await get('/products/SENCHA-100/stock')
  await eventually(async () => (await get('/products/SENCHA-100/stock')).json().source !== null)
  const { complete, issues } = (await get('/products/SENCHA-100/stock')).json()
  t.equal(complete, false)
  t.ok(issues.some(({ code }: { code: string }) => code === 'upstream_sync_incomplete'))
})

tap.test('accepts options as they are spelled on the wire', async (t) => {
  t.strictSame(stockOptions({}), {
    warehouseCustomerId: undefined,
    warehouseIds: undefined,
    include: { lots: false, locations: false },
  })
  t.match(stockOptions({ include: ['lots,locations'] }), { include: { lots: true, locations: true } })
})

tap.test('throws an error of our own unchanged', async (t) => {
  t.throws(() => stockProblem('A', { status: 'unavailable', error: new TypeError('a bug') }), new TypeError('a bug'))
})
