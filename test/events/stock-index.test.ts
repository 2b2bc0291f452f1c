import tap from 'tap'
import { itemsInView, StockIndex, stockInView } from '../../src/events/stock-index.js'
import { item, kit, quantities, reference } from '../stock/fixtures.js'
import { simple, viewOf } from '../stock/view.js'

const told = (changes: ReturnType<StockIndex['update']>) =>
  changes.map(({ productId, sku, available, previousAvailable }) => [productId, sku, previousAvailable, available])

/** A board that knows all of the view. */
function boardOf(view: ReturnType<typeof viewOf>) {
  const board = new StockIndex(view)
  for (const id of view.productIds()) board.update(id)
  return board
}

tap.test('works out the stock of a product from the view', async (t) => {
  const tea = item('tea', {
    fulfillable: 5,
    inventory_by_warehouse_id: { w: { fulfillable: 3 }, x: { fulfillable: 2 } },
  })
  const view = viewOf([simple('tea', { inventory_items: [reference('tea'), reference('nowhere')] })], [tea])
  t.strictSame([...itemsInView(view, simple('tea')).keys()], ['tea'])
  t.match(stockInView(view, 'tea'), { sku: 'TEA', available: 5, issues: [{ code: 'inventory_item_missing' }] })
  t.match(stockInView(view, 'tea', ['w']), { available: 3 })
  t.equal(stockInView(view, 'coffee'), undefined)
})

tap.test('says what was available before, and null of what is new', async (t) => {
  const view = viewOf([simple('a', { name: 'Tea', warehouse_customer_id: 'cust' })], [item('a', { fulfillable: 5 })])
  const board = new StockIndex(view)
  t.equal(board.get('a'), undefined)
  t.strictSame(board.update('a'), [
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
  t.strictSame(told(board.update('a')), [['a', 'A', 5, 2]])
  t.match(board.get('a'), { available: 2 })
  t.equal(board.size, 1)
  t.strictSame(
    Array.from(board.entries(), ({ sku }) => sku),
    ['A'],
  )
})

tap.test('says nothing where the stock is what it was', async (t) => {
  const view = viewOf([simple('a')], [item('a', { fulfillable: 5, onhand: 6 })])
  const board = boardOf(view)
  t.strictSame(board.update('a'), [])
  view.items.set('a', item('a', { fulfillable: 5, onhand: 6, name: 'renamed' }))
  view.products.set('a', simple('a', { name: 'renamed' }))
  t.strictSame(board.update('a'), [])
  t.equal(board.get('a')?.name, 'renamed', 'but knows the new name')
})

tap.test('tells of every quantity, not only of what is available', async (t) => {
  for (const field of ['onhand', 'committed', 'unfulfillable', 'fulfillable', 'sellable', 'awaiting'] as const) {
    const stated = { onhand: 9, committed: 1, unfulfillable: 1, fulfillable: 7, sellable: 7, awaiting: 0 }
    const view = viewOf([simple('a')], [item('a', stated)])
    const board = boardOf(view)
    view.items.set('a', item('a', { ...stated, [field]: 8 }))
    t.match(board.update('a'), [{ previousAvailable: 7, quantities: { [field]: 8 } }], field)
  }
})

tap.test('counts a debt as nothing available, and tells when it grows', async (t) => {
  const view = viewOf([simple('a')], [item('a', { fulfillable: -2 })])
  const board = boardOf(view)
  view.items.set('a', item('a', { fulfillable: -5 }))
  t.match(board.update('a'), [{ available: 0, previousAvailable: 0, quantities: { fulfillable: -5 } }])
})

tap.test('works out a kit from its components', async (t) => {
  const box = { ...kit(reference('cup', 'CUP', 4), reference('tray', 'TRAY')), id: 'box', sku: 'BOX' }
  const view = viewOf([box], [item('cup', { fulfillable: 9 }), item('tray', { fulfillable: 5 })])
  const board = boardOf(view)
  view.items.set('cup', item('cup', { fulfillable: 8 }))
  t.strictSame(board.update('box'), [], 'two still')
  view.items.set('cup', item('cup', { fulfillable: 7 }))
  t.strictSame(told(board.update('box')), [['box', 'BOX', 2, 1]])
})

tap.test('leaves nothing of a product that is gone', async (t) => {
  const view = viewOf(
    [simple('a'), simple('b'), simple('c')],
    [item('a', { fulfillable: 5 }), item('b', { onhand: 2 })],
  )
  const board = boardOf(view)
  view.products.clear()
  t.match(board.update('a'), [
    { sku: 'A', available: 0, previousAvailable: 5, quantities: { onhand: 0, fulfillable: 0, committed: null } },
  ])
  t.strictSame(told(board.update('b')), [['b', 'B', 0, 0]], 'of which none was available, but some on hand')
  t.strictSame(told(board.update('c')), [], 'of which there was none at all')
  t.strictSame(board.update('a'), [], 'once is enough')
  t.equal(board.size, 0)
})

tap.test('keeps no product without a SKU', async (t) => {
  const view = viewOf(
    [simple('a', { sku: '' }), simple('b', { sku: null }), { id: 'c' }],
    [item('a', { fulfillable: 5 }), item('b', { fulfillable: 5 })],
  )
  const board = new StockIndex(view)
  for (const id of ['a', 'b', 'c']) t.strictSame(board.update(id), [])
  t.equal(board.size, 0)
})

tap.test('tells the readers of the old SKU of a product that has another one now', async (t) => {
  const view = viewOf([simple('a')], [item('a', { fulfillable: 5 })])
  const board = boardOf(view)
  view.products.set('a', simple('a', { sku: 'NEW' }))
  t.strictSame(told(board.update('a')), [
    ['a', 'A', 5, 0],
    ['a', 'NEW', null, 5],
  ])
  view.products.set('a', simple('a', { sku: null }))
  t.strictSame(told(board.update('a')), [['a', 'NEW', 5, 0]])
})

tap.test('takes no old product of a SKU for the one that is active', async (t) => {
  const old = simple('old', { sku: 'CHAI', active: false })
  const chai = simple('chai', { sku: 'CHAI', active: true })
  const view = viewOf([old, chai], [item('old', { fulfillable: 3 }), item('chai', { fulfillable: 21 })])
  const board = boardOf(view)
  t.strictSame(
    Array.from(board.entries(), ({ productId }) => productId),
    ['chai'],
  )
  view.items.set('old', item('old', { fulfillable: 2 }))
  t.strictSame(board.update('old'), [])
  view.products.set('chai', { ...chai, active: false })
  t.strictSame(board.idsSharingSku('chai').toSorted(), ['chai', 'old'])
  t.strictSame(told(board.update('old')), [['old', 'CHAI', null, 2]], 'nobody can say which any more')
  view.products.delete('old')
  t.strictSame(board.idsSharingSku('old'), ['chai'], 'of a product that is gone')
})

tap.test('keeps the products of several merchants, and those of one that nobody can tell apart', async (t) => {
  const of = (id: string, merchant: string | null) =>
    simple(id, { sku: 'X', active: true, warehouse_customer_id: merchant })
  const view = viewOf([of('a', 'm1'), of('b', 'm2'), of('c', 'm2'), of('d', null)], [])
  t.equal(boardOf(view).size, 4)
})
