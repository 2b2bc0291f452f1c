import t from 'tap'
import type { Product } from '../../src/records/product.js'
import { selectProduct } from '../../src/stock/selection.js'

const product = (id: string, fields: Partial<Product> = {}): Product => ({ id, sku: 'A', ...fields })
const ofA = (id: string, active: boolean | null = null) => product(id, { warehouse_customer_id: 'cust_a', active })

t.test('finds nothing without products', async (t) => {
  t.strictSame(selectProduct([]), { status: 'not_found' })
})

t.test('selects the only product, active or not', async (t) => {
  const only = ofA('p1', false)
  t.strictSame(selectProduct([only]), { status: 'ok', product: only })
})

t.test('filters by the given merchant first', async (t) => {
  const otherMerchant = product('p2', { warehouse_customer_id: 'cust_b', active: false })
  t.strictSame(selectProduct([ofA('p1', true), otherMerchant], 'cust_b'), { status: 'ok', product: otherMerchant })
  t.strictSame(selectProduct([ofA('p1')], 'cust_b'), { status: 'not_found' })
  t.strictSame(selectProduct([product('p1'), product('p2', { warehouse_customer_id: null })], 'cust_a'), {
    status: 'not_found',
  })
})

t.test('never chooses between merchants, even if only one product is active', async (t) => {
  const products = [ofA('p1', true), product('p2', { warehouse_customer_id: 'cust_b', active: false, name: 'Tent' })]
  t.strictSame(selectProduct(products), { status: 'ambiguous', products })
  t.equal(selectProduct([ofA('p1', true), product('p2', { active: false })]).status, 'ambiguous')
})

t.test('selects the only active product of one merchant', async (t) => {
  const active = ofA('p2', true)
  t.strictSame(selectProduct([ofA('p1', false), active, ofA('p3', null), ofA('p4')]), { status: 'ok', product: active })
  const unowned = product('p6', { active: true, warehouse_customer_id: null })
  t.strictSame(selectProduct([product('p5', { active: false }), unowned]), { status: 'ok', product: unowned })
})

t.test('is ambiguous with several active products of one merchant, or none', async (t) => {
  t.equal(selectProduct([ofA('p1', true), ofA('p2', true)]).status, 'ambiguous')
  t.equal(selectProduct([ofA('p1', false), ofA('p2', false)], 'cust_a').status, 'ambiguous')
  t.equal(selectProduct([ofA('p1', null), ofA('p2', false)]).status, 'ambiguous')
})
