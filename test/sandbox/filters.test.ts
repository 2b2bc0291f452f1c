import tap from 'tap'
import { inventoryFields, parseFilter, productFields, splitName } from '../../src/sandbox/filters.js'

const record = {
  sku: 'OOLONG',
  active: true,
  trackstar_updated_date: '2025-06-01T12:00:00Z',
  trackstar_tags: ['green', { season: 'spring' }],
}
const bare = { sku: null, active: null, trackstar_updated_date: 'one day', trackstar_tags: null }

const cases: [name: string, value: string, matches: boolean, matchesBare: boolean][] = [
  ['sku', 'OOLONG', true, false],
  ['sku[eq]', 'oolong', false, false],
  ['sku[neq]', 'OOLONG', false, true],
  ['sku[in]', 'ASSAM,OOLONG', true, false],
  ['sku[nin]', 'ASSAM,OOLONG', false, true],
  ['sku[contains]', 'OLO', true, false],
  ['sku[not_contains]', 'OLO', false, true],
  ['sku[gt]', 'OOLONG', false, false],
  ['sku[gte]', 'OOLONG', true, false],
  ['sku[lt]', 'OOLONH', true, false],
  ['sku[lte]', 'OOLONF', false, false],
  ['active', 'true', true, false],
  ['active[neq]', 'false', true, true],
  ['active[in]', 'true,false', true, false],
  ['trackstar_updated_date[gte]', '2025-06-01T14:00:00+02:00', true, false],
  ['trackstar_updated_date[gt]', '2025-06-01T12:00:00.000Z', false, false],
  ['trackstar_updated_date[lt]', '2025-06-02', true, false],
  ['trackstar_updated_date', '2025-06-01T12:00Z', true, false],
  ['trackstar_tags', 'green', true, false],
  ['trackstar_tags', 'season', true, false],
  ['trackstar_tags', 'spring', false, false],
  ['trackstar_tags[neq]', 'green', false, true],
  ['trackstar_tags[in]', 'black,season', true, false],
  ['trackstar_tags[nin]', 'black,white', true, true],
  ['trackstar_tags[contains]', 'eas', true, false],
  ['trackstar_tags[not_contains]', 'gree', false, true],
]

for (const [name, value, matches, matchesBare] of cases) {
  tap.test(`${name}=${value} ${matches ? 'takes' : 'leaves'} the record`, async (t) => {
    const filter = parseFilter(inventoryFields, name, value)
    t.equal(filter.matches(record), matches)
    t.equal(filter.matches(bare), matchesBare, 'and one that states nothing')
  })
}

const refusals: [name: string, value: string, error: string][] = [
  ['colour', 'green', 'Unknown filter field: colour'],
  ['__proto__', 'x', 'Unknown filter field: __proto__'],
  ['sku[', 'x', 'Unknown filter field: sku['],
  ['limit[eq]', '1', 'Unknown filter field: limit'],
  ['sku[like]', 'x', 'Unknown operator for sku: like'],
  ['sku[]', 'x', 'Unknown operator for sku: '],
  ['active[gt]', 'true', 'Unknown operator for active: gt'],
  ['trackstar_tags[gt]', 'x', 'Unknown operator for trackstar_tags: gt'],
  ['updated_date[contains]', '2025', 'Unknown operator for updated_date: contains'],
  ['active', 'yes', 'active: expected true or false, but got: yes'],
  ['updated_date[gte]', 'soon', 'updated_date[gte]: expected an ISO 8601 time, but got: soon'],
  ['updated_date', '2025-13-01', 'updated_date: expected an ISO 8601 time, but got: 2025-13-01'],
  ['sku[in]', Array(101).fill('x').join(), 'sku[in]: expected at most 100 values, but got: 101'],
  ['sku[nin]', Array(101).fill('x').join(), 'sku[nin]: expected at most 100 values, but got: 101'],
]

for (const [name, value, error] of refusals) {
  tap.test(`refuses ${name}=${value.slice(0, 10)}`, async (t) => {
    t.throws(() => parseFilter(inventoryFields, name, value), { status: 422, origin: 'trackstar', message: error })
  })
}

tap.test('knows `active` for inventory alone', async (t) => {
  t.throws(() => parseFilter(productFields, 'active', 'true'), { status: 422, message: 'Unknown filter field: active' })
})

tap.test('takes 100 values, and a comma only outside of lists', async (t) => {
  t.equal(parseFilter(productFields, 'sku[in]', Array(100).fill('x').join()).values.length, 100)
  t.strictSame(parseFilter(productFields, 'sku', 'a,b').values, ['a,b'])
})

tap.test('splits a name into field and operator', async (t) => {
  t.strictSame(splitName('sku'), { field: 'sku', operator: 'eq' })
  t.strictSame(splitName('sku[in]'), { field: 'sku', operator: 'in' })
})
