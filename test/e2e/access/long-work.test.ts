import tap from 'tap'
import { counts, needs, newItem, newProduct } from '../../../src/sandbox/new-records.js'
import { eventually, startService } from '../../harness.js'

const kitCount = 60
const skus = Array.from({ length: kitCount }, (_, n) => `KIT-${n}`)

/** A mirrored service with two keys and 60 kits of 20 components. */
async function start() {
  const service = await startService(tap, {
    environment: {
      CATALOG_MODE: 'mirror',
      AUTH_MODE: 'api-key',
      API_KEYS: 'dear:key-of-the-dear,cheap:key-of-the-cheap',
      CLIENT_RATE_LIMIT: '0',
    },
  })
  const { sandbox, get } = service
  for (let n = 0; n < 500; n++) {
    sandbox.data.inventory.set(`part_${n}`, newItem(`part_${n}`, `PART-${n}`, 'Part', [['wh_oslo', counts(50)]]))
  }
  for (const [n, sku] of skus.entries()) {
    const references = Array.from({ length: 20 }, (_, part) => {
      const index = (n * 7 + part * 101) % 500
      return needs(`part_${index}`, `PART-${index}`)
    })
    sandbox.data.products.set(`kit_${n}`, newProduct(`kit_${n}`, sku, 'Kit', references, { is_kit: true }))
  }
  const of = (key: string) => ({ 'x-api-key': `key-of-the-${key}` })
  await eventually(async () => (await get('/stock/low?below=0&limit=1', of('dear'))).statusCode === 200)
  const lines = skus.map((sku) => ({ sku, quantity: 2 }))
  const dear = {
    query: () => service.post('/stock/query', { skus }, of('dear')),
    check: () => service.post('/stock/check', { lines }, of('dear')),
    low: () => get('/stock/low?below=1000&limit=1000&warehouse_id=wh_oslo', of('dear')),
  }
  const cheap = (url = '/products/CUP/stock') => get(url, of('cheap'))
  return { ...service, of, dear, cheap }
}

const shared = start()

tap.test("regression: one key's long requests delayed all others", async (t) => {
  const { dear, cheap } = await shared
  for (const [name, ask] of Object.entries(dear)) {
    let done = 0
    const long = Array.from({ length: 4 }, async () => {
      const { statusCode } = await ask()
      done++
      return statusCode
    })
    const answered: number[] = []
    const statuses = new Set<number>()
    while (done < long.length) {
      statuses.add((await cheap()).statusCode)
      statuses.add((await cheap('/stock?sku=CUP&sku=TEAPOT')).statusCode)
      answered.push(done)
      // Without a socket, requests alone would not let the event loop turn.
      await new Promise((resolve) => setImmediate(resolve))
    }
    t.strictSame([...statuses], [200], name)
    t.strictSame(await Promise.all(long), [200, 200, 200, 200], name)
    t.ok(
      answered.filter((count) => count === 0).length >= 2,
      `${name}: others are answered before the first long request is done`,
    )
  }
})

tap.test('long requests have the same responses in slices', async (t) => {
  const { dear, cheap, post, of } = await shared
  const reply = await dear.query()
  t.equal(Number(reply.headers['content-length']), reply.rawPayload.length)
  t.match(reply.headers, { 'content-type': 'application/json; charset=utf-8', etag: /^W\/"/ })
  const { results } = reply.json()
  t.strictSame(
    results.map(({ sku }: { sku: string }) => sku),
    skus,
  )
  const { as_of: _, ...alone } = (await cheap('/products/KIT-7/stock')).json()
  t.match(results[7].stock, alone)
  const halves = await Promise.all(
    [skus.slice(0, 30), skus.slice(30)].map((half) => post('/stock/query', { skus: half }, of('cheap'))),
  )
  t.match(
    results,
    halves.flatMap((half) =>
      half.json().results.map(({ sku, status }: { sku: string; status: string }) => ({ sku, status })),
    ),
  )
  const again = await dear.query()
  t.equal(again.headers['etag'], reply.headers['etag'])
})
