import tap from 'tap'
import type { CacheEntry } from '../../src/cache/freshness.js'
import { createEntryStore, RecordCache } from '../../src/cache/record-cache.js'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'

const policy = { ttlMs: 60_000, revalidateMs: 300_000, maxStaleMs: 1_000_000, negativeTtlMs: 30_000 }

function start(maxBytes = 1_000_000) {
  let now = 0
  const holdings = new RecordCache(maxBytes, policy, { now: () => now, elapsed: () => now })
  const undecided: string[] = []
  holdings.onUndecided((kind, id) => undecided.push(`${kind} ${id}`))
  const move = (to: number) => {
    now = to
  }
  return { holdings, undecided, move }
}

const at = (begunAt: number, readAt = begunAt) => ({ begunAt, readAt })
const item = (onhand: number, date?: string | null): InventoryItem => ({
  id: 'i',
  onhand,
  ...(date !== undefined && { trackstar_updated_date: date }),
})
const product = (id: string, fields: Partial<Product> = {}): Product => ({ id, sku: 'A', ...fields })

tap.test('holds a record with its times', async (t) => {
  const { holdings } = start()
  t.equal(holdings.find('item', 'i'), undefined)
  holdings.store('item', item(1), at(10, 20))
  const held = holdings.find('item', 'i')
  t.match(held, { value: { id: 'i', onhand: 1 }, begunAt: 10, readAt: 20 })
  t.ok(held && held.freshUntil <= 60_020 && held.freshUntil >= 54_020)
})

tap.test('keeps the newer of two copies whose reads overlapped', async (t) => {
  const { holdings } = start()
  holdings.store('item', item(2, '2026-01-02T00:00:00Z'), at(10, 20))
  t.equal(holdings.store('item', item(1, '2026-01-01T00:00:00Z'), at(20, 30)).value?.onhand, 2)
  t.equal(holdings.find('item', 'i')?.value?.onhand, 2)
  t.equal(holdings.store('item', item(4, '2026-01-03T00:00:00Z'), at(5, 30)).value?.onhand, 4)
})

tap.test('regression: of the same second, an older read undid what was there when it was begun', async (t) => {
  const { holdings } = start()
  const second = '2026-01-02T00:00:00Z'
  holdings.store('item', item(2, second), at(10, 20))
  t.equal(holdings.store('item', item(3, second), at(20, 30)).value?.onhand, 2)
  t.equal(holdings.find('item', 'i')?.value?.onhand, 2)
  t.equal(holdings.store('item', item(3, second), at(21, 30)).value?.onhand, 3, 'one that is begun later always wins')
})

tap.test('keeps what is cached, and has it read again, where the dates do not tell', async (t) => {
  const second = '2026-01-02T10:00:00Z'
  const pairs = [undefined, null, '', 'yesterday', 7].map((bad): [unknown, unknown] => [bad, bad])
  pairs.push([undefined, second], [second, 'yesterday'], [second, second], ['2026-01-02', second], [second, '20260102'])
  pairs.push([second, '2026-01-02T10:00:00.900Z'], [second, '2026-01-02T11:00:00+01'])
  for (const [cached, other] of pairs) {
    const { holdings, undecided } = start()
    const name = JSON.stringify([cached, other])
    holdings.store('item', item(2, cached as string), at(10, 20))
    t.equal(holdings.store('item', item(3, other as string), at(15, 30)).value?.onhand, 2, name)
    t.strictSame(undecided.splice(0), ['item i'], name)
    t.equal(holdings.store('item', item(3, other as string), at(21, 30)).value?.onhand, 3, 'a later read settles it')
    holdings.store('item', item(3, other as string), at(21, 30))
    t.strictSame(undecided, [], 'an equal copy leaves nothing open')
  }
  for (const [cached, other] of [
    [second, '2026-01-02T10:00:01Z'],
    ['2026-01-01', second],
    [second, '2026-01-03'],
  ] as const) {
    const { holdings, undecided } = start()
    holdings.store('item', item(2, cached), at(10, 20))
    t.equal(holdings.store('item', item(3, other), at(15, 30)).value?.onhand, 3, `${cached} ${other}`)
    t.equal(holdings.store('item', item(2, cached), at(15, 30)).value?.onhand, 3)
    t.strictSame(undecided, [])
  }
})

tap.test('remembers for more than a day that a record was removed', async (t) => {
  const { holdings, move } = start()
  t.equal(holdings.wasRemoved('item', 'i'), false)
  holdings.storeAbsence('item', 'i', at(5))
  t.equal(holdings.wasRemoved('item', 'i'), false, 'it was never there')
  holdings.store('item', item(1), at(10))
  holdings.storeAbsence('item', 'i', at(20))
  move(28 * 3600_000)
  t.equal(holdings.wasRemoved('item', 'i'), true)
  move(31 * 3600_000)
  t.equal(holdings.wasRemoved('item', 'i'), false)
  holdings.store('item', item(1), at(10))
  holdings.remove('item', 'i')
  holdings.store('item', item(1), at(20))
  t.equal(holdings.wasRemoved('item', 'i'), false, 'it is back')
})

tap.test('regression: a page that was being read brought a removed record back', async (t) => {
  const { holdings, undecided, move } = start()
  const second = '2026-01-02T00:00:00Z'
  move(30)
  holdings.store('item', item(1, second), at(5))
  holdings.store('product', product('p'), at(5))
  holdings.storeAbsence('item', 'i', at(20, 25))
  holdings.remove('product', 'p')
  holdings.storeAll('inventory', [item(1, second)], at(15, 40))
  t.equal(holdings.peek('item', 'i'), undefined)
  t.equal(holdings.storeSku('A', [product('p')], at(15, 40)).value, undefined)
  t.equal(holdings.findProducts('A')?.value, undefined)
  t.strictSame(undecided.splice(0), ['item i', 'product p'], 'they are read by their ids')
  holdings.storeAll('inventory', [item(1, second)], at(26, 40))
  t.match(holdings.peek('item', 'i'), { value: { onhand: 1 } }, 'a later read knows that it is back')
  holdings.storeAll('products', [product('p')], at(31, 40))
  t.equal(holdings.peek('product', 'p')?.value?.id, 'p')
  t.strictSame(undecided, [])
})

tap.test('regression: a lookup that was being read hid a product that was delivered meanwhile', async (t) => {
  const { holdings, move } = start()
  move(20)
  holdings.storeUnread('product', product('new'))
  t.equal(holdings.storeSku('A', [], at(15, 30)).value, undefined)
  t.equal(holdings.findProducts('A'), undefined, 'it has to be read')
  t.equal(holdings.storeSku('A', [product('old')], at(15, 30)).value?.length, 1)
  t.equal(holdings.findProducts('A'), undefined)
  holdings.storeSku('A', [product('old'), product('new')], at(21, 30))
  t.equal(holdings.findProducts('A')?.value?.length, 2)
})

tap.test('does not serve a record that was only delivered, but lets no older read undo it', async (t) => {
  const { holdings, move } = start()
  holdings.storeAbsence('item', 'i', at(0))
  move(20)
  holdings.storeUnread('item', item(2, '2026-01-02T00:00:00Z'))
  t.equal(holdings.find('item', 'i'), undefined, 'neither the record nor its absence')
  t.match(holdings.store('item', item(1, '2026-01-01T00:00:00Z'), at(10, 30)), { value: { onhand: 2 } })
  t.match(holdings.store('item', item(1, '2026-01-01T00:00:00Z'), at(21, 30)), { value: { onhand: 1 } })
  t.match(holdings.find('item', 'i'), { value: { onhand: 1 } })
  holdings.storeSku('A', [], at(0))
  holdings.storeUnread('product', product('p'))
  t.equal(holdings.findProducts('A'), undefined)
})

tap.test('takes a read that was begun after the held copy was there, whatever its date says', async (t) => {
  const { holdings } = start()
  holdings.store('item', item(2, '2999-01-01T00:00:00Z'), at(10, 20))
  t.equal(holdings.store('item', item(1, '2026-01-01T00:00:00Z'), at(21, 30)).value?.onhand, 1)
})

tap.test('holds all products of a SKU, each once', async (t) => {
  const { holdings } = start()
  const kept = holdings.storeSku('A', [product('p1'), product('p2'), product('p1')], at(10))
  t.strictSame(
    kept.value?.map(({ id }) => id),
    ['p1', 'p2'],
  )
  t.strictSame(
    holdings.findProducts('A')?.value?.map(({ id }) => id),
    ['p1', 'p2'],
  )
  t.equal(holdings.findProducts('B'), undefined)
})

tap.test('gives the newer copy of a product where the look-up by SKU brought an older one', async (t) => {
  const { holdings } = start()
  const newer = product('p1', { name: 'new', trackstar_updated_date: '2026-01-02' })
  holdings.storeAll('products', [newer], at(10, 30))
  const kept = holdings.storeSku(
    'A',
    [product('p1', { name: 'old', trackstar_updated_date: '2026-01-01' })],
    at(20, 40),
  )
  t.equal(kept.value?.[0]?.name, 'new')
  t.equal(holdings.findProducts('A')?.value?.[0]?.name, 'new')
})

tap.test('knows nothing of a SKU of which one product has gone', async (t) => {
  const { holdings } = start()
  holdings.storeSku('A', [product('p1'), product('p2')], at(10))
  holdings.storeAbsence('product', 'p2', at(11))
  t.equal(holdings.findProducts('A'), undefined)
})

tap.test('remembers absence for its own TTL', async (t) => {
  const { holdings, move } = start()
  t.equal(holdings.storeSku('A', [], at(0)).value, undefined)
  t.match(holdings.findProducts('A'), { value: undefined })
  move(30_000)
  t.equal(holdings.findProducts('A'), undefined)
  t.equal(holdings.state.absences.entries, 0)
})

tap.test('forgets that a SKU is absent as soon as a product of it appears, whichever way', async (t) => {
  const { holdings } = start()
  holdings.storeSku('A', [], at(0))
  holdings.storeAll('products', [product('p1'), product('p2', { sku: null })], at(1))
  t.equal(holdings.findProducts('A'), undefined)
  holdings.storeSku('A', [], at(2))
  holdings.storeSku('A', [product('p1')], at(3))
  t.equal(holdings.findProducts('A')?.value?.length, 1)
  t.equal(holdings.state.absences.entries, 0)
})

tap.test('lets absence take the place of a record, unless that was read after absence was asked for', async (t) => {
  const { holdings, move } = start()
  move(30)
  holdings.store('item', item(1), at(10, 20))
  holdings.storeAbsence('item', 'i', at(15, 25))
  t.equal(holdings.find('item', 'i')?.value?.onhand, 1)
  holdings.storeAbsence('item', 'i', at(21, 25))
  t.match(holdings.find('item', 'i'), { value: undefined })
  holdings.storeAll('inventory', [item(2)], at(30))
  t.equal(holdings.find('item', 'i')?.value?.onhand, 2)
})

tap.test('serves nothing that is too old even for a failing upstream', async (t) => {
  const { holdings, move } = start()
  holdings.store('item', item(1), at(0))
  move(1_000_000)
  t.ok(holdings.find('item', 'i'))
  move(1_060_000)
  t.equal(holdings.find('item', 'i'), undefined)
})

tap.test('regression: what a mirror could still confirm was gone once a caller had found it too old', async (t) => {
  const { holdings, move } = start()
  holdings.store('item', item(1), at(0))
  move(1_060_000)
  t.equal(holdings.find('item', 'i'), undefined)
  t.match(holdings.peek('item', 'i'), { value: { onhand: 1 } })
})

tap.test('regression: a look-up that a change of SKU had overtaken gave the product under its old one', async (t) => {
  const { holdings } = start()
  holdings.store('product', product('p1', { sku: 'B', trackstar_updated_date: '2026-01-02' }), at(10, 30))
  const old = product('p1', { trackstar_updated_date: '2026-01-01' })
  t.match(
    holdings.storeSku('A', [old, product('p2')], at(20, 40)).value?.map(({ id }) => id),
    ['p2'],
  )
  t.equal(holdings.storeSku('A', [old], at(20, 40)).value, undefined)
  t.equal(holdings.peek('product', 'p1')?.value?.sku, 'B')
})

tap.test('tells of each change, with what was before', async (t) => {
  const { holdings } = start()
  const told: unknown[] = []
  holdings.watch((...change) => told.push(change))
  holdings.store('item', item(1), at(1))
  holdings.store('item', item(2), at(2))
  holdings.storeSku('A', [product('p1')], at(3))
  holdings.remove('item', 'i')
  holdings.remove('item', 'i')
  holdings.storeAbsence('product', 'p1', at(4))
  t.match(told, [
    ['item', undefined, { onhand: 1 }],
    ['item', { onhand: 1 }, { onhand: 2 }],
    ['product', undefined, { id: 'p1' }],
    ['item', { onhand: 2 }, undefined],
    ['product', { id: 'p1' }, undefined],
  ])
  t.equal(told.length, 5)
})

tap.test('holds no warehouses: they have a list of their own', async (t) => {
  const { holdings } = start()
  holdings.storeAll('warehouses', [{ id: 'w' }], at(0))
  t.equal(holdings.state.records.entries, 0)
})

tap.test('stays within its bound in bytes of JSON', async (t) => {
  const { holdings } = start(10_000)
  for (let n = 0; n < 1000; n++) holdings.store('item', { id: `i${n}`, name: '茶'.repeat(30) }, at(0))
  const { entries, bytes, maxBytes, evictions } = holdings.state.records
  t.ok(bytes <= maxBytes)
  t.ok(entries > 50 && entries < 100)
  t.equal(entries + evictions, 1000)
})

tap.test('regression: remembered absences of short SKUs took memory without bound', async (t) => {
  const { holdings } = start()
  holdings.store('item', item(1), at(0))
  for (let n = 0; n < 50_000; n++) holdings.storeAbsence('sku', String(n), at(0))
  t.ok(holdings.state.absences.entries <= 32_000)
  t.ok(holdings.find('item', 'i'), 'and no record has gone for them')
})

const entryOf = (value: string): CacheEntry<string> => ({ value, begunAt: 1, readAt: 2, freshUntil: 3, wallTime: 2 })

tap.test('gives what was set until it is deleted', async (t) => {
  const store = createEntryStore(100)
  t.equal(store.get('a'), undefined)
  store.set('a', entryOf('one'), 3)
  store.set('a', entryOf('two'), 3)
  t.equal(store.get('a')?.value, 'two')
  t.strictSame(store.state, { entries: 1, bytes: 3, maxBytes: 100, evictions: 0 })
  store.delete('a')
  t.equal(store.get('a'), undefined)
  t.strictSame(store.state, { entries: 0, bytes: 0, maxBytes: 100, evictions: 0 })
})

tap.test('lets go of what was used longest ago', async (t) => {
  const store = createEntryStore(100)
  store.set('a', entryOf('a'), 40)
  store.set('b', entryOf('b'), 40)
  store.get('a')
  store.set('c', entryOf('c'), 40)
  t.equal(store.get('b'), undefined)
  t.equal(store.get('a')?.value, 'a')
  t.equal(store.state.evictions, 1)
})

tap.test('does not keep what is larger than its bound, and counts nothing as nothing', async (t) => {
  const store = createEntryStore(100)
  store.set('a', entryOf('a'), 101)
  t.equal(store.get('a'), undefined)
  store.set('b', entryOf(''), 0)
  t.equal(store.state.bytes, 1)
})

tap.test('takes every name for a name', async (t) => {
  const store = createEntryStore(100)
  t.equal(store.get('__proto__'), undefined)
  store.set('__proto__', entryOf('x'), 1)
  t.equal(store.get('__proto__')?.value, 'x')
  t.equal(store.get('constructor'), undefined)
})

tap.test('regression: an entry larger than the bound was lost without a word', async (t) => {
  const store = createEntryStore(100)
  store.set('large', entryOf('x'), 101)
  t.equal(store.get('large'), undefined)
  t.equal(store.state.evictions, 1)
})
