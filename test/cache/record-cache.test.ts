import tap from 'tap'
import { createCacheMemory, RecordCache } from '../../src/cache/record-cache.js'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import type { Product } from '../../src/records/product.js'

const policy = { ttlMs: 60_000, revalidateMs: 300_000, maxStaleMs: 1_000_000, negativeTtlMs: 30_000 }

function start(maxBytes = 1_000_000) {
  let now = 0
  const cache = new RecordCache(createCacheMemory(maxBytes), policy, { now: () => now, elapsed: () => now })
  const undecided: string[] = []
  cache.onUndecided((kind, id) => undecided.push(`${kind} ${id}`))
  const move = (to: number) => {
    now = to
  }
  return { cache, undecided, move }
}

const at = (begunAt: number, readAt = begunAt) => ({ begunAt, readAt })
const item = (onhand: number, date?: string | null): InventoryItem => ({
  id: 'i',
  onhand,
  ...(date !== undefined && { trackstar_updated_date: date }),
})
const product = (id: string, fields: Partial<Product> = {}): Product => ({ id, sku: 'A', ...fields })

tap.test('stores a record with the times of its read', async (t) => {
  const { cache } = start()
  t.equal(cache.find('item', 'i'), undefined)
  cache.store('item', item(1), at(10, 20))
  const entry = cache.find('item', 'i')
  t.match(entry, { value: { id: 'i', onhand: 1 }, begunAt: 10, readAt: 20 })
  t.ok(entry && entry.freshUntil <= 60_020 && entry.freshUntil >= 54_020)
})

tap.test('keeps the newer of two records whose reads overlapped', async (t) => {
  const { cache } = start()
  cache.store('item', item(2, '2026-01-02T00:00:00Z'), at(10, 20))
  t.equal(cache.store('item', item(1, '2026-01-01T00:00:00Z'), at(20, 30)).value?.onhand, 2)
  t.equal(cache.find('item', 'i')?.value?.onhand, 2)
  t.equal(cache.store('item', item(4, '2026-01-03T00:00:00Z'), at(5, 30)).value?.onhand, 4)
})

tap.test(
  'regression: an older read replaced a record of the same second that was cached when the read began',
  async (t) => {
    const { cache } = start()
    const second = '2026-01-02T00:00:00Z'
    cache.store('item', item(2, second), at(10, 20))
    t.equal(cache.store('item', item(3, second), at(20, 30)).value?.onhand, 2)
    t.equal(cache.find('item', 'i')?.value?.onhand, 2)
    t.equal(cache.store('item', item(3, second), at(21, 30)).value?.onhand, 3, 'a read that began later always wins')
  },
)

tap.test('keeps the cached record and has it read again if the dates do not tell which is newer', async (t) => {
  const second = '2026-01-02T10:00:00Z'
  const pairs = [undefined, null, '', 'yesterday', 7].map((bad): [unknown, unknown] => [bad, bad])
  pairs.push([undefined, second], [second, 'yesterday'], [second, second], ['2026-01-02', second], [second, '20260102'])
  pairs.push([second, '2026-01-02T10:00:00.900Z'], [second, '2026-01-02T11:00:00+01'])
  for (const [cached, other] of pairs) {
    const { cache, undecided } = start()
    const name = JSON.stringify([cached, other])
    cache.store('item', item(2, cached as string), at(10, 20))
    t.equal(cache.store('item', item(3, other as string), at(15, 30)).value?.onhand, 2, name)
    t.strictSame(undecided.splice(0), ['item i'], name)
    t.equal(cache.store('item', item(3, other as string), at(21, 30)).value?.onhand, 3, 'a later read decides')
    cache.store('item', item(3, other as string), at(21, 30))
    t.strictSame(undecided, [], 'an equal record needs no read')
  }
  for (const [cached, other] of [
    [second, '2026-01-02T10:00:01Z'],
    ['2026-01-01', second],
    [second, '2026-01-03'],
  ] as const) {
    const { cache, undecided } = start()
    cache.store('item', item(2, cached), at(10, 20))
    t.equal(cache.store('item', item(3, other), at(15, 30)).value?.onhand, 3, `${cached} ${other}`)
    t.equal(cache.store('item', item(2, cached), at(15, 30)).value?.onhand, 3)
    t.strictSame(undecided, [])
  }
})

tap.test('remembers for more than a day that a record was removed', async (t) => {
  const { cache, move } = start()
  t.equal(cache.wasRemoved('item', 'i'), false)
  cache.storeAbsence('item', 'i', at(5))
  t.equal(cache.wasRemoved('item', 'i'), false, 'it never existed')
  cache.store('item', item(1), at(10))
  cache.storeAbsence('item', 'i', at(20))
  move(28 * 3600_000)
  t.equal(cache.wasRemoved('item', 'i'), true)
  move(31 * 3600_000)
  t.equal(cache.wasRemoved('item', 'i'), false)
  cache.store('item', item(1), at(10))
  cache.remove('item', 'i')
  cache.store('item', item(1), at(20))
  t.equal(cache.wasRemoved('item', 'i'), false, 'it exists again')
})

tap.test('regression: a page read that was in progress restored a removed record', async (t) => {
  const { cache, undecided, move } = start()
  const second = '2026-01-02T00:00:00Z'
  move(30)
  cache.store('item', item(1, second), at(5))
  cache.store('product', product('p'), at(5))
  cache.storeAbsence('item', 'i', at(20, 25))
  cache.remove('product', 'p')
  cache.storeAll('inventory', [item(1, second)], at(15, 40))
  t.equal(cache.peek('item', 'i'), undefined)
  t.equal(cache.storeSku('A', [product('p')], at(15, 40)).value, undefined)
  t.equal(cache.findProducts('A')?.value, undefined)
  t.strictSame(undecided.splice(0), ['item i', 'product p'], 'both are read by id')
  cache.storeAll('inventory', [item(1, second)], at(26, 40))
  t.match(cache.peek('item', 'i'), { value: { onhand: 1 } }, 'a later read shows that it exists again')
  cache.storeAll('products', [product('p')], at(31, 40))
  t.equal(cache.peek('product', 'p')?.value?.id, 'p')
  t.strictSame(undecided, [])
})

tap.test('regression: a lookup that was in progress hid a product that was delivered meanwhile', async (t) => {
  const { cache, move } = start()
  move(20)
  cache.storeUnread('product', product('new'))
  t.equal(cache.storeSku('A', [], at(15, 30)).value, undefined)
  t.equal(cache.findProducts('A'), undefined, 'the SKU must be read')
  t.equal(cache.storeSku('A', [product('old')], at(15, 30)).value?.length, 1)
  t.equal(cache.findProducts('A'), undefined)
  cache.storeSku('A', [product('old'), product('new')], at(21, 30))
  t.equal(cache.findProducts('A')?.value?.length, 2)
})

tap.test('does not serve a record that was only delivered, but no older read replaces it', async (t) => {
  const { cache, move } = start()
  cache.storeAbsence('item', 'i', at(0))
  move(20)
  cache.storeUnread('item', item(2, '2026-01-02T00:00:00Z'))
  t.equal(cache.find('item', 'i'), undefined, 'neither the record nor its absence is cached')
  t.match(cache.store('item', item(1, '2026-01-01T00:00:00Z'), at(10, 30)), { value: { onhand: 2 } })
  t.match(cache.store('item', item(1, '2026-01-01T00:00:00Z'), at(21, 30)), { value: { onhand: 1 } })
  t.match(cache.find('item', 'i'), { value: { onhand: 1 } })
  cache.storeSku('A', [], at(0))
  cache.storeUnread('product', product('p'))
  t.equal(cache.findProducts('A'), undefined)
})

tap.test('stores a read that began after the cached record was stored, whatever its date', async (t) => {
  const { cache } = start()
  cache.store('item', item(2, '2999-01-01T00:00:00Z'), at(10, 20))
  t.equal(cache.store('item', item(1, '2026-01-01T00:00:00Z'), at(21, 30)).value?.onhand, 1)
})

tap.test('returns all products of a SKU, each once', async (t) => {
  const { cache } = start()
  const kept = cache.storeSku('A', [product('p1'), product('p2'), product('p1')], at(10))
  t.strictSame(
    kept.value?.map(({ id }) => id),
    ['p1', 'p2'],
  )
  t.strictSame(
    cache.findProducts('A')?.value?.map(({ id }) => id),
    ['p1', 'p2'],
  )
  t.equal(cache.findProducts('B'), undefined)
})

tap.test('returns the newer copy of a product if a lookup by SKU has an older one', async (t) => {
  const { cache } = start()
  const newer = product('p1', { name: 'new', trackstar_updated_date: '2026-01-02' })
  cache.storeAll('products', [newer], at(10, 30))
  const kept = cache.storeSku('A', [product('p1', { name: 'old', trackstar_updated_date: '2026-01-01' })], at(20, 40))
  t.equal(kept.value?.[0]?.name, 'new')
  t.equal(cache.findProducts('A')?.value?.[0]?.name, 'new')
})

tap.test('has no entry for a SKU if one of its products was removed', async (t) => {
  const { cache } = start()
  cache.storeSku('A', [product('p1'), product('p2')], at(10))
  cache.storeAbsence('product', 'p2', at(11))
  t.equal(cache.findProducts('A'), undefined)
})

tap.test('keeps absences for their own TTL', async (t) => {
  const { cache, move } = start()
  t.equal(cache.storeSku('A', [], at(0)).value, undefined)
  t.match(cache.findProducts('A'), { value: undefined })
  move(30_000)
  t.equal(cache.findProducts('A'), undefined)
  t.equal(cache.state.absences.entries, 0)
})

tap.test('drops the absence of a SKU as soon as a product with it is stored in any way', async (t) => {
  const { cache } = start()
  cache.storeSku('A', [], at(0))
  cache.storeAll('products', [product('p1'), product('p2', { sku: null })], at(1))
  t.equal(cache.findProducts('A'), undefined)
  cache.storeSku('A', [], at(2))
  cache.storeSku('A', [product('p1')], at(3))
  t.equal(cache.findProducts('A')?.value?.length, 1)
  t.equal(cache.state.absences.entries, 0)
})

tap.test('replaces a record by its absence, unless the record was read after the absence was requested', async (t) => {
  const { cache, move } = start()
  move(30)
  cache.store('item', item(1), at(10, 20))
  cache.storeAbsence('item', 'i', at(15, 25))
  t.equal(cache.find('item', 'i')?.value?.onhand, 1)
  cache.storeAbsence('item', 'i', at(21, 25))
  t.match(cache.find('item', 'i'), { value: undefined })
  cache.storeAll('inventory', [item(2)], at(30))
  t.equal(cache.find('item', 'i')?.value?.onhand, 2)
})

tap.test('returns nothing that is too old even if upstream fails', async (t) => {
  const { cache, move } = start()
  cache.store('item', item(1), at(0))
  move(1_000_000)
  t.ok(cache.find('item', 'i'))
  move(1_060_000)
  t.equal(cache.find('item', 'i'), undefined)
})

tap.test(
  'regression: a record that a mirror could still confirm was dropped once a caller had found it too old',
  async (t) => {
    const { cache, move } = start()
    cache.store('item', item(1), at(0))
    move(1_060_000)
    t.equal(cache.find('item', 'i'), undefined)
    t.match(cache.peek('item', 'i'), { value: { onhand: 1 } })
  },
)

tap.test(
  'regression: a lookup that was overtaken by a change of SKU returned the product under its old SKU',
  async (t) => {
    const { cache } = start()
    cache.store('product', product('p1', { sku: 'B', trackstar_updated_date: '2026-01-02' }), at(10, 30))
    const old = product('p1', { trackstar_updated_date: '2026-01-01' })
    t.match(
      cache.storeSku('A', [old, product('p2')], at(20, 40)).value?.map(({ id }) => id),
      ['p2'],
    )
    t.equal(cache.storeSku('A', [old], at(20, 40)).value, undefined)
    t.equal(cache.peek('product', 'p1')?.value?.sku, 'B')
  },
)

tap.test('reports each change with the previous record', async (t) => {
  const { cache } = start()
  const changes: unknown[] = []
  cache.watch((kind, before, after) => changes.push([kind, before, after?.value]))
  cache.store('item', item(1), at(1))
  cache.store('item', item(2), at(2))
  cache.storeSku('A', [product('p1')], at(3))
  cache.remove('item', 'i')
  cache.remove('item', 'i')
  cache.storeAbsence('product', 'p1', at(4))
  t.match(changes, [
    ['item', undefined, { onhand: 1 }],
    ['item', { onhand: 1 }, { onhand: 2 }],
    ['product', undefined, { id: 'p1' }],
    ['item', { onhand: 2 }, undefined],
    ['product', { id: 'p1' }, undefined],
  ])
  t.equal(changes.length, 5)
})

tap.test('stores no warehouses, which have a list of their own', async (t) => {
  const { cache } = start()
  cache.storeAll('warehouses', [{ id: 'w' }], at(0))
  t.equal(cache.state.records.entries, 0)
})

tap.test('stays within its limit of bytes of JSON', async (t) => {
  const { cache } = start(10_000)
  for (let n = 0; n < 1000; n++) cache.store('item', { id: `i${n}`, name: '茶'.repeat(30) }, at(0))
  const { entries, bytes, maxBytes, evictions } = cache.state.records
  t.ok(bytes <= maxBytes)
  t.ok(entries > 50 && entries < 100)
  t.equal(entries + evictions, 1000)
})

tap.test('regression: remembered absences of short SKUs took memory without bound', async (t) => {
  const { cache } = start()
  cache.store('item', item(1), at(0))
  for (let n = 0; n < 50_000; n++) cache.storeAbsence('sku', String(n), at(0))
  t.ok(cache.state.absences.entries <= 32_000)
  t.ok(cache.find('item', 'i'), 'no record was evicted for them')
})
