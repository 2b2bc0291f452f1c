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
  const asked: string[] = []
  const deadlines: number[] = []
  const failures: unknown[] = []
  const upstream = { answer: async (): Promise<readonly Warehouse[]> => [oslo] }
  const warehouses = ({ permitRequest: bid, cause }: CallOptions) => {
    asked.push(`${bid.priority} ${cause}`)
    deadlines.push(bid.deadline() - clock.elapsed())
    return upstream.answer()
  }
  const list = new WarehouseList({
    trackstar: { warehouses },
    clock,
    timeoutMs: 10_000,
    onFailure: (name, error) => failures.push([name, error]),
  })
  const reading = (directives = {}, timeoutMs = 10_000) => new ReadContext('a', clock.elapsed() + timeoutMs, directives)
  const names = async (directives = {}) => [...(await list.names(reading(directives))).keys()]
  return { clock, asked, deadlines, failures, upstream, list, reading, names }
}

const unavailable = () => problem('upstream_unavailable', 'gone')
const never = () => new Promise<never>(() => {})

tap.test('is read once for all who need names first, and kept', async (t) => {
  const { clock, asked, deadlines, names } = start()
  t.strictSame(await Promise.all([names(), names()]), [['wh_oslo'], ['wh_oslo']])
  clock.advance(12 * hour - 1)
  await names()
  t.strictSame(asked, ['caller miss'])
  t.strictSame(deadlines, [10_000])
})

tap.test('is read again behind the answer after 12 hours', async (t) => {
  const { clock, asked, upstream, names } = start()
  await names()
  upstream.answer = async () => [oslo, graz]
  clock.advance(12 * hour)
  t.strictSame(await names(), ['wh_oslo'])
  await settle()
  t.strictSame(await names(), ['wh_oslo', 'wh_graz'])
  t.strictSame(asked, ['caller miss', 'refresh refresh'])
})

tap.test('is empty while it cannot be had, makes only the first wait, and is asked for again later', async (t) => {
  const { clock, asked, failures, upstream, names } = start()
  upstream.answer = () => Promise.reject(unavailable())
  t.strictSame(await names(), [])
  t.match(failures, [['warehouses', { problem: 'upstream_unavailable' }]])
  upstream.answer = never
  clock.advance(5 * 60_000)
  t.strictSame(await names(), [])
  t.strictSame(asked, ['caller miss', 'refresh refresh'])
})

tap.test('asks for an empty list again after five minutes, and forgets no name for it', async (t) => {
  const { clock, asked, upstream, names, list, reading } = start()
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
  t.equal((await list.find('wh_oslo', reading())).value, oslo)
  t.equal(asked.length, 3)
})

tap.test('regression: names held up an answer for longer than its request may take', async (t) => {
  const { upstream, list, reading } = start()
  upstream.answer = never
  const begunAt = performance.now()
  t.equal((await list.names(reading({}, 20))).size, 0)
  t.ok(performance.now() - begunAt < 1000)
})

tap.test('regression: a fault of our own in the background ended the process', async (t) => {
  const { failures, upstream, list, reading, names } = start()
  upstream.answer = () => Promise.reject(new TypeError('a bug'))
  t.strictSame(await names(), [])
  t.match(failures, [['warehouses', TypeError]])
  await t.rejects(list.find('wh_oslo', reading()), new TypeError('a bug'))
})

tap.test('regression: names were asked for on behalf of only-if-cached', async (t) => {
  const { asked, names } = start()
  t.strictSame(await names({ onlyIfCached: true }), [])
  t.strictSame(asked, [])
})

tap.test('finds one warehouse, reading the list where it is not held', async (t) => {
  const { clock, asked, list, reading } = start()
  const first = reading()
  t.strictSame(await list.find('wh_oslo', first), { value: oslo, readAt: clock.now(), stale: false })
  t.equal(first.outcome, 'fwd=miss')
  t.equal(first.calls.size, 1)
  const second = reading()
  t.equal((await list.find('wh_graz', second)).value, undefined)
  t.equal(second.outcome, 'hit')
  t.strictSame(asked, ['caller miss'])
})

tap.test('looks for an unknown warehouse in a list of at most a minute ago', async (t) => {
  const { clock, asked, upstream, list, reading } = start()
  await list.find('wh_graz', reading())
  upstream.answer = async () => [oslo, graz]
  clock.advance(60_000)
  t.equal((await list.find('wh_graz', reading())).value, undefined)
  clock.advance(1)
  const third = reading()
  t.equal((await list.find('wh_graz', third)).value, graz)
  t.equal(third.outcome, 'fwd=stale')
  t.strictSame(asked, ['caller miss', 'forced forced'])
})

tap.test('reads anew for no-cache, out of the share of those who refuse what is held', async (t) => {
  const { clock, asked, list, reading } = start()
  await list.find('wh_oslo', reading())
  clock.advance(1001)
  await list.find('wh_oslo', reading({ noCache: true }))
  t.strictSame(asked, ['caller miss', 'forced forced'])
})

tap.test('throws why it cannot be had, or that it did not come in time', async (t) => {
  const { upstream, list, reading } = start()
  t.match(await problemOf(list.find('wh_oslo', reading({ onlyIfCached: true }))), { problem: 'not_cached' })
  upstream.answer = () => Promise.reject(unavailable())
  t.match(await problemOf(list.find('wh_oslo', reading())), { problem: 'upstream_unavailable' })
  upstream.answer = never
  t.match(await problemOf(list.find('wh_oslo', reading({}, 5))), { problem: 'upstream_timeout' })
})

tap.test('regression: a held warehouse was not served where a forced read came too late', async (t) => {
  const { clock, upstream, list, reading } = start()
  await list.find('wh_oslo', reading())
  upstream.answer = never
  clock.advance(2000)
  t.equal((await list.find('wh_oslo', reading({ noCache: true }, 5))).value, oslo)
})

tap.test('regression: a stale list was served as fresh and never read again', async (t) => {
  const { clock, asked, list, reading } = start()
  await list.find('wh_oslo', reading())
  clock.advance(12 * hour)
  const late = reading()
  t.match(await list.find('wh_oslo', late), { value: oslo, stale: true })
  t.equal(late.outcome, 'stale')
  await settle()
  t.strictSame(asked, ['caller miss', 'refresh refresh'])
  t.match(await list.find('wh_oslo', reading()), { stale: false })
})

tap.test('asks a failing upstream for a stale list no more than once in five minutes', async (t) => {
  const { clock, asked, upstream, list, reading } = start()
  await list.find('wh_oslo', reading())
  upstream.answer = () => Promise.reject(unavailable())
  clock.advance(12 * hour)
  await list.find('wh_oslo', reading())
  await settle()
  await list.find('wh_oslo', reading())
  t.equal(asked.length, 2)
})

tap.test('takes in a warehouse that is announced, once there is a list', async (t) => {
  const { list, names, upstream, asked } = start()
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
  t.equal(asked.length, 1, 'a repeated delivery costs nothing')
})

tap.test('is read again where a delivery does not settle what a warehouse is now', async (t) => {
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
    const { list, names, upstream, asked } = start()
    upstream.answer = async () => [held]
    await names()
    list.store(delivered)
    t.strictSame([...list.known.values()], [held], what)
    t.equal(asked.length, 2, what)
  }
})

tap.test('a list that was being read does not undo a delivery', async (t) => {
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

tap.test('regression: an announcement that came late gave a warehouse its old name back', async (t) => {
  const { list, names, upstream } = start()
  upstream.answer = async () => [{ id: 'wh_new', name: 'new', trackstar_updated_date: '2026-01-02T00:00:00Z' }]
  await names()
  list.store({ id: 'wh_new', name: 'old', trackstar_updated_date: '2026-01-01T00:00:00Z' })
  t.equal(list.known.get('wh_new')?.name, 'new')
})

tap.test('is read again where it is only said that something has changed', async (t) => {
  const { asked, list, names } = start()
  await names()
  list.invalidate()
  await settle()
  t.equal(asked.length, 2)
})

tap.test('can be read before anybody asks, and is not when it is known', async (t) => {
  const { asked, list } = start()
  await list.load()
  t.ok(list.known.size > 0)
  await list.load()
  t.equal(asked.length, 1)
})
