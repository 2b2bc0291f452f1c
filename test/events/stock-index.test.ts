import tap from 'tap'
import { itemsInView, StockIndex, stockInView } from '../../src/events/stock-index.js'
import { item, kit, quantities, reference } from '../stock/fixtures.js'
import { simple, viewOf } from '../stock/view.js'

const summaries = (changes: ReturnType<StockIndex['update']>) =>
  changes.map(({ productId, sku, available, previousAvailable }) => [productId, sku, previousAvailable, available])

/** An index of every product in the view. */
function indexOf(view: ReturnType<typeof viewOf>) {
  const index = new StockIndex(view)
  for (const id of view.productIds()) index.update(id)
  return index
}

tap.test('computes the stock of a product from the view', async (t) => {
  const tea = item('tea', {
    fulfillable: 5,
    inventory_by_warehouse_id: { w: { fulfillable: 3 }, x: { fulfillable: 2 } },
  })
  const view = viewOf([simple('tea', { inventory_items: [reference('tea'), reference('nowhere')] })], [tea])
  t.strictSame([...itemsInView(view, simple('tea')).keys()], ['tea'])
  t.match(stockInView(view, simple('tea', { inventory_items: [reference('tea'), reference('nowhere')] })), {
    sku: 'TEA',
    available: 5,
    issues: [{ code: 'inventory_item_missing' }],
  })
  const inWarehouse = indexOf(view).orderIn({ warehouseIds: ['w'] })
  t.match(inWarehouse.quantitiesOf('tea'), { fulfillable: 3 })
  t.equal(inWarehouse.quantitiesOf('coffee'), undefined)
})

tap.test('returns what was available before, null for a new product', async (t) => {
  const view = viewOf([simple('a', { name: 'Tea', warehouse_customer_id: 'cust' })], [item('a', { fulfillable: 5 })])
  const index = new StockIndex(view)
  t.equal(index.get('a'), undefined)
  t.match(index.update('a'), [
    {
      productId: 'a',
      sku: 'A',
      name: 'Tea',
      warehouseCustomerId: 'cust',
      available: 5,
      quantities: quantities({ fulfillable: 5 }),
      previousAvailable: null,
    },
  ])
  view.items.set('a', item('a', { fulfillable: 2 }))
  t.strictSame(summaries(index.update('a')), [['a', 'A', 5, 2]])
  t.match(index.get('a'), { available: 2 })
  t.equal(index.size, 1)
  t.strictSame(
    Array.from(index.entries(), ({ sku }) => sku),
    ['A'],
  )
})

tap.test('returns nothing if the stock is unchanged', async (t) => {
  const view = viewOf([simple('a')], [item('a', { fulfillable: 5, onhand: 6 })])
  const index = indexOf(view)
  t.strictSame(index.update('a'), [])
  view.items.set('a', item('a', { fulfillable: 5, onhand: 6, name: 'renamed' }))
  view.products.set('a', simple('a', { name: 'renamed' }))
  t.strictSame(index.update('a'), [])
  t.equal(index.get('a')?.name, 'renamed', 'but stores the new name')
})

tap.test('returns a change of any quantity, not only of what is available', async (t) => {
  for (const field of ['onhand', 'committed', 'unfulfillable', 'fulfillable', 'sellable', 'awaiting'] as const) {
    const stated = { onhand: 9, committed: 1, unfulfillable: 1, fulfillable: 7, sellable: 7, awaiting: 0 }
    const view = viewOf([simple('a')], [item('a', stated)])
    const index = indexOf(view)
    view.items.set('a', item('a', { ...stated, [field]: 8 }))
    t.match(index.update('a'), [{ previousAvailable: 7, quantities: { [field]: 8 } }], field)
  }
})

tap.test('counts a negative stock as 0 available, and returns its changes', async (t) => {
  const view = viewOf([simple('a')], [item('a', { fulfillable: -2 })])
  const index = indexOf(view)
  view.items.set('a', item('a', { fulfillable: -5 }))
  t.match(index.update('a'), [{ available: 0, previousAvailable: 0, quantities: { fulfillable: -5 } }])
})

tap.test('computes a kit from its components', async (t) => {
  const box = { ...kit(reference('cup', 'CUP', 4), reference('tray', 'TRAY')), id: 'box', sku: 'BOX' }
  const view = viewOf([box], [item('cup', { fulfillable: 9 }), item('tray', { fulfillable: 5 })])
  const index = indexOf(view)
  view.items.set('cup', item('cup', { fulfillable: 8 }))
  t.strictSame(index.update('box'), [], 'still two')
  view.items.set('cup', item('cup', { fulfillable: 7 }))
  t.strictSame(summaries(index.update('box')), [['box', 'BOX', 2, 1]])
})

tap.test('removes a deleted product', async (t) => {
  const view = viewOf(
    [simple('a'), simple('b'), simple('c')],
    [item('a', { fulfillable: 5 }), item('b', { onhand: 2 })],
  )
  const index = indexOf(view)
  view.products.clear()
  t.match(index.update('a'), [
    { sku: 'A', available: 0, previousAvailable: 5, quantities: { onhand: 0, fulfillable: 0, committed: null } },
  ])
  t.strictSame(summaries(index.update('b')), [['b', 'B', 0, 0]], 'none available, but some on hand')
  t.strictSame(summaries(index.update('c')), [], 'no stock at all')
  t.strictSame(index.update('a'), [], 'reported once')
  t.equal(index.size, 0)
})

tap.test('omits products without a SKU', async (t) => {
  const view = viewOf(
    [simple('a', { sku: '' }), simple('b', { sku: null }), { id: 'c' }],
    [item('a', { fulfillable: 5 }), item('b', { fulfillable: 5 })],
  )
  const index = new StockIndex(view)
  for (const id of ['a', 'b', 'c']) t.strictSame(index.update(id), [])
  t.equal(index.size, 0)
})

tap.test('a changed SKU is a removal under the old one and an addition under the new one', async (t) => {
  const view = viewOf([simple('a')], [item('a', { fulfillable: 5 })])
  const index = indexOf(view)
  view.products.set('a', simple('a', { sku: 'NEW' }))
  t.strictSame(summaries(index.update('a')), [
    ['a', 'A', 5, 0],
    ['a', 'NEW', null, 5],
  ])
  view.products.set('a', simple('a', { sku: null }))
  t.strictSame(summaries(index.update('a')), [['a', 'NEW', 5, 0]])
})

tap.test('omits an inactive product whose SKU selects an active one', async (t) => {
  const old = simple('old', { sku: 'CHAI', active: false })
  const chai = simple('chai', { sku: 'CHAI', active: true })
  const view = viewOf([old, chai], [item('old', { fulfillable: 3 }), item('chai', { fulfillable: 21 })])
  const index = indexOf(view)
  t.strictSame(
    Array.from(index.entries(), ({ productId }) => productId),
    ['chai'],
  )
  view.items.set('old', item('old', { fulfillable: 2 }))
  t.strictSame(index.update('old'), [])
  view.products.set('chai', { ...chai, active: false })
  t.strictSame([index.skusOf('chai'), index.idsOf('CHAI').toSorted()], [['CHAI'], ['chai', 'old']])
  t.strictSame(index.update('old'), [], 'the SKU is ambiguous now')
  view.products.delete('old')
  t.strictSame([index.skusOf('old'), index.idsOf('CHAI')], [['CHAI'], ['chai']], 'of a deleted product')
})

tap.test('keeps products of several merchants, but no ambiguous ones of one merchant', async (t) => {
  const of = (id: string, merchant: string | null) =>
    simple(id, { sku: 'X', active: true, warehouse_customer_id: merchant })
  const view = viewOf([of('a', 'm1'), of('b', 'm2'), of('c', 'm2'), of('d', null)], [])
  t.strictSame(
    Array.from(indexOf(view).entries(), ({ productId }) => productId),
    ['a', 'd'],
  )
})

tap.test('regression: a move between warehouses was no change', async (t) => {
  const breakdown = (w: number, x: number) => ({ w: { fulfillable: w }, x: { fulfillable: x } })
  const view = viewOf([simple('a')], [item('a', { fulfillable: 5, inventory_by_warehouse_id: breakdown(3, 2) })])
  const index = indexOf(view)
  view.items.set('a', item('a', { fulfillable: 5, inventory_by_warehouse_id: breakdown(1, 4) }))
  t.strictSame(summaries(index.update('a')), [['a', 'A', 5, 5]])
  view.items.set('a', item('a', { fulfillable: 5, inventory_by_warehouse_id: { y: { fulfillable: 5 } } }))
  t.strictSame(summaries(index.update('a')), [['a', 'A', 5, 5]], 'a move to another one')
  t.strictSame(index.update('a'), [])
})

tap.test('a changed merchant is a removal for the old one and an addition for the new one', async (t) => {
  const view = viewOf([simple('a', { warehouse_customer_id: 'm1' })], [item('a', { fulfillable: 5 })])
  const index = indexOf(view)
  view.products.set('a', simple('a', { warehouse_customer_id: 'm2' }))
  t.match(index.update('a'), [
    { warehouseCustomerId: 'm1', available: 0, previousAvailable: 5 },
    { warehouseCustomerId: 'm2', available: 5, previousAvailable: null },
  ])
})
