import fc from 'fast-check'
import tap from 'tap'
import { StockIndex } from '../../src/events/stock-index.js'
import { compareStock } from '../../src/events/stock-order.js'
import { runToEnd } from '../../src/steps.js'
import { compose, item } from '../stock/fixtures.js'
import { simple, viewOf } from '../stock/view.js'

const stockOf = (units: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(units).map(([id, fulfillable]) => [id, { fulfillable }]))

/** An index of `count` plain products, and how many times their stock has been computed. */
function manyProducts(count: number) {
  const ids = Array.from({ length: count }, (_, n) => `p${n}`)
  const view = viewOf(
    ids.map((id) => simple(id, { sku: id })),
    ids.map((id, n) => item(id, { inventory_by_warehouse_id: stockOf({ w: n, x: 1 }) })),
  )
  const index = new StockIndex(view)
  for (const id of view.productIds()) index.update(id)
  const { product } = view
  const counted = { computed: 0 }
  view.product = (id) => {
    counted.computed++
    return product(id)
  }
  return { view, index, counted }
}

tap.test('is what sorting gives, after any changes of stock, products and merchants', async () => {
  const stock = fc.option(fc.record({ w: fc.integer({ min: -2, max: 4 }), x: fc.integer({ min: -2, max: 4 }) }))
  const merchant = fc.constantFrom(null, 'm1', 'm2')
  const change = fc.record({ id: fc.nat({ max: 12 }).map((n) => `p${n}`), stock, merchant, isAsked: fc.boolean() })
  const selected = fc.subarray(['w', 'x', 'n'], { minLength: 1 })
  const selection = fc.record({ warehouseIds: selected, warehouseCustomerId: fc.constantFrom(undefined, 'm1') })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), selection, (changes, asked) => {
      const view = viewOf([], [])
      const index = new StockIndex(view)
      const now = () => runToEnd(index.orderIn(asked).current()).entries()
      for (const { id, stock: units, merchant: warehouse_customer_id, isAsked } of changes) {
        if (units === null) view.products.delete(id)
        else view.products.set(id, simple(id, { sku: id, warehouse_customer_id }))
        view.items.set(id, item(id, { inventory_by_warehouse_id: stockOf(units ?? {}) }))
        index.update(id)
        if (isAsked) now()
      }
      const expected = Array.from(view.products.values())
        .filter((product) => [undefined, product.warehouse_customer_id].includes(asked.warehouseCustomerId))
        .map((product) => ({
          productId: String(product.id),
          available: compose(product, Array.from(view.items.values()), asked).available,
        }))
        .sort(compareStock)
      return (
        JSON.stringify(now().map(({ productId, available }) => ({ productId, available }))) === JSON.stringify(expected)
      )
    }),
  )
})

tap.test('computes each product once for requests at the same time, and then only what has changed', async (t) => {
  const { view, index, counted } = manyProducts(200)
  const selection = { warehouseIds: ['w', 'x'] }
  const requests = Array.from({ length: 60 }, () => index.orderIn(selection).current())
  while (requests.some((steps) => !steps.next().done));
  t.ok(counted.computed < 220, `computed ${counted.computed}`)
  const before = counted.computed
  view.items.set('p7', item('p7', { inventory_by_warehouse_id: stockOf({ w: 900 }) }))
  index.update('p7')
  const computedByIndex = counted.computed - before
  t.equal(
    runToEnd(index.orderIn({ warehouseIds: ['x', 'w', 'w'] }).current())
      .entries()
      .at(-1)?.productId,
    'p7',
  )
  t.equal(counted.computed - before - computedByIndex, 1)
})

tap.test('goes on where a request stopped whose caller left', async (t) => {
  const { index, counted } = manyProducts(50)
  const abandoned = index.orderIn({ warehouseIds: ['w'] }).current()
  for (let n = 0; n < 30; n++) abandoned.next()
  abandoned.return(undefined as never)
  t.equal(runToEnd(index.orderIn({ warehouseIds: ['w'] }).current()).size, 50)
  t.equal(counted.computed, 50)
})

tap.test('forgets the selections that were asked for longest ago', async (t) => {
  const { index, counted } = manyProducts(10)
  const ask = (warehouse: string) => runToEnd(index.orderIn({ warehouseIds: [warehouse] }).current())
  for (let n = 0; n < 33; n++) ask(`w${n}`)
  counted.computed = 0
  ask('w32')
  ask('w1')
  t.equal(counted.computed, 0)
  ask('w0')
  t.equal(counted.computed, 10)
})
