import tap from 'tap'
import { Envelope, PageEnvelope, passThrough } from '../../src/routes/schemas.js'

tap.test('serialises a record unchanged', async (t) => {
  t.equal(passThrough()({ data: { id: 'x', more: [1] } }), '{"data":{"id":"x","more":[1]}}')
})

tap.test('names the record by its schema', async (t) => {
  t.match(Envelope('Product'), { properties: { data: { $ref: 'Product#' } } })
  t.match(PageEnvelope('Product'), { properties: { data: { items: { $ref: 'Product#' } } } })
})
