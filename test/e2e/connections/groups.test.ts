import tap from 'tap'
import { startConnections } from '../../connections-service.js'

const both = ['au', 'us']
const environment = {
  AUTH_MODE: 'api-key',
  API_KEYS: [
    'all:key-of-all-of-them:read',
    'group:key-of-the-group-only:read:both',
    'mixed:key-of-one-and-group:read:au+both',
  ].join(),
}

tap.test('lists the groups of a key behind its connections', async (t) => {
  const { get, keyed } = await startConnections(t, { au: {}, us: {} }, { environment, groups: { both } })
  const listed = async (key: string) => (await get('/connections', keyed(key))).json().data
  t.match(await listed('key-of-all-of-them'), [
    { name: 'au', kind: 'connection', connections: undefined },
    { name: 'us', kind: 'connection' },
    { name: 'both', kind: 'group', connections: both, connection_id: null, state: 'on-demand', synced_at: null },
  ])
  t.match(await listed('key-of-the-group-only'), [{ name: 'both' }])
  t.match(await listed('key-of-one-and-group'), [{ name: 'au' }, { name: 'both' }])
})

tap.test('routes of one connection refuse a group, and say which connections the key may use', async (t) => {
  const { get, keyed } = await startConnections(t, { au: {}, us: {} }, { environment, groups: { both } })
  const refused = async (url: string, key: string, connections: readonly string[]) => {
    const reply = await get(url, keyed(key))
    t.match([reply.statusCode, reply.json()], [400, { code: 'connection_required', connections }])
  }
  await refused('/products?connection=both', 'key-of-all-of-them', both)
  await refused('/products', 'key-of-all-of-them', both)
  await refused('/products?connection=both', 'key-of-one-and-group', ['au'])
  await refused('/products', 'key-of-the-group-only', [])
  const missing = await get('/products?connection=us', keyed('key-of-one-and-group'))
  t.match([missing.statusCode, missing.json()], [404, { code: 'connection_not_found' }])
})
