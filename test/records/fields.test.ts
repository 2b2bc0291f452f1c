import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import tap from 'tap'
import { flagOf, idOf, isSameJson, keyOf, merchantOf, quantityOf, skuOf, textOf } from '../../src/records/fields.js'

const nothing = [
  undefined,
  null,
  [],
  ['a'],
  {},
  { id: 'a' },
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
]

tap.test('reads ids and SKUs that are strings or numbers, and nothing else', async (t) => {
  for (const [value, expected] of [
    ['a', 'a'],
    [' ', ' '],
    ['007', '007'],
    [7, '7'],
    [-0, '0'],
    [1.5, '1.5'],
    [4006381333931, '4006381333931'],
    [1e21, '1000000000000000000000'],
  ] as const) {
    t.equal(keyOf(value), expected)
    t.equal(idOf({ id: value }), expected)
    t.equal(skuOf({ sku: value }), expected)
    t.equal(merchantOf({ warehouse_customer_id: value }), expected)
  }
  for (const value of [...nothing, '', true, false]) t.equal(keyOf(value), null)
  t.equal(skuOf({}), null)
  t.equal(merchantOf({}), null)
})

tap.test('reads scalars as strings', async (t) => {
  for (const [value, expected] of [
    ['', ''],
    ['Tea', 'Tea'],
    [7, '7'],
    [false, 'false'],
    [true, 'true'],
  ] as const) {
    t.equal(textOf(value), expected)
  }
  for (const value of nothing) t.equal(textOf(value), null)
})

tap.test('reads only booleans as flags', async (t) => {
  t.equal(flagOf(true), true)
  t.equal(flagOf(false), false)
  for (const value of [...nothing, 'true', 1, 0, '']) t.equal(flagOf(value), null)
})

tap.test('reads numbers and decimal strings as quantities', async (t) => {
  for (const [value, expected] of [
    [5, 5],
    [-2.5, -2.5],
    [1e30, 1e30],
    ['5', 5],
    ['-5', -5],
    ['+5', 5],
    ['5.50', 5.5],
    ['.5', 0.5],
    ['5.', 5],
    ['007', 7],
    ['1e3', 1000],
    ['1.2E-1', 0.12],
    [' 5\n', 5],
  ] as const) {
    t.equal(quantityOf(value), expected, JSON.stringify(value))
  }
  for (const zero of [0, -0, '0', '-0', '0.00']) t.ok(Object.is(quantityOf(zero), 0))
  const unstated = [
    '',
    ' ',
    '.',
    '-',
    'five',
    '5 pcs',
    '1,000',
    '1_000',
    '0x10',
    'NaN',
    'Infinity',
    '1e999',
    '5n',
    '--5',
  ]
  for (const value of [...nothing, ...unstated, true]) t.equal(quantityOf(value), null, JSON.stringify(value))
})

tap.test('round-trips every finite number', async () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
  fc.assert(fc.property(finite, (value) => quantityOf(String(value)) === value + 0))
})

tap.test('compares parsed JSON as isDeepStrictEqual does', async (t) => {
  const value = fc.jsonValue({ maxDepth: 3 })
  const shuffled = (json: unknown): unknown => {
    if (Array.isArray(json)) return json.map(shuffled)
    if (typeof json !== 'object' || json === null) return json
    return Object.fromEntries(
      Object.entries(json)
        .toReversed()
        .map(([field, inner]) => [field, shuffled(inner)]),
    )
  }
  fc.assert(
    fc.property(value, value, (a, b) => {
      assert.equal(isSameJson(a, b), isDeepStrictEqual(a, b))
      assert.ok(isSameJson(a, shuffled(JSON.parse(JSON.stringify(a)))))
    }),
  )
  const different: [unknown, unknown][] = [
    [[], {}],
    [{}, null],
    [{ a: null }, {}],
    [{ a: null }, { b: null }],
    [[1], { 0: 1 }],
    [JSON.parse('{"__proto__":{}}'), {}],
    [{ toString: 1 }, {}],
    [1, '1'],
  ]
  for (const [a, b] of different) {
    t.notOk(isSameJson(a, b))
    t.notOk(isSameJson(b, a))
  }
  t.ok(isSameJson(JSON.parse('{"valueOf":1,"constructor":{}}'), JSON.parse('{"constructor":{},"valueOf":1}')))
})
