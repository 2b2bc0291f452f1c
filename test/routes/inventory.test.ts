import tap from 'tap'
import { startService } from '../harness.js'

tap.test('returns the whole record of an item, whatever its id contains', async (t) => {
  const { get, sandbox, newCalls } = await startService(t)
  for (const id of ['inv_sencha', 'inv/mint 50%', 'inv_mix,3', 'inv_抹茶', '__proto__', 'constructor']) {
    const reply = await get(`/inventory/${encodeURIComponent(id)}`)
    t.equal(reply.statusCode, 200, id)
    t.same(reply.json(), { data: JSON.parse(JSON.stringify(sandbox.data.inventory.get(id))) }, id)
  }
  t.equal(newCalls().length, 6)
})

tap.test('answers 404 for an item that Trackstar does not know', async (t) => {
  const { get } = await startService(t)
  for (const id of ['none', 'no,ne', 'ledger']) {
    const reply = await get(`/inventory/${encodeURIComponent(id)}`)
    t.equal(reply.statusCode, 404)
    t.equal(reply.json().code, 'inventory_item_not_found')
  }
  t.equal((await get('/inventory/inv_cup?x=1')).statusCode, 400)
})

tap.test('reports why an item is unavailable', async (t) => {
  const { get, sandbox } = await startService(t)
  sandbox.fault('/wms/inventory*', { body: { data: [{ sku: 'CUP' }] } })
  t.equal((await get('/inventory/inv_cup')).json().code, 'upstream_invalid_response')
  t.equal((await get('/inventory/inv%2Ccup')).json().code, 'upstream_invalid_response')
})
