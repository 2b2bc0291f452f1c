import crypto, { hash } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import tap from 'tap'
import { apiKeys } from '../../src/config/formats.js'
import { KeyStore } from '../../src/http/auth.js'

const keyring = (given: string) => new KeyStore(apiKeys.parse(given) ?? [])

tap.test('says whose key it is, wherever in the list it stands', async (t) => {
  const keys = keyring('shop:one,office:two:read+write,robot:three')
  t.strictSame(keys.find('one'), { name: 'shop', scopes: ['read'] })
  t.strictSame(keys.find('two'), { name: 'office', scopes: ['read', 'write'] })
  t.strictSame(keys.find('three'), { name: 'robot', scopes: ['read'] })
})

tap.test('knows no other key, however much like one it is', async (t) => {
  const keys = keyring('shop:hunter2')
  const others = ['', 'hunter', 'hunter22', 'Hunter2', 'hunter2 ', ' hunter2', 'shop:hunter2', 'hunter2\0', 'ｈunter2']
  for (const other of [...others, hash('sha256', 'hunter2'), 'x'.repeat(100_000)]) t.equal(keys.find(other), undefined)
  t.equal(new KeyStore([]).find('hunter2'), undefined)
})

tap.test('knows a key that was given as its hash, in digits of either case, and not the hash itself', async (t) => {
  const sha256 = hash('sha256', 'hunter2')
  for (const given of [sha256, sha256.toUpperCase()]) {
    const keys = keyring(`office:sha256:${given}:read+write`)
    t.strictSame(keys.find('hunter2'), { name: 'office', scopes: ['read', 'write'] })
    t.equal(keys.find(given), undefined)
  }
})

tap.test('knows both keys of a name while one replaces the other', async (t) => {
  const keys = keyring('shop:old,shop:new:read+write')
  t.strictSame(keys.find('old'), { name: 'shop', scopes: ['read'] })
  t.strictSame(keys.find('new'), { name: 'shop', scopes: ['read', 'write'] })
})

tap.test('compares with every key in constant time, whichever it is and if it is none', async (t) => {
  const { timingSafeEqual } = crypto
  const compared: [number, number][] = []
  crypto.timingSafeEqual = (a, b) => {
    compared.push([a.byteLength, b.byteLength])
    return timingSafeEqual(a, b)
  }
  syncBuiltinESMExports()
  t.teardown(() => {
    crypto.timingSafeEqual = timingSafeEqual
    syncBuiltinESMExports()
  })
  const keys = keyring('a:one,b:two,c:three')
  for (const key of ['one', 'two', 'three', 'none', '', 'x'.repeat(10_000)]) {
    compared.length = 0
    keys.find(key)
    t.strictSame(compared, [
      [32, 32],
      [32, 32],
      [32, 32],
    ])
  }
})
