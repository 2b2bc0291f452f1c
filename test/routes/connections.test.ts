import tap from 'tap'
import { startConnections } from '../connections-service.js'
import { eventually, startService } from '../harness.js'

tap.test('lists the connections that the key may use', async (t) => {
  const environment = {
    AUTH_MODE: 'api-key',
    API_KEYS: 'all:key-of-all,some:key-of-some:read:us+au,none:key-of-none:read:gone',
  }
  const { get, keyed, sandbox } = await startConnections(
    t,
    { au: {}, us: { fields: { catalog_mode: 'mirror' } }, ca: { fields: { connection_id: undefined } } },
    { environment },
  )
  const list = async (key: string) => (await get('/connections', keyed(key))).json().data
  await eventually(async () => (await list('key-of-all'))[1].state === 'live')
  t.match(await list('key-of-all'), [
    { name: 'au', kind: 'connection', connection_id: 'conn_au', state: 'on-demand', synced_at: null },
    { name: 'us', kind: 'connection', connection_id: 'conn_us', state: 'live', synced_at: /Z$/ },
    { name: 'ca', kind: 'connection', connection_id: null, state: 'on-demand', synced_at: null },
  ])
  t.match(await list('key-of-some'), [{ name: 'au' }, { name: 'us' }])
  t.equal((await list('key-of-some')).length, 2)
  t.strictSame(await list('key-of-none'), [])
  t.equal((await get('/connections')).statusCode, 401)
  sandbox('au').fault('/wms/*', { status: 401 })
  await get('/products/CUP/stock?connection=au', keyed('key-of-all'))
  t.match(await list('key-of-all'), [{ name: 'au', state: 'refused' }])
})

tap.test('lists the only connection', async (t) => {
  const { get } = await startService(t)
  const reply = await get('/connections')
  t.equal(reply.headers['cache-control'], 'no-store')
  t.strictSame(reply.json(), {
    data: [{ name: 'default', kind: 'connection', connection_id: null, state: 'on-demand', synced_at: null }],
  })
})
