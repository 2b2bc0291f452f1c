import { createInProcessState } from '../../src/shared-state/shared-state.js'
import { systemClock } from '../../src/trackstar/clock.js'
import { conforms } from './conformance.js'

conforms('in one process', async () => {
  const state = createInProcessState(systemClock)
  return { one: state, two: state }
})
