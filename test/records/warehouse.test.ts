import tap from 'tap'
import { Compile } from 'typebox/compile'
import { Warehouse } from '../../src/records/warehouse.js'
import { createData } from '../../src/sandbox/sandbox-data.js'

const check = Compile(Warehouse)

tap.test('accepts every warehouse of the sandbox', async (t) => {
  const { warehouses } = createData({ products: 40, seed: 1, connectionId: 'c', now: 0 })
  t.ok(warehouses.size > 0)
  for (const warehouse of warehouses.values()) t.ok(check.Check(warehouse), warehouse.id)
})

tap.test('accepts a warehouse without name, code and address, and any address fields', async (t) => {
  t.ok(check.Check({ id: 'w' }))
  t.ok(check.Check({ id: 'w', name: null, code: null, address: null }))
  t.ok(check.Check({ id: 'w', address: { city: null, planet: 'Earth' } }))
  t.notOk(check.Check({ id: 'w', address: 'Oslo' }))
  t.notOk(check.Check({ id: 'w', code: 5 }))
})
