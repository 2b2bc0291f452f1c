import fc from 'fast-check'
import tap from 'tap'
import { encode, KeyList, keyLists, maxListCharacters, maxListValues, withFilters } from '../../src/trackstar/query.js'
import { anyText } from '../odd-texts.js'

tap.test('appends filters to a path, and omits those without a value', async (t) => {
  t.equal(withFilters('/wms/products', {}), '/wms/products')
  t.equal(withFilters('/wms/products', { sku: undefined }), '/wms/products')
  t.equal(withFilters('/wms/products', { limit: '5', sku: undefined, active: '' }), '/wms/products?limit=5&active=')
  t.equal(withFilters('/a', { 'sku[in]': 'A,B' }), '/a?sku%5Bin%5D=A%2CB')
})

tap.test('encodes values so that none changes another filter', async () => {
  fc.assert(
    fc.property(anyText(), anyText({ minLength: 1 }), (value, name) => {
      const url = new URL(withFilters('/wms/products', { [name]: value, last: 'one' }), 'http://upstream')
      const found = Array.from(url.searchParams)
      const { '0': first, length } = found.filter(([key]) => key !== 'last')
      const isSame = name === 'last' ? length === 0 : first?.[0] === name && first[1] === value
      return url.pathname === '/wms/products' && url.hash === '' && isSame
    }),
  )
})

tap.test('replaces a lone surrogate, and keeps a pair', async (t) => {
  t.equal(encode('a\ud83c'), 'a%EF%BF%BD')
  t.equal(encode('\udf75b'), '%EF%BF%BDb')
  t.equal(decodeURIComponent(encode('🍵')), '🍵')
  t.equal(new KeyList().add('\ud800'), true)
  t.equal(withFilters('/a', { sku: '\ud800' }), '/a?sku=%EF%BF%BD')
})

tap.test('fits a hundred keys into a list', async (t) => {
  const list = new KeyList()
  for (let n = 1; n <= maxListValues; n++) {
    t.equal(list.isFull, false)
    t.equal(list.add(`SKU-${n}`), true)
  }
  t.equal(list.isFull, true)
  t.equal(list.add('one more'), false)
  t.equal(list.keys.length, 100)
})

tap.test('fits as many encoded characters as a URL may have', async (t) => {
  const list = new KeyList()
  const key = '茶'.repeat(100)
  let taken = 0
  while (list.add(key)) taken++
  t.equal(taken, Math.floor(maxListCharacters / (900 + 3)))
  t.equal(list.isFull, true)
  t.equal(list.add('x'), false, 'a later key that would fit does not jump the queue')
  t.equal(list.keys.length, taken)
})

tap.test('fills the list up to the last character', async (t) => {
  const list = new KeyList()
  list.add('x'.repeat(maxListCharacters - 3 - 10))
  t.equal(list.add('y'.repeat(7)), true)
  t.equal(list.isFull, false)
  t.equal(list.add('z'), false)
})

tap.test('accepts a first key of any length', async (t) => {
  const list = new KeyList()
  t.equal(list.add('x'.repeat(2 * maxListCharacters)), true)
  t.equal(list.add('y'), false)
  t.strictSame(list.keys.length, 1)
})

tap.test('puts a key with a comma into a list of its own', async (t) => {
  const alone = new KeyList()
  t.equal(alone.add('GREEN, BLACK'), true)
  t.equal(alone.isFull, true)
  t.equal(alone.add('x'), false)
  t.strictSame(alone.keys, ['GREEN, BLACK'])

  const others = new KeyList()
  others.add('x')
  t.equal(others.add('GREEN, BLACK'), false)
  t.equal(others.isFull, true, 'the key with a comma is next, so this list is sent now')
  t.strictSame(others.keys, ['x'])
})

tap.test('distributes keys over as many lists as they need', async (t) => {
  const keys = Array.from({ length: 250 }, (_, n) => `k${n}`)
  t.strictSame(
    [...keyLists(keys)].map(({ length }) => length),
    [100, 100, 50],
  )
  t.strictSame([...keyLists(['a', 'b,c', 'd'])], [['a'], ['b,c'], ['d']])
  t.strictSame([...keyLists([])], [])
})
