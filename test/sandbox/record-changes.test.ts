import tap from 'tap'
import { counts, newItem, newProduct, newWarehouse } from '../../src/sandbox/new-records.js'
import { changedAttributes, RecordChanges, touch, upstreamTime } from '../../src/sandbox/record-changes.js'
import { createData } from '../../src/sandbox/sandbox-data.js'

const now = Date.UTC(2026, 3, 1)
const date = '2026-04-01T00:00:00Z'

const changing = () => {
  const data = createData({ products: 0, seed: 1, connectionId: 'c', now })
  const announced: unknown[][] = []
  const changes = new RecordChanges(
    data,
    () => now,
    (event, { id }: { id?: string }, previous) => announced.push([event, id, previous]),
  )
  return { data, announced, changes }
}

tap.test('replaces fields, moves the update date forward and announces the change', async (t) => {
  const { data, announced, changes } = changing()
  const { record, previousAttributes } = changes.patch('products', 'prod_cup', { name: 'Cup, glass', active: null })
  t.equal(record, data.products.get('prod_cup'))
  t.match(record, { name: 'Cup, glass', active: null, sku: 'CUP', trackstar_updated_date: date, updated_date: date })
  t.strictSame(previousAttributes, {
    name: 'Cup, porcelain',
    active: true,
    updated_date: '2025-10-20T06:15:00Z',
    trackstar_updated_date: '2025-10-20T07:00:00Z',
  })
  t.strictSame(announced, [['product.updated', 'prod_cup', previousAttributes]])
  changes.patch('products', 'prod_cup', {})
  t.equal(record.trackstar_updated_date, '2026-04-01T00:00:01Z', 'a second later')
})

tap.test('indexes a record by its new SKU', async (t) => {
  const { data, changes } = changing()
  changes.patch('products', 'prod_cup', { sku: 'MUG' })
  t.strictSame([data.products.slotsOfSkus(['CUP']).length, data.products.slotsOfSkus(['MUG']).length], [0, 1])
})

tap.test('adds a record with the current time as its dates', async (t) => {
  const { data, announced, changes } = changing()
  const given = newItem('new', 'NEW', 'New', [['wh_oslo', counts(1)]])
  const added = changes.add('inventory', given)
  t.equal(added, data.inventory.get('new'))
  t.not(added, given)
  t.match(added, { trackstar_updated_date: date, trackstar_created_date: date, onhand: 1 })
  t.strictSame([added.updated_date, added.created_date], [given.updated_date, given.created_date])
  t.match(changes.add('products', { id: 'bare' }), {
    trackstar_updated_date: date,
    trackstar_created_date: date,
    updated_date: date,
    created_date: date,
  })
  changes.add('warehouses', newWarehouse('wh_new', 'New', null, 'Bergen'))
  t.strictSame(announced, [
    ['inventory.created', 'new', undefined],
    ['product.created', 'bare', undefined],
    ['warehouse.created', 'wh_new', undefined],
  ])
})

tap.test('removes a record without an event', async (t) => {
  const { data, announced, changes } = changing()
  t.equal(changes.remove('products', 'prod_cup'), true)
  t.equal(changes.remove('products', 'prod_cup'), false)
  t.equal(data.products.has('prod_cup'), false)
  t.strictSame(announced, [])
})

tap.test('throws if there is no such record, or if the id is taken', async (t) => {
  const { announced, changes } = changing()
  t.throws(() => changes.patch('inventory', 'nowhere', {}), { message: 'There is no inventory nowhere' })
  const cup = newProduct('prod_cup', 'CUP', 'Cup', [])
  t.throws(() => changes.add('products', cup), { message: 'There is already a product prod_cup' })
  t.strictSame(announced, [])
})

tap.test('announces nothing about a resource whose historical sync is not complete', async (t) => {
  const { data, announced, changes } = changing()
  data.connection.historical_sync_completed['get_products'] = false
  changes.patch('products', 'prod_cup', { name: 'Mug' })
  changes.add('products', { id: 'bare' })
  t.strictSame(announced, [])
  changes.patch('warehouses', 'wh_oslo', { name: 'Oslo' })
  t.match(announced, [['warehouse.updated', 'wh_oslo', { name: 'Oslo harbour' }]])
})

tap.test('announces nothing if the change throws', async (t) => {
  const { announced, changes } = changing()
  const refuse = () => {
    throw new Error('no')
  }
  t.throws(() => changes.update('inventory', 'inv_cup', refuse), { message: 'no' })
  t.strictSame(announced, [])
})

tap.test('returns the old values, nested ones under dotted paths', async (t) => {
  const before = {
    onhand: 9,
    name: 'Tea',
    inventory_by_warehouse_id: { w1: { onhand: 5, committed: 1 }, w2: { onhand: 4 } },
    lots: [{ onhand: 9 }, { onhand: 2 }],
  }
  const after = {
    onhand: 8,
    name: 'Tea',
    inventory_by_warehouse_id: { w1: { onhand: 4, committed: 1 }, w2: { onhand: 4 } },
    lots: [{ onhand: 8 }, { onhand: 2 }],
  }
  t.strictSame(changedAttributes(before, after), {
    onhand: 9,
    'inventory_by_warehouse_id.w1.onhand': 5,
    'lots.0.onhand': 9,
  })
})

tap.test('returns nothing for equal states', async (t) => {
  t.strictSame(changedAttributes({ a: [1, { b: null }] }, { a: [1, { b: null }] }), {})
})

tap.test('returns null for a new field, and the whole value of a removed one', async (t) => {
  t.strictSame(changedAttributes({ tags: ['a', 'b'] }, { tags: ['a'], sku: 'S' }), { 'tags.1': 'b', sku: null })
  t.strictSame(changedAttributes({ supplier: { id: 1 } }, { supplier: null }), { supplier: { id: 1 } })
  t.strictSame(changedAttributes({ supplier: null }, { supplier: { id: 1 } }), { supplier: null })
  t.strictSame(changedAttributes({ parts: [] }, { parts: { a: 1 } }), { parts: [] })
})

tap.test('compares keys called __proto__ and constructor', async (t) => {
  const before = JSON.parse('{"places": {"__proto__": {"onhand": 1}, "b": 1}}')
  const after = JSON.parse('{"places": {"__proto__": {"onhand": 2}, "b": 1, "constructor": 3}}')
  t.strictSame(changedAttributes(before, after), { 'places.__proto__.onhand': 1, 'places.constructor': null })
})

const time = Date.UTC(2026, 0, 2, 3, 4, 5, 678)

tap.test('formats times as upstream does', async (t) => {
  t.equal(upstreamTime(time), '2026-01-02T03:04:05Z')
})

tap.test('dates a record now, and always later than before', async (t) => {
  const record = { trackstar_updated_date: '2025-01-01T00:00:00Z', updated_date: '2024-01-01T00:00:00Z' }
  touch(record, time)
  t.strictSame(record, { trackstar_updated_date: '2026-01-02T03:04:05Z', updated_date: '2026-01-02T03:04:05Z' })
  touch(record, time)
  t.equal(record.trackstar_updated_date, '2026-01-02T03:04:06Z')
  touch(record, time - 60_000)
  t.equal(record.trackstar_updated_date, '2026-01-02T03:04:07Z')
})

tap.test('dates a record that had no valid date', async (t) => {
  for (const record of [{}, { trackstar_updated_date: null }, { trackstar_updated_date: 'one day' }]) {
    touch(record, time)
    t.match(record, { trackstar_updated_date: '2026-01-02T03:04:05Z' })
  }
})
