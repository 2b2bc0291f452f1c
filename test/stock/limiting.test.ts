import t from 'tap'
import type { Product } from '../../src/records/product.js'
import { resolveComponents } from '../../src/stock/components.js'
import { noAmounts } from '../../src/stock/quantities.js'
import { findLimiting } from '../../src/stock/yields.js'
import { kit, reference } from './fixtures.js'

const limiting = (product: Product, fulfillable: Record<string, number>) =>
  findLimiting(resolveComponents(product, new Map()).groups, (id) => ({
    ...noAmounts,
    fulfillable: fulfillable[id] ?? 0,
  }))

t.test('names the scarcest component, its items and what it lacks', async (t) => {
  const product = kit(reference('tent'), reference('pole_1', 'POLE', 4), reference('pole_2', 'POLE', 4))
  t.strictSame(limiting(product, { tent: 9, pole_1: 5, pole_2: 6 }), {
    component_sku: 'POLE',
    inventory_item_ids: ['pole_1', 'pole_2'],
    yield: 2,
    shortfall: 1,
  })
  t.match(limiting(product, { tent: 2, pole_1: 50 }), { component_sku: null, yield: 2, shortfall: 1 })
})

t.test('names the first of equally scarce components', async (t) => {
  const product = kit(reference('a', 'A', 2), reference('b', 'B', 3))
  t.match(limiting(product, { a: 3, b: 4 }), { component_sku: 'A', yield: 1, shortfall: 1 })
  t.match(limiting(product, { a: 5, b: 8 }), { component_sku: 'A', yield: 2 })
  t.match(limiting(product, { a: 6, b: 8 }), { component_sku: 'B', yield: 2, shortfall: 1 })
})

t.test('lifts what is oversold to 1', async (t) => {
  t.match(limiting(kit(reference('a', 'A', 2)), { a: -7 }), { yield: -4, shortfall: 9 })
  t.match(limiting(kit(reference('a', 'A', 2)), {}), { yield: 0, shortfall: 2 })
})

t.test('asks for whole units', async (t) => {
  t.match(limiting(kit(reference('a', 'A', 0.3)), { a: 0.1 }), { yield: 0, shortfall: 1 })
  t.match(limiting(kit(reference('a', 'A', 2.5)), { a: 2 }), { yield: 0, shortfall: 1 })
  t.match(limiting(kit(reference('a', 'A', 2.5)), { a: 2.5 }), { yield: 1, shortfall: 3 })
})

t.test('counts the shortfall in the item of which fewest are needed', async (t) => {
  const product = kit(reference('big', 'A', 3), reference('small', 'A', 2))
  t.match(limiting(product, { big: 1, small: 1 }), { yield: 0, shortfall: 1 })
  t.match(limiting(product, { big: 1 }), { yield: 0, shortfall: 2 })
  t.match(limiting(product, { big: 3, small: 2 }), { yield: 2, shortfall: 2 })
})

t.test('finds none where there is no group', async (t) => {
  t.equal(limiting(kit(), {}), null)
  t.equal(limiting(kit(reference('a', 'A', 0)), { a: 9 }), null)
})
