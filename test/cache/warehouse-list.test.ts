import tap from 'tap'
import { ReadContext } from '../../src/cache/read-context.js'
import { WarehouseList } from '../../src/cache/warehouse-list.js'
import { problem } from '../../src/errors.js'
import type { Warehouse } from '../../src/records/warehouse.js'
import type { CallOptions } from '../../src/trackstar/client.js'
import { problemOf, settle, TestClock } from '../harness.js'

const oslo: Warehouse = { id: 'wh_oslo', name: 'Oslo' }
const graz: Warehouse = { id: 'wh_graz', name: 'Graz' }
const hour = 3600_000

function start() {
  const clock = new TestClock()
  const calls: string[] = []
  const deadlines: number[] = []
  const failures: unknown[] = []
  const upstream = { answer: async (): Promise<readonly Warehouse[]> => [oslo] }
  const warehouses = ({ permitRequest: request, cause }: CallOptions) => {
    calls.push(`${request.priority} ${cause}`)
    deadlines.push(request.deadline() - clock.elapsed())
    return upstream.answer()
  }
  const list = new WarehouseList({
    trackstar: { warehouses },
    clock,
    timeoutMs: 10_000,
    onFailure: (name, error) => failures.push([name, error]),
  })
  const context = (directives = {}, timeoutMs = 10_000) => new ReadContext('a', clock.elapsed() + timeoutMs, directives)
  const names = async (directives = {}) => [...(await list.names(context(directives))).keys()]
  return { clock, calls, deadlines, failures, upstream, list, context, names }
}

const unavailable = () => problem('upstream_unavailable', 'gone')
const never = () => new Promise<never>(() => {})

tap.test('is read once for simultaneous callers, and cached', async (t) => {
  const { clock, calls, deadlines, names } = start()
  t.strictSame(await Promise.all([names(), names()]), [['wh_oslo'], ['wh_oslo']])
  clock.advance(12 * hour - 1)
  await names()
  t.strictSame(calls, ['caller miss'])
  t.strictSame(deadlines, [10_000])
})

tap.test('is refreshed in the background after 12 hours', async (t) => {
  const { clock, calls, upstream, names } = start()
  await names()
  upstream.answer = async () => [oslo, graz]
  clock.advance(12 * hour)
  t.strictSame(await names(), ['wh_oslo'])
  await settle()
  t.strictSame(await names(), ['wh_oslo', 'wh_graz'])
  t.strictSame(calls, ['caller miss', 'refresh refresh'])
})

tap.test('is empty while upstream fails, delays only the first caller, and is read again later', async (t) => {
  const { clock, calls, failures, upstream, names } = start()
  upstream.answer = () => Promise.reject(unavailable())
  t.strictSame(await names(), [])
  t.match(failures, [['warehouses', { problem: 'upstream_unavailable' }]])
  upstream.answer = never
  clock.advance(5 * 60_000)
  t.strictSame(await names(), [])
  t.strictSame(calls, ['caller miss', 'refresh refresh'])
})

tap.test('regression: one failure at startup left all warehouses without names for five minutes', async (t) => {
  const { clock, calls, upstream, names } = start()
  upstream.answer = () => Promise.reject(unavailable())
  await names()
  const pauses = [5, 10, 20, 40, 80, 160, 300, 300]
  for (const [failures, seconds] of pauses.entries()) {
    clock.advance(seconds * 1000 - 1)
    await names()
    t.equal(calls.length, 1 + failures)
    clock.advance(1)
    await names()
    await settle()
    t.equal(calls.length, 2 + failures)
  }
  upstream.answer = async () => [oslo]
  clock.advance(300_000)
  await names()
  await settle()
  t.strictSame(await names(), ['wh_oslo'])
})

tap.test('is read again five minutes after an empty answer, which removes no name', async (t) => {
  const { clock, calls, upstream, names, list, context } = start()
  upstream.answer = async () => []
  t.strictSame(await names(), [])
  upstream.answer = async () => [oslo]
  clock.advance(5 * 60_000)
  await names()
  await settle()
  t.strictSame(await names(), ['wh_oslo'])
  upstream.answer = async () => []
  clock.advance(12 * hour)
  await names()
  await settle()
  t.strictSame(await names(), ['wh_oslo'])
  t.equal((await list.find('wh_oslo', context())).value, oslo)
  t.equal(calls.length, 3)
})

tap.test('regression: reading names delayed a response past the deadline of its request', async (t) => {
  const { upstream, list, context } = start()
  upstream.answer = never
  const begunAt = performance.now()
  t.equal((await list.names(context({}, 20))).size, 0)
  t.ok(performance.now() - begunAt < 1000)
})

tap.test('regression: an error of our own in the background ended the process', async (t) => {
  const { failures, upstream, list, context, names } = start()
  upstream.answer = () => Promise.reject(new TypeError('a bug'))
  t.strictSame(await names(), [])
  t.match(failures, [['warehouses', TypeError]])
  await t.rejects(list.find('wh_oslo', context()), new TypeError('a bug'))
})

tap.test('regression: only-if-cached read the list of names', async (t) => {
  const { calls, names } = start()
  t.strictSame(await names({ onlyIfCached: true }), [])
  t.strictSame(calls, [])
})

tap.test('finds a warehouse by id, and reads the list if it is not cached', async (t) => {
  const { clock, calls, list, context } = start()
  const first = context()
  t.strictSame(await list.find('wh_oslo', first), { value: oslo, readAt: clock.now(), stale: false })
  t.equal(first.outcome, 'fwd=miss')
  t.equal(first.calls.size, 1)
  const second = context()
  t.equal((await list.find('wh_graz', second)).value, undefined)
  t.equal(second.outcome, 'hit')
  t.strictSame(calls, ['caller miss'])
})

tap.test('reads a list older than a minute again for an unknown warehouse', async (t) => {
  const { clock, calls, upstream, list, context } = start()
  await list.find('wh_graz', context())
  upstream.answer = async () => [oslo, graz]
  clock.advance(60_000)
  t.equal((await list.find('wh_graz', context())).value, undefined)
  clock.advance(1)
  const third = context()
  t.equal((await list.find('wh_graz', third)).value, graz)
  t.equal(third.outcome, 'fwd=stale')
  t.strictSame(calls, ['caller miss', 'forced forced'])
})

tap.test('reads again for no-cache at forced priority', async (t) => {
  const { clock, calls, list, context } = start()
  await list.find('wh_oslo', context())
  clock.advance(1001)
  await list.find('wh_oslo', context({ noCache: true }))
  t.strictSame(calls, ['caller miss', 'forced forced'])
})

tap.test('throws if the list cannot be read, or not in time', async (t) => {
  const { upstream, list, context } = start()
  t.match(await problemOf(list.find('wh_oslo', context({ onlyIfCached: true }))), { problem: 'not_cached' })
  upstream.answer = () => Promise.reject(unavailable())
  t.match(await problemOf(list.find('wh_oslo', context())), { problem: 'upstream_unavailable' })
  upstream.answer = never
  t.match(await problemOf(list.find('wh_oslo', context({}, 5))), { problem: 'upstream_timeout' })
})

tap.test('regression: a cached warehouse was not served when a forced read took too long', async (t) => {
  const { clock, upstream, list, context } = start()
  await list.find('wh_oslo', context())
  upstream.answer = never
  clock.advance(2000)
  t.equal((await list.find('wh_oslo', context({ noCache: true }, 5))).value, oslo)
})

tap.test('regression: a stale list was served as fresh and never read again', async (t) => {
  const { clock, calls, list, context } = start()
  await list.find('wh_oslo', context())
  clock.advance(12 * hour)
  const late = context()
  t.match(await list.find('wh_oslo', late), { value: oslo, stale: true })
  t.equal(late.outcome, 'stale')
  await settle()
  t.strictSame(calls, ['caller miss', 'refresh refresh'])
  t.match(await list.find('wh_oslo', context()), { stale: false })
})

tap.test('reads a stale list at most once in five minutes while upstream fails', async (t) => {
  const { clock, calls, upstream, list, context } = start()
  await list.find('wh_oslo', context())
  upstream.answer = () => Promise.reject(unavailable())
  clock.advance(12 * hour)
  await list.find('wh_oslo', context())
  await settle()
  await list.find('wh_oslo', context())
  t.equal(calls.length, 2)
})

tap.test('stores a delivered warehouse once there is a list', async (t) => {
  const { list, names, upstream, calls } = start()
  const dated = (id: string, name: string, second: number) => ({
    id,
    name,
    trackstar_updated_date: `2026-01-01T00:00:0${second}Z`,
  })
  upstream.answer = async () => [dated('wh_oslo', 'Oslo', 1)]
  list.store({ id: 'wh_early', name: 'Early' })
  t.equal(list.known.size, 0)
  await names()
  list.store(dated('wh_oslo', 'Oslo airport', 2))
  t.equal(list.known.get('wh_oslo')?.name, 'Oslo airport')
  list.store(dated('wh_oslo', 'Oslo airport', 2))
  t.equal(calls.length, 1, 'a repeated delivery makes no call')
})

tap.test('is read again if a delivery does not tell what a warehouse is now', async (t) => {
  const second = (n: number) => ({ trackstar_updated_date: `2026-01-01T00:00:0${n}Z` })
  const held = { id: 'wh_oslo', name: 'Oslo', code: 'OSL', ...second(1) }
  const deliveries: [what: string, delivered: Warehouse][] = [
    ['an unknown one, which may be deleted since', { id: 'wh_new', name: 'New', ...second(2) }],
    ['of the same second', { ...held, name: 'Oslo airport' }],
    ['without a date', { id: 'wh_oslo', name: 'Oslo airport', code: 'OSL' }],
    ['a part', { id: 'wh_oslo', ...second(2) }],
    ['one that lacks a field', { id: 'wh_oslo', name: 'Oslo airport', ...second(2) }],
  ]
  for (const [what, delivered] of deliveries) {
    const { list, names, upstream, calls } = start()
    upstream.answer = async () => [held]
    await names()
    list.store(delivered)
    t.strictSame([...list.known.values()], [held], what)
    t.equal(calls.length, 2, what)
  }
})

tap.test('a read that was in progress does not undo a delivery', async (t) => {
  const { clock, list, names, upstream } = start()
  const oslo = (name: string, second: number) => [
    { id: 'wh_oslo', name, trackstar_updated_date: `2026-01-01T00:00:0${second}Z` },
  ]
  upstream.answer = async () => oslo('Oslo', 1)
  await names()
  const answers: ((warehouses: readonly Warehouse[]) => void)[] = []
  upstream.answer = () => new Promise((resolve) => answers.push(resolve))
  clock.advance(12 * hour)
  await names()
  for (const warehouse of oslo('Oslo airport', 2)) list.store(warehouse)
  answers[0]?.(oslo('Oslo', 1))
  await settle()
  answers[1]?.(oslo('Oslo airport', 2))
  await settle()
  t.equal(list.known.get('wh_oslo')?.name, 'Oslo airport')
})

tap.test('regression: a late delivery restored the old name of a warehouse', async (t) => {
  const { list, names, upstream } = start()
  upstream.answer = async () => [{ id: 'wh_new', name: 'new', trackstar_updated_date: '2026-01-02T00:00:00Z' }]
  await names()
  list.store({ id: 'wh_new', name: 'old', trackstar_updated_date: '2026-01-01T00:00:00Z' })
  t.equal(list.known.get('wh_new')?.name, 'new')
})

tap.test('is read again after a delivery without the record', async (t) => {
  const { calls, list, names } = start()
  await names()
  list.invalidate()
  await settle()
  t.equal(calls.length, 2)
})

tap.test('can be read in advance, and is not read again while it is cached', async (t) => {
  const { calls, list } = start()
  await list.load()
  t.ok(list.known.size > 0)
  await list.load()
  t.equal(calls.length, 1)
})
