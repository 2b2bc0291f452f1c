import tap from 'tap'
import { getOverSocket } from '../../harness.js'
import { spawnMain, spawnService } from '../../spawned.js'

const required = { PORT: '0', TRACKSTAR_API_KEY: 'k3y-of-the-organisation', TRACKSTAR_ACCESS_TOKEN: 't0ken' }

tap.jobs = 2

tap.test('refuses to start without keys, and says what to set', { buffered: true }, async (t) => {
  const { ended, complaint, log } = spawnMain(t, required)
  t.strictSame(await ended, { code: 1, signal: null })
  const lines = complaint().split('\n')
  t.equal(lines.filter((line) => line.includes('API_KEYS')).length, 1)
  t.match(complaint(), /^ {2}API_KEYS is missing: expected name:key .*; or AUTH_MODE=none, to let everybody in/m)
  t.notMatch(complaint(), /k3y|t0ken|^ +at /m, 'no secret and no stack')
  t.strictSame(log, [])
})

tap.test('starts with keys, and on a port that is free', { buffered: true }, async (t) => {
  const keys = { AUTH_MODE: '', API_KEYS: 'shop:hunter2' }
  const { port } = await spawnService(t, keys)
  t.equal((await getOverSocket(port, '/products/CUP/stock')).status, 401)
  t.equal((await getOverSocket(port, '/products/CUP/stock', 'Authorization: Bearer hunter2\r\n')).status, 200)
  const { ended, log } = spawnMain(t, { ...required, ...keys, PORT: String(port) })
  t.strictSame(await ended, { code: 1, signal: null })
  t.match(log.at(-1), { level: 60, msg: 'could not start', err: { code: 'EADDRINUSE' } })
})
