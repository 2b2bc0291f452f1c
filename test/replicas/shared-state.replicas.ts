import tap, { type Test } from 'tap'
import { createRedisState } from '../../src/shared-state/redis-state.js'
import { systemClock } from '../../src/trackstar/clock.js'
import { conforms, until } from '../shared-state/conformance.js'
import { RedisServer } from '../shared-state/redis-server.js'

const log = { info() {}, warn() {} }

/** Two replicas on an empty server. */
async function start(t: Test, clientRateLimit = 60_000) {
  const server = await RedisServer.start()
  t.teardown(() => server.stop())
  const states = [1, 2].map(() =>
    createRedisState({ url: server.url, baseUrl: 'http://trackstar', clientRateLimit, clock: systemClock, log }),
  )
  for (const state of states) {
    state.start()
    t.teardown(() => state.close())
  }
  await until(() => states.every(({ replicas }) => replicas?.redis === 'ok'))
  const [one, two] = states
  if (one === undefined || two === undefined) throw new Error('expected two replicas')
  return { server, one, two }
}

conforms('on Redis', start)

tap.test('a ticket cannot be used by reading Redis', async (t) => {
  const { one, server } = await start(t)
  const { ticket } = await one.tickets.issue({ name: 'shop', scopes: ['read'] })
  const { Redis } = await import('ioredis')
  const redis = new Redis(server.url)
  const keys = await redis.keys('*')
  redis.disconnect()
  t.notMatch(keys.join(' '), ticket)
  t.ok(keys.some((key) => key.includes(':ticket:')))
})
