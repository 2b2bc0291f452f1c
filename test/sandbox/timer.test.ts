import tap from 'tap'
import { systemTimer } from '../../src/sandbox/timer.js'

tap.test('calls back after the time, unless it is cancelled', async (t) => {
  const done: string[] = []
  const callOff = systemTimer(1, () => done.push('called off'))
  callOff()
  const finished = new Promise<void>((resolve) => {
    systemTimer(5, () => {
      done.push('done')
      resolve()
    })
  })
  // The timer does not keep the process alive, so something else must.
  const keepRunning = setInterval(() => {}, 1000)
  await finished
  clearInterval(keepRunning)
  t.strictSame(done, ['done'])
})
