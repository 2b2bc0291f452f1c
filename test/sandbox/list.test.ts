import tap from 'tap'
import { productFields } from '../../src/sandbox/filters.js'
import { listPage } from '../../src/sandbox/list.js'
import { PageTokens } from '../../src/sandbox/page-tokens.js'
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

const walk = (query: string, store = records()) => {
  const pages: string[] = []
  let token: string | null = null
  do {
    const { ids, next } = page(`${query}${token === null ? '' : `&page_token=${token}`}`, store)
    pages.push(ids)
    token = next
  } while (token !== null)
  return pages
}

tap.test('gives all where no limit is asked for', async (t) => {
  t.match(page(''), { next: null, total_count: 10 })
})

tap.test('walks page by page, the last one without a token', async (t) => {
  t.strictSame(walk('limit=4'), ['id0,id1,id2,id3', 'id4,id5,id6,id7', 'id8,id9'])
  t.strictSame(walk('limit=5'), ['id0,id1,id2,id3,id4', 'id5,id6,id7,id8,id9'])
})

tap.test('counts the records of the page, not of the list', async (t) => {
  t.equal(page('limit=4').total_count, 4)
})

tap.test('promises another page only if it will have a record', async (t) => {
  t.strictSame(walk('limit=5&warehouse_customer_id=early'), ['id0,id1,id2,id3,id4'])
})

tap.test('filters, with every way to name SKUs', async (t) => {
  t.equal(page('sku=S1').ids, 'id1,id5,id9')
  t.equal(page('sku[in]=S1,S0').ids, 'id0,id1,id4,id5,id8,id9')
  t.equal(page('sku[in]=S1,S0&warehouse_customer_id=late').ids, 'id5,id8,id9')
  t.equal(page('sku[nin]=S1,S0,S2').ids, 'id3,id7')
  t.strictSame(walk('sku[in]=S1,S0&limit=4'), ['id0,id1,id4,id5', 'id8,id9'])
})

tap.test('takes several filters together', async (t) => {
  t.equal(page('sku=S1&sku[neq]=S1').ids, '')
})

tap.test('does not remember filters in the token', async (t) => {
  const { next } = page('limit=1&sku=S1')
  t.equal(page(`page_token=${next}&limit=2`).ids, 'id5,id6')
})

tap.test('ignores every other filter beside ids', async (t) => {
  for (const name of ['ids', 'ids[in]']) {
    t.equal(page(`${name}=id7,id2,gone&sku=S0&colour=green`).ids, 'id2,id7', name)
    t.strictSame(walk(`${name}=id7,id2&limit=1`), ['id2', 'id7'], name)
  }
})

tap.test('goes on where it was while records come and go', async (t) => {
  const store = records()
  const { next } = page('limit=4', store)
  store.delete('id1')
  store.delete('id4')
  store.set('id10', { id: 'id10', sku: 'S', warehouse_customer_id: 'late' })
  t.equal(page(`page_token=${next}`, store).ids, 'id5,id6,id7,id8,id9,id10')
})

const refusals: [query: string, error: RegExp][] = [
  ['limit=0', /^limit: expected an integer from 1 to 1000, but got: 0$/],
  ['limit=1001', /^limit: .* 1001$/],
  ['limit=ten', /^limit: .* ten$/],
  ['page_token=abc', /^page_token: /],
  ['ids[eq]=id1', /^Unknown operator for ids: eq$/],
  ['ids[nin]=id1', /^Unknown operator for ids: nin$/],
  [`ids=${Array(101).fill('x').join()}`, /^ids: expected at most 100 values/],
  ['colour=green', /^Unknown filter field: colour$/],
]

for (const [query, message] of refusals) {
  tap.test(`refuses ${query.slice(0, 20)}`, async (t) => {
    t.throws(() => page(query), { status: 422, message })
  })
}

tap.test('walks a hundred thousand records in linear time', async (t) => {
  const store = new RecordStore<{ id: string }>()
  for (let n = 0; n < 100_000; n++) store.set(`${n}`, { id: `${n}` })
  let looked = 0
  const at = store.at.bind(store)
  store.at = (slot) => {
    looked++
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
  t.ok(looked < 102_000, `${looked} records looked at`)
})

tap.test('meets each record once while records change during the walk', async (t) => {
  const store = records()
  const { ids, next } = page('limit=4', store)
  for (const id of ['id0', 'id3', 'id4', 'id9']) {
    store.set(id, { id, sku: 'CHANGED', warehouse_customer_id: 'late' })
  }
  t.equal(`${ids},${page(`page_token=${next}`, store).ids}`, [...store.keys()].join())
})

tap.test('refuses a token that has expired', async (t) => {
  const tokens = new PageTokens()
  const ask = (query: string) => listPage(records(), productFields, new URLSearchParams(query), tokens)
  const { next_token: token } = ask('limit=4')
  t.equal(ask(`limit=4&page_token=${token}`).data[0]?.id, 'id4')
  tokens.expire()
  t.throws(() => ask(`limit=4&page_token=${token}`), { status: 422, message: 'page_token: has expired' })
  t.equal(ask('limit=4').total_count, 4)
})
