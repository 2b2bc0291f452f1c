import tap from 'tap'
import { systemClock } from '../../src/trackstar/clock.js'

tap.test('has the time of day, and a time that never goes back', async (t) => {
  const [before, elapsedBefore] = [Date.now(), systemClock.elapsed()]
  const now = systemClock.now()
  t.ok(now >= before && now <= Date.now())
  t.intercept(Date, 'now', { value: () => 0 })
  t.ok(systemClock.elapsed() >= elapsedBefore)
  t.ok(systemClock.elapsed() < before, 'differs from the time of day')
})
