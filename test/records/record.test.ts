import tap from 'tap'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Product } from '../../src/records/product.js'
import { isPartial, parsePage, parseRecord, recordSchema } from '../../src/records/record.js'
import { nullish } from '../../src/schema.js'

tap.test('accepts a value, null or an absent field', async (t) => {
  const check = Compile(Type.Object({ name: nullish(Type.String()) }))
  for (const sound of [{}, { name: null }, { name: '' }]) t.ok(check.Check(sound))
  for (const wrong of [{ name: 1 }, { name: [] }]) t.notOk(check.Check(wrong))
})

tap.test('documents the fields of a record, and that each may have another type', async (t) => {
  const schema = recordSchema('Pot', 'A pot', { volume: nullish(Type.Number()) })
  t.match(schema, { $id: 'Pot', description: /^A pot\. .*another type/, required: ['id'], additionalProperties: true })
})

const product = { id: 'p1', sku: 'A', inventory_items: [{ inventory_item_id: 'i1', unit_quantity: 2 }] }

tap.test('parses a page with its records unchanged and the token of the next one', async (t) => {
  const odd = { ...product, colour: 'green', additional_fields: { deep: [1, { er: null }] } }
  const page = parsePage<Product>({ data: [product, odd], next_token: 'more', total_count: 2, extra: true })
  t.strictSame(page, { records: [product, odd], malformed: [], nextToken: 'more' })
  t.ok('records' in page && page.records[1] === odd, 'the record is not copied')
})

tap.test('treats a null, empty or absent token as the last page', async (t) => {
  for (const last of [{ next_token: null }, { next_token: '' }, {}]) {
    t.strictSame(parsePage({ data: [], ...last }), { records: [], malformed: [], nextToken: null })
  }
})

tap.test('accepts a record whose fields have any type, if it has an id', async (t) => {
  const values = [null, 0, 7, '', 'x', true, [], [null, [7]], {}, { a: { b: 1 } }]
  const fields = [
    ...['sku', 'name', 'gtin', 'unit_price', 'inventory_items', 'is_kit', 'active', 'warehouse_customer_id', 'code'],
    ...['trackstar_updated_date', 'trackstar_tags', 'inventory_by_warehouse_id', 'lots', 'locations', 'onhand'],
    ...['fulfillable', 'substitute_skus', 'address'],
  ]
  const records = fields.flatMap((field) => values.map((value) => ({ id: 'x', [field]: value })))
  t.strictSame(parsePage({ data: records }), { records, malformed: [], nextToken: null })
  for (const id of [7, -1, 0, 1.5, ' ', '.', '__proto__']) t.ok('record' in parseRecord({ data: { id } }), `${id}`)
})

tap.test('omits records without an id, and reports where they are, and their SKU if it is readable', async (t) => {
  const nameless = [{}, { id: '' }, { id: null }, { id: true }, { id: {} }, { id: ['p'] }, { id: Number.NaN }]
  const page = parsePage<Product>({
    data: [...nameless, { sku: 'C' }, { sku: 9 }, null, 'text', 7, [product], product],
  })
  t.match(page, { records: [product] })
  const malformed = 'malformed' in page ? page.malformed : []
  t.strictSame(
    malformed.map(({ path }) => path),
    [0, 1, 2, 3, 4, 5, 6, 7, 8].map((n) => `/data/${n}/id`).concat([9, 10, 11, 12].map((n) => `/data/${n}`)),
  )
  t.strictSame(
    malformed.map(({ sku }) => sku),
    [...nameless.map(() => undefined), 'C', '9', undefined, undefined, undefined, undefined],
  )
  t.ok(malformed.every(({ id, message }) => id === undefined && message.length > 0))
})

/** An object that nests `levels` objects or lists, itself included. */
const nested = (levels: number, isList: boolean) => {
  let value: unknown = isList ? [] : {}
  for (let level = 2; level < levels; level++) value = isList ? [value] : { value }
  return { id: 'deep', sku: 'D', additional_fields: value }
}

tap.test('omits a record that is nested too deeply to be serialised', async (t) => {
  for (const isList of [true, false]) {
    t.ok('record' in parseRecord({ data: nested(100, isList) }))
    for (const levels of [101, 50_000]) {
      const page = parsePage({ data: [product, nested(levels, isList)] })
      t.match(page, {
        records: [product],
        malformed: [{ path: '/data/1', id: 'deep', sku: 'D', message: /100 levels/ }],
      })
    }
  }
})

tap.test('never includes a value in the fault', async (t) => {
  t.notMatch(JSON.stringify(parsePage({ data: [{ id: { secret: 'Mrs Smith' } }, 'Mrs Smith'] })), /Smith/)
  t.notMatch(JSON.stringify(parsePage({ data: 'Mrs Smith' })), /Smith/)
})

tap.test('rejects a body that is not a page, with the invalid path', async (t) => {
  for (const [body, path] of [
    [undefined, ''],
    [null, ''],
    ['text', ''],
    [[], ''],
    [{}, '/data'],
    [{ data: null }, '/data'],
    [{ data: {} }, '/data'],
    [{ data: [], next_token: 5 }, '/next_token'],
  ] as const) {
    t.match(parsePage(body), { fault: { path, message: /./ } }, JSON.stringify(body))
  }
})

tap.test('parses one record unchanged', async (t) => {
  const odd = { ...product, colour: 'green' }
  const result = parseRecord({ data: odd, extra: 1 })
  t.ok('record' in result && result.record === odd)
})

tap.test('rejects a body that is not a record, with the invalid path', async (t) => {
  for (const body of [undefined, null, 7, 'text', [], [product]]) {
    t.strictSame(parseRecord(body), { fault: { path: '', message: 'must be object' } })
  }
  for (const [body, path] of [
    [{}, '/data'],
    [{ data: null }, '/data'],
    [{ data: [product] }, '/data'],
    [{ data: { active: true } }, '/data/id'],
  ] as const) {
    t.match(parseRecord(body), { fault: { path } }, JSON.stringify(body))
  }
})

const date = { trackstar_updated_date: '2026-01-01T00:00:00Z' }

tap.test('recognizes a whole record by the fields that every record of its kind has', async (t) => {
  const quantities = { onhand: 3, committed: 1, unfulfillable: 0 }
  const whole = [
    ['item', { id: 'i', fulfillable: 3 }],
    ['item', { id: 'i', fulfillable: null }],
    ['item', { id: 'i', ...quantities }],
    ['item', { id: 'i', inventory_by_warehouse_id: {} }],
    ['product', { id: 'p', inventory_items: [] }],
    ['product', { id: 'p', inventory_items: null }],
    ['warehouse', { id: 'w', name: null }],
    ['warehouse', { id: 'w', code: 'OSL' }],
    ['warehouse', { id: 'w', address: {} }],
  ] as const
  for (const [kind, record] of whole) t.notOk(isPartial(kind, record, undefined), `${kind} ${JSON.stringify(record)}`)
  const parts = [
    ['item', { id: 'i', ...date }],
    ['item', { id: 'i', sku: 'A', name: 'Tea', active: true, ...date }],
    ['item', { id: 'i', onhand: 3 }],
    ['item', { id: 'i', inventory_items: [] }],
    ['product', { id: 'p', ...date }],
    ['product', { id: 'p', sku: 'A', name: 'Tea', is_kit: true, ...date }],
    ['product', { id: 'p', fulfillable: 3 }],
    ['warehouse', { id: 'w', ...date }],
  ] as const
  for (const [kind, record] of parts) t.ok(isPartial(kind, record, undefined), `${kind} ${JSON.stringify(record)}`)
})

tap.test('treats a record that lacks a field of the known copy as a part', async (t) => {
  const known = {
    id: 'i',
    sku: 'A',
    fulfillable: 5,
    onhand: 6,
    inventory_by_warehouse_id: { x: { fulfillable: 3, onhand: 4 }, y: { fulfillable: 2 } },
    lots: [{ lot_id: 'l', onhand: 3 }],
  }
  const same = (fields: object) => isPartial('item', { ...known, ...fields }, known)
  t.notOk(same({ fulfillable: 4, sku: null, more: 1 }))
  t.notOk(same({ lots: [] }), 'a list may become shorter')
  t.notOk(same({ inventory_by_warehouse_id: null }), 'a null is a stated value')
  const { onhand: _, ...without } = known
  t.ok(isPartial('item', without, known))
  t.ok(same({ inventory_by_warehouse_id: { x: { fulfillable: 1, onhand: 2 } } }), 'a warehouse is missing')
  t.ok(
    same({ inventory_by_warehouse_id: { x: { fulfillable: 1 }, y: { fulfillable: 4 } } }),
    'a quantity of one warehouse is missing',
  )
})

tap.test('treats ids such as __proto__ as ordinary', async (t) => {
  const odd = JSON.parse('{"id": "i", "fulfillable": 1, "__proto__": {"a": 1}, "constructor": 1}')
  t.notOk(isPartial('item', structuredClone(odd), odd))
  t.ok(isPartial('item', { id: 'i', fulfillable: 1 }, odd))
})
