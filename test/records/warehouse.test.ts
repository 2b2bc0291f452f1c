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
