import fc from 'fast-check'
import tap from 'tap'
import type { StockIndexEntry } from '../../src/events/stock-index.js'
import { compareStock, StockOrder } from '../../src/events/stock-order.js'
import { change } from '../stock/view.js'

const entry = (n: number, available: number): StockIndexEntry => ({
  ...change('SKU', available),
  productId: `p${n}`,
  warehousesHash: 0,
})

const areSame = (a: readonly StockIndexEntry[], b: readonly StockIndexEntry[]) =>
  a.length === b.length && a.every((one, index) => one === b[index])

tap.test('is what sorting gives, after any changes and from any position', async () => {
  const moves = fc.array(fc.tuple(fc.nat({ max: 60 }), fc.option(fc.integer({ min: 0, max: 5 }))), { maxLength: 300 })
  const productId = fc.nat({ max: 60 }).map((n) => `p${n}`)
  const position = fc.record({ available: fc.integer({ min: -1, max: 6 }), productId })
  fc.assert(
    fc.property(moves, fc.option(position, { nil: undefined }), (changes, after) => {
      const order = new StockOrder()
      const byId = new Map<string, StockIndexEntry>()
      for (const [n, available] of changes) {
        const before = byId.get(`p${n}`)
        if (before) order.delete(before)
        byId.delete(`p${n}`)
        if (available === null) continue
        const now = entry(n, available)
        order.add(now)
        byId.set(now.productId, now)
      }
      const sorted = Array.from(byId.values()).sort(compareStock)
      const behind = sorted.filter((one) => after === undefined || compareStock(one, after) > 0)
      const isRight = areSame(order.entries(), sorted) && areSame(Array.from(order.after(after)), behind)
      return isRight && order.size === byId.size
    }),
  )
})

tap.test('keeps many entries in order, added and removed in any order', async (t) => {
  const order = new StockOrder()
  const count = 5000
  // A factor that is prime to the count visits every number once.
  const nth = (n: number, factor: number) => entry((n * factor) % count, ((n * factor) % count) % 97)
  for (let n = 0; n < count; n++) order.add(nth(n, 1237))
  t.equal(order.size, count)
  t.ok(areSame(order.entries(), order.entries().toSorted(compareStock)))
  for (let n = 0; n < count; n += 2) order.delete(nth(n, 2503))
  order.delete({ available: 1, productId: 'unknown' })
  t.equal(order.size, count / 2)
  t.ok(areSame(order.entries(), order.entries().toSorted(compareStock)))
  for (const one of order.entries()) order.delete(one)
  t.strictSame([order.size, order.entries()], [0, []])
})
