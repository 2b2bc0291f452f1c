import tap from 'tap'
import { Faults } from '../../src/sandbox/faults.js'

tap.test('matches an exact path or a prefix', async (t) => {
  const faults = new Faults()
  faults.add('/wms/products', { status: 500 })
  faults.add('/wms/inventory*', { status: 501 })
  t.equal(faults.take('GET', '/wms/products')?.status, 500)
  t.equal(faults.take('GET', '/wms/products/p'), undefined)
  t.equal(faults.take('GET', '/wms/inventory')?.status, 501)
  t.equal(faults.take('GET', '/wms/inventory/i')?.status, 501)
  t.equal(faults.take('GET', '/wms'), undefined)
})

tap.test('matches one method only if the fault names it', async (t) => {
  const faults = new Faults()
  faults.add('*', { status: 403, method: 'PUT' })
  t.equal(faults.take('GET', '/'), undefined)
  t.equal(faults.take('PUT', '/')?.status, 403)
})

tap.test('expires after its times, and then the one added before applies', async (t) => {
  const faults = new Faults()
  faults.add('/', { status: 500 })
  faults.add('/', { status: 503, times: 2 })
  t.strictSame(
    [1, 2, 3, 4].map(() => faults.take('GET', '/')?.status),
    [503, 503, 500, 500],
  )
})

tap.test('is removed by the function that adding it returned, while others stay', async (t) => {
  const faults = new Faults()
  faults.add('/', { status: 500 })
  const remove = faults.add('/', { status: 503 })
  remove()
  remove()
  t.equal(faults.take('GET', '/')?.status, 500)
  faults.clear()
  t.equal(faults.take('GET', '/'), undefined)
})
