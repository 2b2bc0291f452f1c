import tap from 'tap'
import { SyncStatus } from '../../src/cache/sync-status.js'
import type { SyncState } from '../../src/records/sync-state.js'
import { settle, TestClock } from '../harness.js'

const complete: SyncState = { syncedAt: '2026-11-23T09:31:07Z', errors: [], incomplete: [] }

function start(connectionId: string | undefined = 'conn_1') {
  const clock = new TestClock()
  const asked: string[] = []
  const failures: unknown[] = []
  const upstream = { answer: async (): Promise<SyncState> => complete }
  const connection = (
    id: string,
    { permitRequest: bid }: { permitRequest: { priority: string; deadline: () => number } },
  ) => {
    asked.push(`${id} ${bid.priority} ${bid.deadline() - clock.elapsed()}`)
    return upstream.answer()
  }
  const status = new SyncStatus({
    trackstar: { connection },
    connectionId,
    clock,
    timeoutMs: 10_000,
    onFailure: (name, error) => failures.push([name, error]),
  })
  return { clock, asked, failures, upstream, status }
}

tap.test('reads behind the answer, and seldom', async (t) => {
  const { clock, asked, status } = start()
  t.equal(status.get(), undefined)
  t.equal(status.get(), undefined)
  await settle()
  t.strictSame(status.get(), complete)
  clock.advance(299_999)
  status.get()
  t.strictSame(asked, ['conn_1 refresh 10000'])
  clock.advance(1)
  t.strictSame(status.get(), complete)
  t.equal(asked.length, 2)
})

tap.test('looks again sooner while the first copy is being made', async (t) => {
  const { clock, asked, upstream, status } = start()
  upstream.answer = async () => ({ ...complete, incomplete: ['inventory'] })
  status.get()
  await settle()
  t.strictSame(status.get()?.incomplete, ['inventory'])
  clock.advance(60_000)
  status.get()
  t.equal(asked.length, 2)
})

tap.test('keeps what it knows where it cannot be read, and asks again after a while', async (t) => {
  const { clock, asked, failures, upstream, status } = start()
  status.get()
  await settle()
  const gone = new Error('gone')
  upstream.answer = () => Promise.reject(gone)
  clock.advance(300_000)
  status.get()
  await settle()
  t.strictSame(status.get(), complete)
  t.strictSame(failures, [['connection', gone]])
  t.equal(asked.length, 2)
  clock.advance(60_000)
  status.get()
  t.equal(asked.length, 3)
  await settle()
})

tap.test('asks nothing where the connection is not known or upstream may not be asked', async (t) => {
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
  t.strictSame(unknown.asked, [])
})

tap.test('reads again at once when something is said to have happened', async (t) => {
  const { asked, status } = start()
  status.get()
  await settle()
  status.invalidate()
  t.equal(asked.length, 2)
  await settle()
})

tap.test('reads once more after a read that was under way when something happened', async (t) => {
  const { asked, upstream, status } = start()
  const answers: ((state: SyncState) => void)[] = []
  upstream.answer = () => new Promise((resolve) => answers.push(resolve))
  status.get()
  for (let event = 0; event < 100; event++) status.invalidate()
  t.equal(asked.length, 1, 'regression: each of a hundred events made a call of its own')
  answers[0]?.({ ...complete, incomplete: ['inventory'] })
  await settle()
  t.equal(asked.length, 2)
  t.strictSame(status.get()?.incomplete, ['inventory'])
  answers[1]?.(complete)
  await settle()
  t.strictSame(status.get(), complete)
  t.equal(asked.length, 2)
})
