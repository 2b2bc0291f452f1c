import tap from 'tap'
import {
  inventoryFields,
  listPage,
  PageTokens,
  parseFilter,
  productFields,
  splitName,
} from '../../src/sandbox/listing.js'
import { RecordStore } from '../../src/sandbox/record-store.js'

const records = () => {
  const store = new RecordStore<{ id: string; sku: string; warehouse_customer_id: string }>()
  for (let n = 0; n < 10; n++) {
    store.set(`id${n}`, { id: `id${n}`, sku: `S${n % 4}`, warehouse_customer_id: n < 5 ? 'early' : 'late' })
  }
  return store
}

const page = (query: string, store = records()) => {
  const { data, next_token, total_count } = listPage(store, productFields, new URLSearchParams(query))
  return { ids: data.map(({ id }) => id).join(), next: next_token, total_count }
}

const listAll = (query: string, store = records()) => {
  const pages: string[] = []
  let token: string | null = null
  do {
    const { ids, next } = page(`${query}${token === null ? '' : `&page_token=${token}`}`, store)
    pages.push(ids)
    token = next
  } while (token !== null)
  return pages
}

tap.test('returns all records without a limit', async (t) => {
  t.match(page(''), { next: null, total_count: 10 })
})

tap.test('returns page after page, the last one without a token', async (t) => {
  t.strictSame(listAll('limit=4'), ['id0,id1,id2,id3', 'id4,id5,id6,id7', 'id8,id9'])
  t.strictSame(listAll('limit=5'), ['id0,id1,id2,id3,id4', 'id5,id6,id7,id8,id9'])
})

tap.test('counts the records of the page, not of the list', async (t) => {
  t.equal(page('limit=4').total_count, 4)
})

tap.test('returns a token only if another record follows', async (t) => {
  t.strictSame(listAll('limit=5&warehouse_customer_id=early'), ['id0,id1,id2,id3,id4'])
})

tap.test('filters by SKU with every operator', async (t) => {
  t.equal(page('sku=S1').ids, 'id1,id5,id9')
  t.equal(page('sku[in]=S1,S0').ids, 'id0,id1,id4,id5,id8,id9')
  t.equal(page('sku[in]=S1,S0&warehouse_customer_id=late').ids, 'id5,id8,id9')
  t.equal(page('sku[nin]=S1,S0,S2').ids, 'id3,id7')
  t.strictSame(listAll('sku[in]=S1,S0&limit=4'), ['id0,id1,id4,id5', 'id8,id9'])
})

tap.test('combines filters', async (t) => {
  t.equal(page('sku=S1&sku[neq]=S1').ids, '')
})

tap.test('does not store filters in the token', async (t) => {
  const { next } = page('limit=1&sku=S1')
  t.equal(page(`page_token=${next}&limit=2`).ids, 'id5,id6')
})

tap.test('ignores every other filter next to ids', async (t) => {
  for (const name of ['ids', 'ids[in]']) {
    t.equal(page(`${name}=id7,id2,gone&sku=S0&colour=green`).ids, 'id2,id7', name)
    t.strictSame(listAll(`${name}=id7,id2&limit=1`), ['id2', 'id7'], name)
  }
})

tap.test('continues at the same slot after records were added and deleted', async (t) => {
  const store = records()
  const { next } = page('limit=4', store)
  store.delete('id1')
  store.delete('id4')
  store.set('id10', { id: 'id10', sku: 'S', warehouse_customer_id: 'late' })
  t.equal(page(`page_token=${next}`, store).ids, 'id5,id6,id7,id8,id9,id10')
})

const badQueries: [query: string, error: RegExp][] = [
  ['limit=0', /^limit: expected an integer from 1 to 1000, but got: 0$/],
  ['limit=1001', /^limit: .* 1001$/],
  ['limit=ten', /^limit: .* ten$/],
  ['page_token=abc', /^page_token: /],
  ['ids[eq]=id1', /^Unknown operator for ids: eq$/],
  ['ids[nin]=id1', /^Unknown operator for ids: nin$/],
  [`ids=${Array(101).fill('x').join()}`, /^ids: expected at most 100 values/],
  ['colour=green', /^Unknown filter field: colour$/],
]

for (const [query, message] of badQueries) {
  tap.test(`rejects ${query.slice(0, 20)}`, async (t) => {
    t.throws(() => page(query), { status: 422, message })
  })
}

tap.test('pages through a hundred thousand records in linear time', async (t) => {
  const store = new RecordStore<{ id: string }>()
  for (let n = 0; n < 100_000; n++) store.set(`${n}`, { id: `${n}` })
  let reads = 0
  const at = store.at.bind(store)
  store.at = (slot) => {
    reads++
    return at(slot)
  }
  let token: string | null = null
  let pages = 0
  do {
    const query = new URLSearchParams(token === null ? { limit: '100' } : { limit: '100', page_token: token })
    token = listPage(store, productFields, query).next_token
    pages++
  } while (token !== null)
  t.equal(pages, 1000)
  t.ok(reads < 102_000, `${reads} records reads at`)
})

tap.test('returns each record once while records change between the pages', async (t) => {
  const store = records()
  const { ids, next } = page('limit=4', store)
  for (const id of ['id0', 'id3', 'id4', 'id9']) {
    store.set(id, { id, sku: 'CHANGED', warehouse_customer_id: 'late' })
  }
  t.equal(`${ids},${page(`page_token=${next}`, store).ids}`, [...store.keys()].join())
})

tap.test('rejects an expired token', async (t) => {
  const tokens = new PageTokens()
  const list = (query: string) => listPage(records(), productFields, new URLSearchParams(query), tokens)
  const { next_token: token } = list('limit=4')
  t.equal(list(`limit=4&page_token=${token}`).data[0]?.id, 'id4')
  tokens.expire()
  t.throws(() => list(`limit=4&page_token=${token}`), { status: 422, message: 'page_token: has expired' })
  t.equal(list('limit=4').total_count, 4)
})

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
    t.equal(filter.matches(bare), matchesBare, 'a record without a value')
  })
}

const badFilters: [name: string, value: string, error: string][] = [
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

for (const [name, value, error] of badFilters) {
  tap.test(`rejects ${name}=${value.slice(0, 10)}`, async (t) => {
    t.throws(() => parseFilter(inventoryFields, name, value), { status: 422, origin: 'trackstar', message: error })
  })
}

tap.test('filters by `active` in inventory only', async (t) => {
  t.throws(() => parseFilter(productFields, 'active', 'true'), { status: 422, message: 'Unknown filter field: active' })
})

tap.test('accepts 100 values, and splits at commas only in lists', async (t) => {
  t.equal(parseFilter(productFields, 'sku[in]', Array(100).fill('x').join()).values.length, 100)
  t.strictSame(parseFilter(productFields, 'sku', 'a,b').values, ['a,b'])
})

tap.test('splits a name into field and operator', async (t) => {
  t.strictSame(splitName('sku'), { field: 'sku', operator: 'eq' })
  t.strictSame(splitName('sku[in]'), { field: 'sku', operator: 'in' })
})

tap.test('reads its own tokens, and starts at 0 without one', async (t) => {
  const tokens = new PageTokens()
  t.equal(tokens.slotOf(tokens.tokenOf(1234)), 1234)
  t.equal(tokens.slotOf(null), 0)
})

tap.test('rejects malformed tokens', async (t) => {
  for (const token of ['', 'abc', Buffer.from('1').toString('base64url')]) {
    t.throws(() => new PageTokens().slotOf(token), { status: 422, message: /^page_token: expected/ })
  }
})

tap.test('rejects tokens from before they expired, and reads later ones', async (t) => {
  const tokens = new PageTokens()
  const old = tokens.tokenOf(7)
  tokens.expire()
  t.throws(() => tokens.slotOf(old), { status: 422, origin: 'trackstar', message: 'page_token: has expired' })
  t.equal(tokens.slotOf(tokens.tokenOf(7)), 7)
})
