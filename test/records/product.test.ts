import tap from 'tap'
import { Compile } from 'typebox/compile'
import { Product } from '../../src/records/product.js'
import { createData } from '../../src/sandbox/sandbox-data.js'

const check = Compile(Product)

tap.test('accepts every product of the sandbox', async (t) => {
  const { products } = createData({ products: 200, seed: 1, connectionId: 'c', now: 0 })
  for (const product of products.values()) t.ok(check.Check(product), product.id)
})
