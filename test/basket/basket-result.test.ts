import Fastify from 'fastify'
import tap from 'tap'
import { checkBasket } from '../../src/basket/basket.js'
import { BasketCheck, basketSchemas } from '../../src/basket/basket-result.js'
import { runToEnd } from '../../src/steps.js'
import { StockIssue } from '../../src/stock/stock.js'
import { item, kit, plain, reference } from '../stock/fixtures.js'

tap.test('serializes a whole response without loss or rounding', async (t) => {
  const result = runToEnd(
    checkBasket({
      lines: [
        { sku: 'A', quantity: 3, product: plain(reference('a', 'A', 0.5)) },
        { sku: 'B', quantity: 2, product: kit(reference('a'), reference('gone', 'GONE')) },
      ],
      items: new Map([['a', item('a', { fulfillable: 1.25 })]]),
      warehouses: new Map(),
    }),
  )
  const problem = { type: 'about:blank', title: 'Not found', status: 404 }
  const unknown = { sku: 'C', requested: 1, available: 0, fulfillable: false, problem }
  const answer = { ...result, lines: [...result.lines, unknown], as_of: '2026-11-23T10:00:00Z', stale: true }
  const app = Fastify()
  t.teardown(() => app.close())
  for (const schema of [...basketSchemas, StockIssue]) app.addSchema(schema)
  app.addSchema({ $id: 'Problem', type: 'object', additionalProperties: true })
  app.get('/', { schema: { response: { 200: { $ref: 'BasketCheck#' } } } }, async () => answer)
  t.strictSame((await app.inject('/')).json(), answer)
  t.strictSame(Object.keys(answer).toSorted(), [...BasketCheck.required].toSorted())
  t.strictSame(result.shortages, [
    { inventory_item_ids: ['a'], sku: null, required: 3.5, available: 1.25, shortfall: 2.25 },
    { inventory_item_ids: ['gone'], sku: 'GONE', required: 2, available: 0, shortfall: 2 },
  ])
})
