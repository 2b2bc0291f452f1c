import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import tap from 'tap'
import { StockIndex } from '../../src/events/stock-index.js'
import { fromCursor, type LowStockQuery, listLowStock, toCursor } from '../../src/services/low-stock.js'
import { runToEnd, type Steps } from '../../src/steps.js'
import { anyText } from '../odd-texts.js'
import { compose, item, kit, reference } from '../stock/fixtures.js'
import { simple, viewOf } from '../stock/view.js'

/** An index of plain products with these available quantities, by id. */
function stockOf(units: Readonly<Record<string, number>>) {
  const entries = Object.entries(units)
  const view = viewOf(
    entries.map(([id]) => simple(id, { sku: id })),
    entries.map(([id, fulfillable]) => item(id, { fulfillable })),
  )
  return { view, ...indexOf(view) }
}

function indexOf(view: ReturnType<typeof viewOf>) {
  const index = new StockIndex(view)
  for (const id of view.productIds()) index.update(id)
  const steps = (query: Partial<LowStockQuery>) => listLowStock(index, { below: 10, limit: 100, ...query })
  const ask = async (query: Partial<LowStockQuery>) => runToEnd(steps(query))
  const low = async (query: Partial<LowStockQuery>) =>
    (await ask(query)).entries.map(({ productId, available }) => [productId, available])
  return { index, ask, low, steps }
}

/** Runs the steps, and `other` at each interruption. */
function runInterrupted<T>(steps: Steps<T>, other: () => void): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
    other()
  }
}

tap.test('lists products below the threshold, lowest first', async (t) => {
  const { low } = stockOf({ a: 10, b: 9, c: 0, d: 3, e: -4, f: 11 })
  t.strictSame(await low({ below: 10 }), [
    ['c', 0],
    ['e', 0],
    ['d', 3],
    ['b', 9],
  ])
  t.strictSame(await low({ below: 0 }), [])
  t.strictSame(await low({ below: 0.5 }), [
    ['c', 0],
    ['e', 0],
  ])
})

tap.test('sorts ties by id and includes oversold quantities', async (t) => {
  const { ask } = stockOf({ b: -1, B: 0, a: -7, é: 0, _: 0 })
  const { entries } = await ask({})
  t.strictSame(
    entries.map(({ productId }) => productId),
    ['B', '_', 'a', 'b', 'é'],
  )
  t.equal(entries[2]?.quantities.fulfillable, -7)
})

tap.test('returns a page and the cursor for the next one', async (t) => {
  const { ask } = stockOf({ a: 1, b: 1, c: 2, d: 3 })
  const first = await ask({ limit: 2 })
  t.strictSame(first.next, { available: 1, productId: 'b' })
  const second = await ask({ limit: 2, after: first.next })
  t.strictSame(
    second.entries.map(({ productId }) => productId),
    ['c', 'd'],
  )
  t.equal(second.next, undefined, 'the last page has no cursor')
  t.strictSame((await ask({ after: { available: 3, productId: 'd' } })).entries, [])
  t.strictSame((await ask({ below: 2, after: { available: 0, productId: 'zz' } })).entries.length, 2)
})

tap.test('lists the products of one merchant', async (t) => {
  const view = viewOf(
    [
      simple('a', { warehouse_customer_id: 'm1' }),
      simple('b', { warehouse_customer_id: 'm2' }),
      simple('c', { warehouse_customer_id: null }),
    ],
    [],
  )
  const { low } = indexOf(view)
  t.strictSame(await low({ warehouseCustomerId: 'm2' }), [['b', 0]])
  t.strictSame(await low({ warehouseCustomerId: 'nobody' }), [])
  t.equal((await low({})).length, 3)
})

tap.test('adds up the selected warehouses before it computes a kit', async (t) => {
  const quantities = (x: number, y: number, z: number) => ({
    fulfillable: x + y + z,
    inventory_by_warehouse_id: { x: { fulfillable: x }, y: { fulfillable: y }, z: { fulfillable: z } },
  })
  const set = { ...kit(reference('cup', 'CUP', 4), reference('tray', 'TRAY')), id: 'set', sku: 'SET' }
  const view = viewOf([set, simple('cup')], [item('cup', quantities(6, 2, 40)), item('tray', quantities(0, 9, 9))])
  const { ask, low } = indexOf(view)
  t.strictSame(
    await low({ below: 3, warehouseIds: ['x', 'y'] }),
    [['set', 2]],
    'neither warehouse alone could make two',
  )
  t.strictSame(await low({ warehouseIds: ['x'] }), [
    ['set', 0],
    ['cup', 6],
  ])
  t.match(await ask({ warehouseIds: ['x'] }), { entries: [{}, { quantities: { fulfillable: 6 } }] })
  t.strictSame(await low({ warehouseIds: ['nowhere'] }), [
    ['cup', 0],
    ['set', 0],
  ])
  t.strictSame(await low({ warehouseIds: [] }), [], 'without a selection: 18 sets and 48 cups')
})

tap.test('computes no product for a page, unless warehouses are selected', async (t) => {
  const { view, steps } = stockOf(Object.fromEntries(Array.from({ length: 2100 }, (_, n) => [`p${n}`, n])))
  let looks = 0
  const { product } = view
  view.product = (id) => {
    looks++
    return product(id)
  }
  t.equal(runToEnd(steps({ below: 1e9, limit: 10, after: { available: 999, productId: 'p999' } })).entries.length, 10)
  t.equal(looks, 0)
  t.ok(Array.from(steps({ warehouseIds: ['w'] })).length >= 2100, 'and can be interrupted then')
})

tap.test('finds the lowest of many products', async (t) => {
  const units = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`p${n}`, 5000 - n]))
  const { low, ask } = stockOf(units)
  t.strictSame(await low({ below: 9999, limit: 3 }), [
    ['p4999', 1],
    ['p4998', 2],
    ['p4997', 3],
  ])
  t.strictSame((await ask({ below: 9999, limit: 3 })).next, { available: 3, productId: 'p4997' })
})

tap.test('lists a product once that is removed and added again during a scan of selected warehouses', async (t) => {
  const { view, index, steps } = stockOf(Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`p${n}`, n])))
  const page = runInterrupted(steps({ below: 5, limit: 5, warehouseIds: ['w'] }), () => {
    const first = view.products.get('p1')
    view.products.delete('p1')
    index.update('p1')
    if (first) view.products.set('p1', first)
    index.update('p1')
  })
  t.strictSame(
    page.entries.map(({ productId }) => productId),
    ['p0', 'p1', 'p10', 'p100', 'p101'],
  )
})

tap.test('omits a product that is removed during a scan of selected warehouses', async (t) => {
  const { view, steps } = stockOf(Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`p${n}`, n])))
  const page = runInterrupted(
    steps({ below: 1e9, limit: 1000, warehouseIds: ['w'] }),
    () => void view.products.delete('p599'),
  )
  t.equal(page.entries.length, 599)
})

tap.test('pages list each unchanged product once and in order while others change', async () => {
  const units = fc.array(fc.integer({ min: -2, max: 6 }), { minLength: 1, maxLength: 30 })
  const moves = fc.array(fc.array(fc.tuple(fc.nat({ max: 29 }), fc.integer({ min: -2, max: 8 })), { maxLength: 6 }), {
    maxLength: 12,
  })
  await fc.assert(
    fc.asyncProperty(units, moves, fc.integer({ min: 1, max: 7 }), async (counts, rounds, limit) => {
      const { view, index, ask } = stockOf(Object.fromEntries(counts.map((count, n) => [`p${n}`, count])))
      const moved = new Set<string>()
      const seen: { available: number; productId: string }[] = []
      let after: LowStockQuery['after']
      for (let round = 0; ; round++) {
        const page = await ask({ below: 5, limit, after })
        if (page.entries.length > limit) return false
        seen.push(...page.entries)
        if (page.next === undefined) break
        after = fromCursor(toCursor(page.next))
        for (const [n, fulfillable] of rounds[round] ?? []) {
          const id = `p${n}`
          if (!view.items.has(id)) continue
          view.items.set(id, item(id, { fulfillable }))
          index.update(id)
          moved.add(id)
        }
      }
      const listed = seen.map(({ productId }) => productId)
      const expected = counts.flatMap((count, n) => (count < 5 && !moved.has(`p${n}`) ? [`p${n}`] : []))
      const isSorted = seen.every((entry, n) => n === 0 || (seen[n - 1]?.available ?? 0) <= entry.available)
      return isSorted && expected.every((id) => listed.filter((other) => other === id).length === 1)
    }),
  )
})

tap.test('round-trips a cursor and rejects anything else', async (t) => {
  fc.assert(
    fc.property(fc.integer(), anyText({ maxLength: 255 }), (available, productId) => {
      const position = { available, productId }
      const cursor = toCursor(position)
      t.match(cursor, /^[\w-]+$/)
      return JSON.stringify(fromCursor(cursor)) === JSON.stringify(position)
    }),
    { numRuns: 50 },
  )
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const wrong = [
    '',
    '!',
    'WzAs',
    encoded(7),
    encoded(null),
    encoded({}),
    encoded([]),
    encoded(['1', 'a']),
    encoded([1]),
  ]
  for (const cursor of wrong) t.equal(fromCursor(cursor), undefined, cursor)
})

tap.test('counts the quantities of the stock over the selected warehouses', async () => {
  const numbers = fc.record(
    {
      onhand: fc.integer({ min: -5, max: 20 }),
      fulfillable: fc.oneof(fc.integer({ min: -5, max: 20 }), fc.constant(2.5)),
    },
    { requiredKeys: [] },
  )
  const places = fc.dictionary(fc.constantFrom('x', 'y', 'z'), numbers)
  const units = fc.constantFrom(1, 2, 3)
  const selected = fc.subarray(['x', 'y', 'n'], { minLength: 1 })
  fc.assert(
    fc.property(places, places, units, fc.boolean(), selected, (cup, tray, n, isKit, warehouseIds) => {
      const set = {
        ...kit(reference('cup', 'CUP', n), reference('tray', 'TRAY')),
        id: 'set',
        sku: 'SET',
        is_kit: isKit,
      }
      const items = [item('cup', { inventory_by_warehouse_id: cup }), item('tray', { inventory_by_warehouse_id: tray })]
      const { steps } = indexOf(viewOf([set], items))
      const [entry] = runToEnd(steps({ below: 1e9, warehouseIds })).entries
      return isDeepStrictEqual(entry?.quantities, compose(set, items, { warehouseIds }).quantities)
    }),
  )
})
