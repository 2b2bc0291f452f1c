import tap from 'tap'
import { createEntryStore } from '../../src/cache/entry-store.js'
import type { CacheEntry } from '../../src/cache/freshness.js'
import { SharedMemory } from '../../src/cache/shared-memory.js'

const entryOf = (value: string): CacheEntry<string> => ({ value, begunAt: 1, readAt: 2, freshUntil: 3, wallTime: 2 })

tap.test('returns an entry until it is deleted', async (t) => {
  const store = createEntryStore(new SharedMemory(() => 100))
  t.equal(store.get('a'), undefined)
  store.set('a', entryOf('one'), 3)
  store.set('a', entryOf('two'), 3)
  t.equal(store.get('a')?.value, 'two')
  t.strictSame(store.state, { entries: 1, bytes: 3, maxBytes: 100, evictions: 0 })
  store.delete('a')
  t.equal(store.get('a'), undefined)
  t.strictSame(store.state, { entries: 0, bytes: 0, maxBytes: 100, evictions: 0 })
})

tap.test('evicts the least recently used entry', async (t) => {
  const store = createEntryStore(new SharedMemory(() => 100))
  store.set('a', entryOf('a'), 40)
  store.set('b', entryOf('b'), 40)
  store.get('a')
  store.set('c', entryOf('c'), 40)
  t.equal(store.get('b'), undefined)
  t.equal(store.get('a')?.value, 'a')
  t.equal(store.state.evictions, 1)
})

tap.test('does not store an entry larger than its limit, and deletes undefined entries', async (t) => {
  const store = createEntryStore(new SharedMemory(() => 100))
  store.set('a', entryOf('a'), 101)
  t.equal(store.get('a'), undefined)
  store.set('b', entryOf(''), 0)
  t.equal(store.state.bytes, 1)
})

tap.test('treats keys such as __proto__ as ordinary', async (t) => {
  const store = createEntryStore(new SharedMemory(() => 100))
  t.equal(store.get('__proto__'), undefined)
  store.set('__proto__', entryOf('x'), 1)
  t.equal(store.get('__proto__')?.value, 'x')
  t.equal(store.get('constructor'), undefined)
})

tap.test('regression: an entry larger than the limit was dropped without being counted', async (t) => {
  const store = createEntryStore(new SharedMemory(() => 100))
  store.set('large', entryOf('x'), 101)
  t.equal(store.get('large'), undefined)
  t.equal(store.state.evictions, 1)
})
