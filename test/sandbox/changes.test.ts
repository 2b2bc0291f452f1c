import tap from 'tap'
import { Changes } from '../../src/sandbox/changes.js'
import { counts, newItem, newProduct, newWarehouse } from '../../src/sandbox/new-records.js'
import { createData } from '../../src/sandbox/sandbox-data.js'

const now = Date.UTC(2026, 3, 1)
const date = '2026-04-01T00:00:00Z'

const changing = () => {
  const data = createData({ products: 0, seed: 1, connectionId: 'c', now })
  const told: unknown[][] = []
  const changes = new Changes(
    data,
    () => now,
    (event, { id }: { id?: string }, previous) => told.push([event, id, previous]),
  )
  return { data, told, changes }
}

tap.test('changes some fields, dates the record and tells of it', async (t) => {
  const { data, told, changes } = changing()
  const { record, previousAttributes } = changes.patch('products', 'prod_cup', { name: 'Cup, glass', active: null })
  t.equal(record, data.products.get('prod_cup'))
  t.match(record, { name: 'Cup, glass', active: null, sku: 'CUP', trackstar_updated_date: date, updated_date: date })
  t.strictSame(previousAttributes, {
    name: 'Cup, porcelain',
    active: true,
    updated_date: '2025-10-20T06:15:00Z',
    trackstar_updated_date: '2025-10-20T07:00:00Z',
  })
  t.strictSame(told, [['product.updated', 'prod_cup', previousAttributes]])
  changes.patch('products', 'prod_cup', {})
  t.equal(record.trackstar_updated_date, '2026-04-01T00:00:01Z', 'later still')
})

tap.test('finds a record by its new SKU', async (t) => {
  const { data, changes } = changing()
  changes.patch('products', 'prod_cup', { sku: 'MUG' })
  t.strictSame([data.products.slotsOfSkus(['CUP']).length, data.products.slotsOfSkus(['MUG']).length], [0, 1])
})

tap.test('adds a record, dated as one that Trackstar has just found', async (t) => {
  const { data, told, changes } = changing()
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
  t.strictSame(told, [
    ['inventory.created', 'new', undefined],
    ['product.created', 'bare', undefined],
    ['warehouse.created', 'wh_new', undefined],
  ])
})

tap.test('removes a record and tells nobody', async (t) => {
  const { data, told, changes } = changing()
  t.equal(changes.remove('products', 'prod_cup'), true)
  t.equal(changes.remove('products', 'prod_cup'), false)
  t.equal(data.products.has('prod_cup'), false)
  t.strictSame(told, [])
})

tap.test('throws where there is no such record, or one already', async (t) => {
  const { told, changes } = changing()
  t.throws(() => changes.patch('inventory', 'nowhere', {}), { message: 'There is no inventory nowhere' })
  const cup = newProduct('prod_cup', 'CUP', 'Cup', [])
  t.throws(() => changes.add('products', cup), { message: 'There is a product prod_cup already' })
  t.strictSame(told, [])
})

tap.test('tells nothing of a resource whose first copy is not finished', async (t) => {
  const { data, told, changes } = changing()
  data.connection.historical_sync_completed['get_products'] = false
  changes.patch('products', 'prod_cup', { name: 'Mug' })
  changes.add('products', { id: 'bare' })
  t.strictSame(told, [])
  changes.patch('warehouses', 'wh_oslo', { name: 'Oslo' })
  t.match(told, [['warehouse.updated', 'wh_oslo', { name: 'Oslo harbour' }]])
})

tap.test('tells nothing of a change that was refused', async (t) => {
  const { told, changes } = changing()
  const refuse = () => {
    throw new Error('no')
  }
  t.throws(() => changes.update('inventory', 'inv_cup', refuse), { message: 'no' })
  t.strictSame(told, [])
})
