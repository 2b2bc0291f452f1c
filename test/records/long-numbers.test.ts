import tap from 'tap'
import { parseExactKeys } from '../../src/records/long-numbers.js'

tap.test('ids and SKUs that a number cannot hold are text, with all their digits', async (t) => {
  const text = `{"id":9007199254740993,"sku" :\n -9007199254740993 ,"gtin":12345678901234567890,
    "inventory_items":[{"inventory_item_id":12345678901234567891},{"warehouse_customer_id":90071992547409911}]}`
  t.strictSame(parseExactKeys(text), {
    id: '9007199254740993',
    sku: '-9007199254740993',
    gtin: '12345678901234567890',
    inventory_items: [{ inventory_item_id: '12345678901234567891' }, { warehouse_customer_id: '90071992547409911' }],
  })
})

tap.test('everything else is as JSON says', async (t) => {
  for (const text of [
    '{"id":9007199254740991,"sku":1234567890123456}',
    '{"id":12345678901234567.5,"sku":12345678901234567e2,"onhand":12345678901234567890}',
    '{"id":"12345678901234567890","name":"\\"id\\":12345678901234567890,"}',
    '{"note":"{\\"sku\\":12345678901234567890}","name":"id:12345678901234567890"}',
    '["id",12345678901234567890]',
    '12345678901234567890',
  ]) {
    t.strictSame(parseExactKeys(text), JSON.parse(text), text)
  }
  t.throws(() => parseExactKeys('{"id":12345678901234567890'), SyntaxError)
})
