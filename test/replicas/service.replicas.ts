import tap from 'tap'
import { worstReadsPerSecond } from '../../src/sandbox/call-log.js'
import { generatedSku } from '../../src/sandbox/generated-catalog.js'
import { eventually, seen, startReplicas } from './replicas.js'

const sku = (n: number) => encodeURIComponent(generatedSku(n))

tap.test('three replicas keep the rate together, and answer 500 cold SKUs with few calls', async (t) => {
  const { sandbox, replicas } = await startReplicas(t, 3, {}, { products: 600, latencyMs: 100 })
  const before = sandbox.calls.length
  const skus = Array.from({ length: 500 }, (_, n) => generatedSku(n + 1))
  const answers = await Promise.all(
    replicas.map(({ post }, index) => post('/stock/query', { skus: skus.filter((_, n) => n % 3 === index) })),
  )
  const results = answers.flatMap(({ body }) => body.results)
  t.equal(results.filter(({ status }) => status === 'ok').length, 500)
  const calls = sandbox.calls.slice(before)
  t.ok(calls.length <= 24, `${calls.length} calls`)
  t.ok(worstReadsPerSecond(sandbox.calls) <= 10, `${worstReadsPerSecond(sandbox.calls)} reads in a second`)
  t.notOk(calls.some(({ status }) => status === 429))
})

tap.test('replicas of /status: each has an id of its own, and all know how many there are', async (t) => {
  const { replicas, add } = await startReplicas(t, 2)
  const states = await seen(replicas)
  t.equal(new Set(states.map((state) => state?.id)).size, 2)
  const third = await add()
  await eventually(async () => (await seen([...replicas, third])).every((state) => state?.count === 3))
  third.signal('SIGTERM')
  t.equal((await third.exit).code, 0)
  await eventually(async () => (await seen(replicas)).every((state) => state?.count === 2))
  t.pass('one that stops in order is gone at once')
})

tap.test('a client has one limit at all replicas', async (t) => {
  const { replicas } = await startReplicas(t, 2, { CLIENT_RATE_LIMIT: '40' })
  const before = Number((await replicas[0]?.get('/connections'))?.headers.get('ratelimit-remaining'))
  const answers = []
  for (let n = 0; n < before + 5; n++) answers.push(await replicas[n % 2]?.get('/connections'))
  t.equal(answers.filter((answer) => answer?.status === 200).length, before)
  t.equal(answers.at(-1)?.body.code, 'rate_limited')
})

tap.test('answers go on, and the rate is kept, while Redis is gone and when it is back empty', async (t) => {
  const { sandbox, redis, replicas } = await startReplicas(t, 3, {
    CACHE_TTL_SECONDS: '0',
    CACHE_REVALIDATE_SECONDS: '0',
  })
  let isOver = false
  const statuses = new Set<number>()
  // Each answer waits for upstream.
  const load = replicas.map(async ({ get }, index) => {
    for (let n = 0; !isOver; n++)
      statuses.add((await get(`/products/${sku(1 + ((n * 7 + index) % 200))}/stock`)).status)
  })
  const states = async (wanted: 'ok' | 'down') => (await seen(replicas)).every((state) => state?.redis === wanted)
  await redis.stop()
  await eventually(() => states('down'))
  const alone = sandbox.calls.length
  await eventually(async () => sandbox.calls.length > alone + 8)
  t.equal((await replicas[0]?.get('/readyz'))?.status, 200)
  await redis.start()
  await eventually(() => states('ok'))
  const together = sandbox.calls.length
  await eventually(async () => sandbox.calls.length > together + 15)
  redis.signal('SIGSTOP')
  await eventually(() => states('down'))
  redis.signal('SIGCONT')
  await eventually(() => states('ok'))
  isOver = true
  await Promise.all(load)
  t.strictSame([...statuses], [200])
  t.ok(worstReadsPerSecond(sandbox.calls) <= 10, `${worstReadsPerSecond(sandbox.calls)} reads in a second`)
  t.notOk(sandbox.calls.some(({ status }) => status === 429))
})

tap.test('a replica that is killed costs the others nothing but its share', async (t) => {
  const { sandbox, replicas } = await startReplicas(t, 2, {}, { products: 600, latencyMs: 50 })
  const [one, two] = replicas
  const cold = Array.from({ length: 300 }, async (_, n) =>
    one?.get(`/products/${sku(n + 1)}/stock`).catch(() => undefined),
  )
  one?.signal('SIGKILL')
  const answer = await two?.get(`/products/${sku(400)}/stock`)
  await Promise.all(cold)
  t.equal(answer?.status, 200)
  t.ok(worstReadsPerSecond(sandbox.calls) <= 10)
})
