import tap from 'tap'
import { isProblem } from '../../src/errors.js'
import { documentedListQuery, filterFields, listQuery, toFilters } from '../../src/routes/lists.js'

tap.test('takes every documented field with every operator of its own, and paging', async (t) => {
  const names = (resource: keyof typeof filterFields) => Object.keys(Object(listQuery(resource)).properties)
  t.ok(names('inventory').includes('active[neq]'))
  t.notOk(names('products').includes('active'))
  t.ok(names('products').includes('sku[not_contains]'))
  t.notOk(names('products').includes('created_date[contains]'))
  t.strictSame(names('warehouses'), ['limit', 'page_token', 'ids', 'ids[in]'])
})

tap.test('documents one parameter a field', async (t) => {
  const { properties } = Object(documentedListQuery('products'))
  t.strictSame(Object.keys(properties), ['limit', 'page_token', 'ids', ...Object.keys(filterFields.products)])
  t.match(properties.sku, { style: 'deepObject', explode: true })
})

tap.test('passes on what was given, as text', async (t) => {
  t.strictSame(toFilters({ limit: 5, 'sku[in]': 'a,b', active: 'true', ids: 'x' }), {
    limit: '5',
    'sku[in]': 'a,b',
    active: 'true',
    'ids[in]': 'x',
  })
})

tap.test('refuses a list of more values than Trackstar takes', async (t) => {
  const list = (count: number) => Array.from({ length: count }, (_, n) => n).join(',')
  t.same(toFilters({ 'sku[nin]': list(100) }), { 'sku[nin]': list(100) })
  for (const name of ['sku[in]', 'sku[nin]', 'ids', 'ids[in]']) {
    try {
      toFilters({ [name]: list(101) })
      t.fail('was taken')
    } catch (error) {
      t.ok(isProblem(error, 'validation_failed') && error.extras.errors?.[0]?.field === name)
    }
  }
  t.same(toFilters({ 'sku[contains]': list(101) }), { 'sku[contains]': list(101) }, 'a text with commas is no list')
})
