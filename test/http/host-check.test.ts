import tap from 'tap'
import { getOverSocket, startService } from '../harness.js'

const stock = '/products/SENCHA-100/stock'

tap.test('regression: without keys, a page of another host could call the service (DNS rebinding)', async (t) => {
  const { app, sandbox, get } = await startService(t, { environment: { HOST: 'Stock.internal' } })
  const foreign = [
    'attacker.example',
    'attacker.example:3000',
    'localhost.attacker.example',
    'mylocalhost',
    '127.0.0.1.nip.io',
  ]
  for (const host of [...foreign, 'stock.internal.', 'sub.stock.internal'].filter(
    (name) => name !== 'stock.internal.',
  )) {
    const reply = await get(stock, { host })
    t.equal(reply.statusCode, 421, host)
    t.match(reply.json(), { code: 'misdirected_request', detail: /PUBLIC_URL/ })
    const headers = { host, 'content-type': 'application/json' }
    const payload = { quantity: 1, adjustment_type: 'increase' }
    t.equal((await app.inject({ method: 'PUT', url: '/inventory/inv_cup/adjust', headers, payload })).statusCode, 421)
    for (const url of ['/', '/docs', '/openapi.json', '/status', '/metrics', '/nowhere']) {
      t.equal((await get(url, { host })).statusCode, 421, url)
    }
    t.equal((await get('/livez', { host })).statusCode, 200, 'probes reveal nothing')
  }
  t.equal(sandbox.calls.length, 0)
})

tap.test('accepts loopback names, addresses and the configured host', async (t) => {
  const { get } = await startService(t, { environment: { HOST: 'Stock.internal' } })
  const own = [
    'localhost',
    'LOCALHOST:3000',
    'app.localhost',
    'localhost.',
    '127.0.0.1:3000',
    '127.8.9.1',
    '[::1]:3000',
    '',
  ]
  for (const host of [...own, '10.1.2.3:3000', '[fe80::1]', 'stock.internal:80', 'STOCK.INTERNAL.']) {
    t.equal((await get(stock, { host })).statusCode, 200, host)
  }
})

tap.test('regression: a target in absolute form named a foreign host beside a Host of its own', async (t) => {
  const { listen } = await startService(t)
  const port = await listen()
  const statusOf = async (target: string) => (await getOverSocket(port, target)).status
  for (const host of [
    'attacker.example',
    'ATTACKER.example:3000',
    'localhost@attacker.example',
    'localhost.attacker.example',
  ]) {
    t.equal(await statusOf(`http://${host}${stock}`), 421, host)
  }
  for (const host of ['localhost', '127.0.0.1:3000', '[::1]', 'user@localhost']) {
    t.equal(await statusOf(`http://${host}${stock}`), 200, host)
  }
  t.equal(await statusOf(`${stock}?warehouse_id=http://attacker.example/`), 200)
})

tap.test('accepts any name if callers need a key', async (t) => {
  const { get } = await startService(t, { environment: { AUTH_MODE: 'api-key', API_KEYS: 'shop:hunter2' } })
  t.equal((await get(stock, { host: 'stock.example', 'x-api-key': 'hunter2' })).statusCode, 200)
})
