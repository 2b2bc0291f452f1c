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

tap.test('opens after a number of consecutive failures, and then rejects every call', async (t) => {
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

tap.test('is reset by a response, and unchanged by a call that was never sent', async (t) => {
  const { circuit, changes, call, fail } = start()
  fail(failuresToOpen - 1)
  call('responding')
  fail(failuresToOpen - 1)
  call('unknown')
  t.equal(circuit.state, 'closed')
  fail(1)
  t.equal(circuit.state, 'open')
  t.strictSame(changes, ['open'])
})

tap.test('says when to retry, in whole seconds and at least one', async (t) => {
  const { clock, circuit, fail } = start()
  fail()
  clock.advance(openMs - 1000)
  t.throws(() => circuit.check(), refusal(1))
  clock.advance(999)
  t.throws(() => circuit.check(), refusal(1))
})

tap.test('allows one trial after a while, and rejects the others meanwhile', async (t) => {
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

tap.test('opens again without a report when the trial fails', async (t) => {
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

tap.test('stays half-open when the trial was never sent, and allows the next one', async (t) => {
  const { clock, circuit, call, fail } = start()
  fail()
  clock.advance(openMs)
  call('unknown')
  t.equal(circuit.state, 'half-open')
  call('responding')
  t.equal(circuit.state, 'closed')
})

tap.test('is not kept open longer by late failures of earlier calls', async (t) => {
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

tap.test('closes on a late response to an earlier call, and allows one trial if it opens again', async (t) => {
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

tap.test('works without a listener', async (t) => {
  const circuit = new CircuitBreaker(new TestClock())
  for (let n = 0; n < failuresToOpen; n++) circuit.begin()('failing')
  t.equal(circuit.state, 'open')
})
