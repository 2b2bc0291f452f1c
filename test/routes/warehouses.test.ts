import tap from 'tap'
import { startService } from '../harness.js'

tap.test('returns the whole record of a warehouse', async (t) => {
  const { get, sandbox } = await startService(t)
  const reply = await get('/warehouses/wh_graz')
  t.strictSame(reply.json(), { data: JSON.parse(JSON.stringify(sandbox.data.warehouses.get('wh_graz'))) })
  t.equal((await get('/warehouses/wh_oslo')).headers['cache-status'], 'trackstar-bff; hit')
  t.equal(sandbox.calls.length, 1)
})

tap.test('answers 404 for a warehouse that is not in the list', async (t) => {
  const { get } = await startService(t)
  for (const id of ['none', '__proto__', 'constructor']) {
    const reply = await get(`/warehouses/${id}`)
    t.equal(reply.statusCode, 404)
    t.equal(reply.json().code, 'warehouse_not_found')
  }
})

tap.test('reports why the list is unavailable', async (t) => {
  const { get, sandbox } = await startService(t)
  sandbox.fault('/wms/warehouses', { status: 500 })
  t.equal((await get('/warehouses/wh_oslo')).json().code, 'upstream_unavailable')
  const cached = await get('/warehouses/wh_oslo', { 'cache-control': 'only-if-cached' })
  t.equal(cached.json().code, 'not_cached')
})
