import fc from 'fast-check'
import tap from 'tap'
import { SearchIndex } from '../../src/mirror/search-index.js'
import type { Product } from '../../src/records/product.js'
import { runToEnd } from '../../src/steps.js'

const product = (id: string, fields: Partial<Product> = {}): Product => ({ id, inventory_items: [], ...fields })

function indexOf(products: readonly Product[]) {
  const index = new SearchIndex()
  for (const one of products) index.replace(undefined, one)
  return index
}

const idsFor = (index: SearchIndex, text: string, limit = 20) =>
  runToEnd(index.find(text, limit)).map(({ id }) => String(id))

tap.test('finds exact matches before prefixes before other parts, and SKUs before GTINs before names', async (t) => {
  const given = ['12', '123', '0123']
  const products = given.flatMap((text, rank) => [
    product(`name ${rank}`, { sku: `x${rank}`, name: text }),
    product(`gtin ${rank}`, { sku: `y${rank}`, gtin: text }),
    product(`sku ${rank}`, { sku: text }),
  ])
  const ranks = [0, 1, 2].flatMap((rank) => ['sku', 'gtin', 'name'].map((field) => `${field} ${rank}`))
  t.strictSame(idsFor(indexOf(products), '12'), ranks)
  t.strictSame(idsFor(indexOf(products), '12', 4), ranks.slice(0, 4))
})

tap.test('finds a text in upper and lower case, in any script, and with any character', async (t) => {
  const index = indexOf([
    product('1', { sku: 'MINT/LEMON 50%', name: 'Thé à la menthe' }),
    product('2', { sku: '抹茶 30g', gtin: 4006381333931 }),
    product('3', { sku: 'a\nb', name: { de: 'Tee' } }),
    product('4', { sku: null, name: 'Nameless' }),
  ])
  for (const [text, ids] of [
    ['mint/', ['1']],
    ['THÉ À', ['1']],
    ['茶 3', ['2']],
    ['3339', ['2']],
    ['a\nb', ['3']],
    ['NAMELESS', ['4']],
    ['e', ['1', '4']],
    ['object', []],
    ['.*', []],
  ] as const) {
    t.strictSame(idsFor(index, text), ids, text)
  }
})

tap.test('follows products that are renamed, get another SKU, or are deleted', async (t) => {
  const before = product('1', { sku: 'A', name: 'Old' })
  const index = indexOf([before, product('2', { sku: 'B' })])
  t.strictSame(idsFor(index, 'old'), ['1'])
  const renamed = product('1', { sku: 'C', name: 'New' })
  index.replace(before, renamed)
  t.strictSame([idsFor(index, 'old'), idsFor(index, 'new')], [[], ['1']])
  const changed = { ...renamed, active: false }
  index.replace(renamed, changed)
  t.equal(runToEnd(index.find('c', 20))[0], changed, 'the record is the latest one')
  index.replace(changed, undefined)
  t.strictSame(idsFor(index, 'new'), [])
  index.replace(changed, undefined)
  t.strictSame(idsFor(index, 'b'), ['2'])
  index.clear()
  t.strictSame(idsFor(index, 'b'), [])
})

/** What the index has to find, in no particular order of equal ranks. */
function ranksOf(products: readonly Product[], text: string): Map<string, number> {
  const ranks = new Map<string, number>()
  const part = text.toLowerCase()
  for (const { id, sku, gtin, name } of products) {
    const values = [sku, gtin, name].map((value) => (typeof value === 'string' ? value.toLowerCase() : ''))
    const found = values.flatMap((value, field) => {
      if (value === part) return [field]
      if (value.startsWith(part)) return [3 + field]
      return value.includes(part) ? [6 + field] : []
    })
    if (found.length > 0) ranks.set(String(id), Math.min(...found))
  }
  return ranks
}

tap.test('finds what a search of every text finds, after any changes', async (t) => {
  const text = fc.string({ unit: fc.constantFrom('a', 'B', 'b', '1', ' ', 'é', '茶'), maxLength: 6 })
  const record = fc.record({ sku: fc.option(text), gtin: fc.option(text), name: fc.option(text) })
  const changes = fc.array(fc.tuple(fc.nat(299), fc.option(record)), { minLength: 1, maxLength: 600 })
  const query = fc.string({ unit: fc.constantFrom('a', 'b', '1', ' ', '茶'), minLength: 1, maxLength: 4 })
  await t.resolves(
    fc.assert(
      fc.asyncProperty(changes, fc.array(query, { minLength: 1, maxLength: 5 }), async (steps, queries) => {
        const products = new Map<number, Product>()
        const index = new SearchIndex()
        for (const [n, fields] of steps) {
          const after = fields === null ? undefined : product(`p${n}`, fields)
          index.replace(products.get(n), after)
          if (after) products.set(n, after)
          else products.delete(n)
          if (n % 50 === 0) runToEnd(index.find('a', 20))
        }
        for (const one of queries) {
          const expected = ranksOf(Array.from(products.values()), one)
          const ids = idsFor(index, one)
          const ranks = ids.map((id) => expected.get(id))
          const best = Array.from(expected.values())
            .sort((a, b) => a - b)
            .slice(0, 20)
          if (JSON.stringify(ranks) !== JSON.stringify(best)) {
            throw new Error(`${JSON.stringify(one)}: expected the ranks ${best}, but got ${ranks}`)
          }
        }
      }),
      { numRuns: 60 },
    ),
  )
})
