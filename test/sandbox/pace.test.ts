import tap from 'tap'
import { Pace } from '../../src/sandbox/pace.js'
import { ManualTimer } from './manual-timer.js'

const pacing = (perSecond: number) => {
  const hand = new ManualTimer()
  const work = { done: 0 }
  const pace = new Pace(perSecond, () => work.done++, hand.now, hand.timer)
  return { hand, work, pace }
}

tap.test('keeps its pace, however much faster or slower than the timer', async (t) => {
  for (const perSecond of [0.5, 1, 3, 40, 5000]) {
    const { hand, work, pace } = pacing(perSecond)
    hand.advance(1000)
    t.equal(work.done, 0, 'not begun')
    pace.start()
    hand.advance(10_000)
    t.ok(Math.abs(work.done / (10 * perSecond) - 1) < 0.001, `${work.done} at ${perSecond} a second`)
    pace.stop()
    hand.advance(10_000)
    t.equal(hand.waiting, 0)
  }
})

tap.test('stands still at 0, until it is told otherwise', async (t) => {
  const { hand, work, pace } = pacing(0)
  pace.start()
  hand.advance(10_000)
  t.equal(work.done, 0)
  pace.perSecond = 2
  t.equal(pace.perSecond, 2)
  hand.advance(1000)
  t.equal(work.done, 2)
  pace.perSecond = 0
  hand.advance(10_000)
  t.equal(work.done, 2)
})

tap.test('does not begin by being told a pace', async (t) => {
  const { hand, work, pace } = pacing(0)
  pace.perSecond = 5
  hand.advance(1000)
  t.equal(work.done, 0)
})

tap.test('makes up for a second at most when the clock leaps, and waits for no clock that was put back', async (t) => {
  const { hand, work, pace } = pacing(10)
  pace.start()
  hand.leap(3_600_000)
  hand.advance(100)
  t.equal(work.done, 11)
  hand.leap(-3_600_000)
  hand.advance(100)
  t.equal(work.done, 11)
  hand.advance(1000)
  t.equal(work.done, 21)
})
