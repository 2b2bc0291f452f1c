import tap from 'tap'
import { PageTokens } from '../../src/sandbox/page-tokens.js'

tap.test('reads the tokens it gave, and begins without one', async (t) => {
  const tokens = new PageTokens()
  t.equal(tokens.slotOf(tokens.tokenOf(1234)), 1234)
  t.equal(tokens.slotOf(null), 0)
})

tap.test('refuses what it never gave', async (t) => {
  for (const token of ['', 'abc', Buffer.from('1').toString('base64url')]) {
    t.throws(() => new PageTokens().slotOf(token), { status: 422, message: /^page_token: expected/ })
  }
})

tap.test('refuses what it gave before they expired, and reads what it gives then', async (t) => {
  const tokens = new PageTokens()
  const old = tokens.tokenOf(7)
  tokens.expire()
  t.throws(() => tokens.slotOf(old), { status: 422, origin: 'trackstar', message: 'page_token: has expired' })
  t.equal(tokens.slotOf(tokens.tokenOf(7)), 7)
})
