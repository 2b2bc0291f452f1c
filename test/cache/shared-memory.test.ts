import tap from 'tap'
import { createEntryStore } from '../../src/cache/entry-store.js'
import { SharedMemory } from '../../src/cache/shared-memory.js'

const entry = { value: 1, begunAt: 1, readAt: 1, freshUntil: 1, wallTime: 1 }

/** Stores that share 100 bytes. */
function start() {
  const memory = new SharedMemory(() => 100)
  const spared = new Set<string>()
  const stores = {
    a: createEntryStore(memory, () => spared.has('a')),
    b: createEntryStore(memory, () => spared.has('b')),
  }
  const fill = (name: 'a' | 'b', count: number) => {
    for (let n = 0; n < count; n++) stores[name].set(`${n}`, entry, 10)
  }
  const sizes = () => [stores.a.state.bytes, stores.b.state.bytes]
  return { memory, spared, stores, fill, sizes }
}

tap.test('one store may take what the others leave', async (t) => {
  const { fill, sizes, stores } = start()
  fill('a', 10)
  t.strictSame(sizes(), [100, 0])
  t.equal(stores.a.evictions, 0)
})

tap.test('evicts from the store that takes most', async (t) => {
  const { fill, sizes, stores } = start()
  fill('a', 10)
  fill('b', 3)
  t.strictSame(sizes(), [70, 30])
  t.equal(stores.a.evictions, 3)
  t.equal(stores.a.get('0'), undefined, 'the least recently used')
  t.equal(stores.b.evictions, 0)
})

tap.test('does not evict from a store that is spared for another', async (t) => {
  const { fill, sizes, spared, stores } = start()
  spared.add('a')
  fill('a', 9)
  fill('b', 3)
  t.strictSame(sizes(), [90, 10])
  t.equal(stores.a.evictions, 0)
})

tap.test('if all are spared, the store that has grown evicts', async (t) => {
  const { fill, sizes, spared, stores } = start()
  fill('a', 6)
  fill('b', 3)
  spared.add('a').add('b')
  fill('b', 5)
  t.strictSame(sizes(), [60, 40])
  t.equal(stores.a.evictions, 0)
  t.equal(stores.b.evictions, 1)
})

tap.test('a store that is closed gives its memory back', async (t) => {
  const { fill, memory, sizes, stores } = start()
  fill('a', 10)
  stores.a.close()
  t.equal(memory.bytes, 0)
  fill('b', 10)
  t.strictSame(sizes(), [0, 100])
})
