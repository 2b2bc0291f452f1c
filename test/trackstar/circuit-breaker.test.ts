import tap from 'tap'
import {
  CircuitBreaker,
  type CircuitState,
  failuresToOpen,
  openMs,
  type UpstreamHealth,
} from '../../src/trackstar/circuit-breaker.js'
import { TestClock } from '../harness.js'

function start() {
  const clock = new TestClock()
  const changes: CircuitState[] = []
  const circuit = new CircuitBreaker(clock, (state) => changes.push(state))
  const call = (health: UpstreamHealth) => circuit.begin()(health)
  const fail = (times = failuresToOpen) => {
    for (let n = 0; n < times; n++) call('failing')
  }
  return { clock, circuit, changes, call, fail }
}

const refusal = (retryAfter: number) => ({
  message: /suspended/,
  problem: 'upstream_unavailable',
  statusCode: 503,
  extras: { retryAfter },
})

tap.test('opens after so many failures in a row, and then refuses all', async (t) => {
  const { circuit, changes, fail } = start()
  fail(failuresToOpen - 1)
  t.equal(circuit.state, 'closed')
  t.doesNotThrow(() => circuit.check())
  fail(1)
  t.equal(circuit.state, 'open')
  t.throws(() => circuit.check(), refusal(2))
  t.throws(() => circuit.begin(), refusal(2))
  t.strictSame(changes, ['open'])
})

tap.test(
  'counts only failures in a row: an answer starts anew, a call that never got there changes nothing',
  async (t) => {
    const { circuit, changes, call, fail } = start()
    fail(failuresToOpen - 1)
    call('responding')
    fail(failuresToOpen - 1)
    call('unknown')
    t.equal(circuit.state, 'closed')
    fail(1)
    t.equal(circuit.state, 'open')
    t.strictSame(changes, ['open'])
  },
)

tap.test('says when to come back, in whole seconds and one at least', async (t) => {
  const { clock, circuit, fail } = start()
  fail()
  clock.advance(openMs - 1000)
  t.throws(() => circuit.check(), refusal(1))
  clock.advance(999)
  t.throws(() => circuit.check(), refusal(1))
})

tap.test('lets one call try after a while, and refuses the others meanwhile', async (t) => {
  const { clock, circuit, changes, fail } = start()
  fail()
  clock.advance(openMs - 1)
  t.equal(circuit.state, 'open')
  clock.advance(1)
  t.equal(circuit.state, 'half-open')
  t.doesNotThrow(() => circuit.check(), 'to look is not to try')
  const settle = circuit.begin()
  t.equal(circuit.state, 'half-open')
  t.throws(() => circuit.check(), refusal(1))
  t.throws(() => circuit.begin(), refusal(1))
  settle('responding')
  t.equal(circuit.state, 'closed')
  t.doesNotThrow(() => circuit.begin())
  t.strictSame(changes, ['open', 'closed'])
})

tap.test('opens again, without a word, when the trial fails', async (t) => {
  const { clock, circuit, changes, call, fail } = start()
  fail()
  clock.advance(openMs)
  call('failing')
  t.equal(circuit.state, 'open')
  clock.advance(openMs - 1)
  t.throws(() => circuit.check(), refusal(1))
  clock.advance(1)
  t.equal(circuit.state, 'half-open')
  t.strictSame(changes, ['open'])
})

tap.test('stays half-open when the trial never got there, and lets the next call try', async (t) => {
  const { clock, circuit, call, fail } = start()
  fail()
  clock.advance(openMs)
  call('unknown')
  t.equal(circuit.state, 'half-open')
  call('responding')
  t.equal(circuit.state, 'closed')
})

tap.test('does not stay open longer for the late failures of old calls', async (t) => {
  const { clock, circuit, changes, fail } = start()
  const old = [circuit.begin(), circuit.begin()]
  fail()
  clock.advance(openMs - 1)
  old[0]?.('failing')
  clock.advance(1)
  t.equal(circuit.state, 'half-open')
  const settle = circuit.begin()
  old[1]?.('failing')
  t.equal(circuit.state, 'half-open')
  settle('responding')
  t.equal(circuit.state, 'closed')
  t.strictSame(changes, ['open', 'closed'])
})

tap.test('closes for the late answer of an old call, and keeps its one trial should it open again', async (t) => {
  const { clock, circuit, changes, fail } = start()
  const old = circuit.begin()
  fail()
  clock.advance(openMs)
  const trial = circuit.begin()
  old('responding')
  t.equal(circuit.state, 'closed')
  fail()
  clock.advance(openMs)
  t.throws(() => circuit.begin(), refusal(1))
  trial('unknown')
  t.equal(circuit.state, 'half-open')
  t.strictSame(changes, ['open', 'closed', 'open'])
})

tap.test('needs nobody who listens', async (t) => {
  const circuit = new CircuitBreaker(new TestClock())
  for (let n = 0; n < failuresToOpen; n++) circuit.begin()('failing')
  t.equal(circuit.state, 'open')
})
