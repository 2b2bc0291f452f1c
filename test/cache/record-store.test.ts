import tap from 'tap'
import type { CacheEntry } from '../../src/cache/freshness.js'
import { createEntryStore } from '../../src/cache/record-cache.js'

const held = (value: string): CacheEntry<string> => ({ value, begunAt: 1, readAt: 2, freshUntil: 3 })

tap.test('gives what was set until it is deleted', async (t) => {
  const store = createEntryStore(100)
  t.equal(store.get('a'), undefined)
  store.set('a', held('one'), 3)
  store.set('a', held('two'), 3)
  t.equal(store.get('a')?.value, 'two')
  t.strictSame(store.state, { entries: 1, bytes: 3, maxBytes: 100, evictions: 0 })
  store.delete('a')
  t.equal(store.get('a'), undefined)
  t.strictSame(store.state, { entries: 0, bytes: 0, maxBytes: 100, evictions: 0 })
})

tap.test('lets go of what was used longest ago', async (t) => {
  const store = createEntryStore(100)
  store.set('a', held('a'), 40)
  store.set('b', held('b'), 40)
  store.get('a')
  store.set('c', held('c'), 40)
  t.equal(store.get('b'), undefined)
  t.equal(store.get('a')?.value, 'a')
  t.equal(store.state.evictions, 1)
})

tap.test('does not keep what is larger than its bound, and counts nothing as nothing', async (t) => {
  const store = createEntryStore(100)
  store.set('a', held('a'), 101)
  t.equal(store.get('a'), undefined)
  store.set('b', held(''), 0)
  t.equal(store.state.bytes, 1)
})

tap.test('takes every name for a name', async (t) => {
  const store = createEntryStore(100)
  t.equal(store.get('__proto__'), undefined)
  store.set('__proto__', held('x'), 1)
  t.equal(store.get('__proto__')?.value, 'x')
  t.equal(store.get('constructor'), undefined)
})

tap.test('regression: an entry larger than the bound was lost without a word', async (t) => {
  const store = createEntryStore(100)
  store.set('large', held('x'), 101)
  t.equal(store.get('large'), undefined)
  t.equal(store.state.evictions, 1)
})
