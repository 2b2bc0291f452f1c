import { setTimeout as sleep } from 'node:timers/promises'
import tap from 'tap'
import { eventually, startService } from '../../harness.js'
import { isCompared, startMirrored } from './mirrored.js'

tap.test('regression: callers looping over lists kept the mirror from reading changes', async (t) => {
  const service = await startMirrored(t, {
    sandbox: { products: 20 },
    environment: { TRACKSTAR_READ_RATE: '10', SYNC_INTERVAL_SECONDS: '1' },
  })
  const { get, sandbox } = service
  let isOver = false
  const loops = Array.from({ length: 8 }, async () => {
    while (!isOver) {
      await get('/products?limit=10')
      await sleep(20)
    }
  })
  sandbox.move('inv_cup', { by: -10 })
  await eventually(async () => (await get('/products/CUP/stock')).json().available === 30)
  isOver = true
  await Promise.all(loops)
  t.equal((await get('/status')).json().connections[0].mirror.state, 'live')
})

tap.test('regression: callers asking for unknown SKUs kept the catalog from being loaded', async (t) => {
  const service = await startService(t, {
    sandbox: { products: 20, readRate: 0 },
    environment: { CATALOG_MODE: 'mirror', TRACKSTAR_READ_RATE: '5' },
  })
  await service.listen()
  let isOver = false
  const loops = Array.from({ length: 50 }, async (_, caller) => {
    for (let n = 0; !isOver; n++) {
      await service.get(`/products/none-${caller}-${n}/stock`)
      await sleep(20)
    }
  })
  await eventually(() => isCompared(service))
  isOver = true
  await Promise.all(loops)
  t.equal((await service.get('/products/CUP/stock')).json().available, 40)
})
