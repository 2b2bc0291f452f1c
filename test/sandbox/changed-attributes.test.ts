import tap from 'tap'
import { changedAttributes } from '../../src/sandbox/changed-attributes.js'

tap.test('gives the old values of what changed, nested ones under dotted paths', async (t) => {
  const before = {
    onhand: 9,
    name: 'Tea',
    inventory_by_warehouse_id: { w1: { onhand: 5, committed: 1 }, w2: { onhand: 4 } },
    lots: [{ onhand: 9 }, { onhand: 2 }],
  }
  const after = {
    onhand: 8,
    name: 'Tea',
    inventory_by_warehouse_id: { w1: { onhand: 4, committed: 1 }, w2: { onhand: 4 } },
    lots: [{ onhand: 8 }, { onhand: 2 }],
  }
  t.strictSame(changedAttributes(before, after), {
    onhand: 9,
    'inventory_by_warehouse_id.w1.onhand': 5,
    'lots.0.onhand': 9,
  })
})

tap.test('gives nothing where nothing changed', async (t) => {
  t.strictSame(changedAttributes({ a: [1, { b: null }] }, { a: [1, { b: null }] }), {})
})

tap.test('gives null for what was not there, and all of what is gone', async (t) => {
  t.strictSame(changedAttributes({ tags: ['a', 'b'] }, { tags: ['a'], sku: 'S' }), { 'tags.1': 'b', sku: null })
  t.strictSame(changedAttributes({ supplier: { id: 1 } }, { supplier: null }), { supplier: { id: 1 } })
  t.strictSame(changedAttributes({ supplier: null }, { supplier: { id: 1 } }), { supplier: null })
  t.strictSame(changedAttributes({ parts: [] }, { parts: { a: 1 } }), { parts: [] })
})

tap.test('takes __proto__ and constructor for keys like any other', async (t) => {
  const before = JSON.parse('{"places": {"__proto__": {"onhand": 1}, "b": 1}}')
  const after = JSON.parse('{"places": {"__proto__": {"onhand": 2}, "b": 1, "constructor": 3}}')
  t.strictSame(changedAttributes(before, after), { 'places.__proto__.onhand': 1, 'places.constructor': null })
})
