import tap from 'tap'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { InventoryItem } from '../../src/records/inventory-item.js'
import { Product } from '../../src/records/product.js'
import { createRecordParser, recordSchema } from '../../src/records/record.js'
import { nullish } from '../../src/schema.js'

tap.test('accepts a value, null or an absent field', async (t) => {
  const check = Compile(Type.Object({ name: nullish(Type.String()) }))
  for (const sound of [{}, { name: null }, { name: '' }]) t.ok(check.Check(sound))
  for (const wrong of [{ name: 1 }, { name: [] }]) t.notOk(check.Check(wrong))
})

tap.test('requires only the id of a record', async (t) => {
  const schema = recordSchema('Pot', 'A pot', { volume: nullish(Type.Number()) })
  t.match(schema, { $id: 'Pot', description: 'A pot', additionalProperties: true })
  const check = Compile(schema)
  const dates = { created_date: null, updated_date: '2026-03-01T12:00:00Z', trackstar_updated_date: 'some day' }
  const tags = { trackstar_tags: ['green', { season: 'spring' }] }
  for (const sound of [{ id: 'x' }, { id: 'x', ...dates, ...tags, volume: null, lid: true }]) t.ok(check.Check(sound))
  const wrong = [{}, { id: '' }, { id: null }, { id: 5 }, { id: 'x', volume: '1' }, { id: 'x', trackstar_tags: 'a' }]
  for (const record of wrong) t.notOk(check.Check(record), JSON.stringify(record))
})

const products = createRecordParser(Product)
const items = createRecordParser(InventoryItem)
const product = { id: 'p1', sku: 'A', inventory_items: [{ inventory_item_id: 'i1', unit_quantity: 2 }] }

tap.test('parses a page with its records unchanged and the token of the next one', async (t) => {
  const odd = { ...product, colour: 'green', additional_fields: { deep: [1, { er: null }] } }
  const page = products.parsePage({ data: [product, odd], next_token: 'more', total_count: 2, extra: true })
  t.strictSame(page, { records: [product, odd], malformed: [], nextToken: 'more' })
  t.ok('records' in page && page.records[1] === odd, 'is not even a copy')
})

tap.test('treats a null, empty or absent token as the last page', async (t) => {
  for (const last of [{ next_token: null }, { next_token: '' }, {}]) {
    t.strictSame(products.parsePage({ data: [], ...last }), { records: [], malformed: [], nextToken: null })
  }
})

tap.test('omits malformed records and reports the invalid path, id and SKU of each', async (t) => {
  const page = products.parsePage({
    data: [
      { id: 'p1', sku: 7 },
      product,
      { id: 'p2', sku: 'B', inventory_items: [{}, { inventory_item_id: '' }] },
      { sku: 'C' },
      { id: '' },
      { id: 9, sku: null },
      null,
      'text',
      [product],
    ],
    next_token: null,
  })
  t.match(page, {
    records: [product],
    malformed: [
      { path: '/data/0/sku', id: 'p1', sku: undefined },
      { path: '/data/2/inventory_items/0', id: 'p2', sku: 'B' },
      { path: '/data/3', id: undefined, sku: 'C' },
      { path: '/data/4/id', id: '', sku: undefined },
      { path: '/data/5/id', id: undefined, sku: undefined },
      { path: '/data/6', id: undefined, sku: undefined },
      { path: '/data/7', id: undefined, sku: undefined },
      { path: '/data/8', id: undefined, sku: undefined },
    ],
  })
  t.equal('records' in page && page.records.length, 1)
  t.ok('malformed' in page && page.malformed.every(({ message }) => message.length > 0))
})

tap.test('never includes an invalid value in the fault', async (t) => {
  const page = products.parsePage({ data: [{ id: 'p1', name: { secret: 'Mrs Smith' } }], next_token: null })
  t.notMatch(JSON.stringify(page), /Smith/)
  t.notMatch(JSON.stringify(products.parsePage({ data: 'Mrs Smith' })), /Smith/)
})

tap.test('rejects a body that is not a page, with the invalid path', async (t) => {
  for (const [body, path] of [
    [undefined, ''],
    [null, ''],
    ['text', ''],
    [[], ''],
    [{}, ''],
    [{ data: null }, '/data'],
    [{ data: {} }, '/data'],
    [{ data: [], next_token: 5 }, '/next_token'],
  ] as const) {
    t.match(products.parsePage(body), { fault: { path, message: /./ } }, JSON.stringify(body))
  }
})

tap.test('parses one record unchanged', async (t) => {
  const odd = { ...product, colour: 'green' }
  const result = products.parseRecord({ data: odd, extra: 1 })
  t.ok('record' in result && result.record === odd)
})

tap.test('rejects a body that is not a record, with the invalid path', async (t) => {
  for (const body of [undefined, null, 7, 'text', [], [product]]) {
    t.strictSame(products.parseRecord(body), { fault: { path: '', message: 'must be object' } })
  }
  for (const [body, path] of [
    [{}, '/data'],
    [{ data: null }, '/data'],
    [{ data: [product] }, '/data'],
    [{ data: { id: 'p1', active: 'yes' } }, '/data/active'],
  ] as const) {
    t.match(products.parseRecord(body), { fault: { path } }, JSON.stringify(body))
  }
})

tap.test('accepts any warehouse id in a breakdown', async (t) => {
  for (const name of ['__proto__', 'constructor', 'toString', 'a/b', 'a\nb', '']) {
    const breakdown = (onhand: string) =>
      JSON.parse(`{"id": "i1", "inventory_by_warehouse_id": {${JSON.stringify(name)}: {"onhand": ${onhand}}}}`)
    const result = items.parseRecord({ data: breakdown('3') })
    const found = 'record' in result ? result.record.inventory_by_warehouse_id : undefined
    t.strictSame(Object.entries(found ?? {}), [[name, { onhand: 3 }]], JSON.stringify(name))
    t.match(items.parseRecord({ data: breakdown('"3"') }), { fault: { path: /^\/data\/inventory_by_warehouse_id/ } })
  }
})
