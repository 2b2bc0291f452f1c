import tap from 'tap'
import { SyncStatus } from '../../src/cache/sync-status.js'
import type { ReadConnection } from '../../src/trackstar/client.js'
import { settle, TestClock } from '../harness.js'

const complete = { syncedAt: '2026-11-23T09:31:07Z', errors: [], incomplete: [] }
const reported: ReadConnection = { ...complete, schedules: [], date: undefined }

function start(connectionId: string | undefined = 'conn_1') {
  const clock = new TestClock()
  const calls: string[] = []
  const failures: unknown[] = []
  const upstream = { answer: async (): Promise<ReadConnection> => reported }
  const connection = (
    id: string,
    { permitRequest: request }: { permitRequest: { priority: string; deadline: () => number } },
  ) => {
    calls.push(`${id} ${request.priority} ${request.deadline() - clock.elapsed()}`)
    return upstream.answer()
  }
  const status = new SyncStatus({
    trackstar: { connection },
    connectionId,
    clock,
    timeoutMs: 10_000,
    onFailure: (name, error) => failures.push([name, error]),
  })
  return { clock, calls, failures, upstream, status }
}

tap.test('reads in the background, at most once per interval', async (t) => {
  const { clock, calls, status } = start()
  t.equal(status.get(), undefined)
  t.equal(status.get(), undefined)
  await settle()
  t.strictSame(status.get(), complete)
  clock.advance(299_999)
  status.get()
  t.strictSame(calls, ['conn_1 refresh 10000'])
  clock.advance(1)
  t.strictSame(status.get(), complete)
  t.equal(calls.length, 2)
})

tap.test('reads more often while the first sync is in progress', async (t) => {
  const { clock, calls, upstream, status } = start()
  upstream.answer = async () => ({ ...reported, incomplete: ['inventory'] })
  status.get()
  await settle()
  t.strictSame(status.get()?.incomplete, ['inventory'])
  clock.advance(60_000)
  status.get()
  t.equal(calls.length, 2)
})

tap.test('keeps the last status if a read fails, and retries later', async (t) => {
  const { clock, calls, failures, upstream, status } = start()
  status.get()
  await settle()
  const gone = new Error('gone')
  upstream.answer = () => Promise.reject(gone)
  clock.advance(300_000)
  status.get()
  await settle()
  t.strictSame(status.get(), complete)
  t.strictSame(failures, [['connection', gone]])
  t.equal(calls.length, 2)
  clock.advance(60_000)
  status.get()
  t.equal(calls.length, 3)
  await settle()
})

tap.test('reads nothing without a connection id or for only-if-cached', async (t) => {
  const unknown = start()
  const nameless = new SyncStatus({
    trackstar: { connection: () => t.fail('was read') as never },
    connectionId: undefined,
    clock: unknown.clock,
    timeoutMs: 1000,
    onFailure() {},
  })
  t.equal(nameless.get(), undefined)
  t.equal(unknown.status.get(false), undefined)
  t.strictSame(unknown.calls, [])
})

tap.test('reads again at once after an event', async (t) => {
  const { calls, status } = start()
  status.get()
  await settle()
  status.invalidate()
  t.equal(calls.length, 2)
  await settle()
})

tap.test('reads once more after a read that was in progress at an event', async (t) => {
  const { calls, upstream, status } = start()
  const answers: ((state: ReadConnection) => void)[] = []
  upstream.answer = () => new Promise((resolve) => answers.push(resolve))
  status.get()
  for (let event = 0; event < 100; event++) status.invalidate()
  t.equal(calls.length, 1, 'regression: each of a hundred events made a call')
  answers[0]?.({ ...reported, incomplete: ['inventory'] })
  await settle()
  t.equal(calls.length, 2)
  t.strictSame(status.get()?.incomplete, ['inventory'])
  answers[1]?.(reported)
  await settle()
  t.strictSame(status.get(), complete)
  t.equal(calls.length, 2)
})
