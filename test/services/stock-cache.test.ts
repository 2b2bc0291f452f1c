import tap from 'tap'
import { StockCache, type StockSources } from '../../src/services/stock-cache.js'
import { composeStock } from '../../src/stock/compose.js'
import { item, reference } from '../stock/fixtures.js'

const product = { id: 'p', is_kit: false, inventory_items: [reference('i'), reference('j')] }
const sources: StockSources = {
  product,
  items: [item('i', { fulfillable: 3 }), undefined],
  warehouses: new Map(),
  connection: undefined,
  readAt: 5000,
  stale: false,
}
const stock = () =>
  composeStock({
    connection: 'default',
    sku: 'A',
    product,
    items: new Map(),
    warehouses: new Map(),
    asOf: '',
    stale: false,
    source: null,
  })

tap.test('returns the cached stock for the same sources', async (t) => {
  const kept = new StockCache(10)
  const first = kept.get('A', sources, stock)
  t.equal(kept.get('A', { ...sources, items: [...sources.items] }, stock), first)
  t.not(kept.get('B', sources, stock), first)
})

tap.test('composes the stock again if any source is another object, even an equal one', async (t) => {
  const changes: Partial<StockSources>[] = [
    { product: { ...product } },
    { items: [item('i', { fulfillable: 3 }), undefined] },
    { items: [sources.items[0], item('j', {})] },
    { items: [sources.items[0]] },
    { items: [...sources.items, undefined] },
    { warehouses: new Map() },
    { connection: { syncedAt: null, incomplete: [], errors: [] } },
    { readAt: 5001 },
    { stale: true },
  ]
  for (const change of changes) {
    const kept = new StockCache(10)
    const first = kept.get('A', sources, stock)
    const second = kept.get('A', { ...sources, ...change }, stock)
    t.not(second, first, Object.keys(change).join())
    t.equal(kept.get('A', { ...sources, ...change }, stock), second, 'the new one is cached')
  }
})

tap.test('evicts the least recently used stock', async (t) => {
  const kept = new StockCache(4)
  const first = kept.get('A', sources, stock)
  const second = kept.get('B', sources, stock)
  kept.get('A', sources, stock)
  kept.get('C', sources, stock)
  t.equal(kept.get('A', sources, stock), first)
  t.not(kept.get('B', sources, stock), second)
})
