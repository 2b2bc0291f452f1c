import tap from 'tap'
import { RecordStore } from '../../src/sandbox/record-store.js'

const store = () => {
  const records = new RecordStore<{ id: string; sku?: string | null }>()
  for (const [id, sku] of Object.entries({ a: 'S', b: 'T', c: 'S', d: null })) records.set(id, { id, sku })
  return records
}

tap.test('finds slots by SKU and by id, in ascending order and once each', async (t) => {
  const records = store()
  t.strictSame(records.slotsOfSkus(['T', 'S', 'S', 'nowhere']), [0, 1, 2])
  t.strictSame(records.slotsOfIds(['d', 'a', 'a', 'nowhere']), [0, 3])
})

tap.test('keeps the slot of a replaced record, and indexes its new SKU', async (t) => {
  const records = store()
  records.set('a', { id: 'a', sku: 'U' })
  t.strictSame(records.slotsOfSkus(['U']), [0])
  t.strictSame(records.slotsOfSkus(['S']), [2])
  records.set('c', { id: 'c' })
  t.strictSame(records.slotsOfSkus(['S']), [])
  t.equal(records.slots, 4)
})

tap.test('reindexes a record that was changed in place', async (t) => {
  const records = store()
  const record = records.get('b')
  t.ok(record)
  if (record) records.set('b', Object.assign(record, { sku: 'V' }))
  t.strictSame(records.slotsOfSkus(['T']), [])
  t.strictSame(records.slotsOfSkus(['V']), [1])
})

tap.test('leaves the slot of a deleted record empty', async (t) => {
  const records = store()
  t.equal(records.delete('a'), true)
  t.equal(records.delete('a'), false)
  t.equal(records.at(0), undefined)
  t.strictSame(records.slotsOfSkus(['S']), [2])
  t.equal(records.size, 3)
  records.set('a', { id: 'a', sku: 'S' })
  t.strictSame(records.slotsOfSkus(['S']), [2, 4])
})

tap.test('is empty after clear', async (t) => {
  const records = store()
  records.clear()
  t.equal(records.size, 0)
  t.strictSame(records.slotsOfSkus(['S', 'T']), [])
})

tap.test('accepts __proto__ and constructor as ids and SKUs', async (t) => {
  const records = new RecordStore<{ id: string; sku: string }>()
  for (const name of ['__proto__', 'constructor']) {
    t.strictSame(records.slotsOfSkus([name]), [])
    t.strictSame(records.slotsOfIds([name]), [])
    records.set(name, { id: name, sku: name })
  }
  t.strictSame(records.slotsOfSkus(['__proto__', 'constructor']), [0, 1])
  t.strictSame(records.slotsOfIds(['__proto__', 'constructor']), [0, 1])
})
