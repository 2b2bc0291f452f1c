import tap from 'tap'
import type { Caller } from '../../src/http/auth.js'
import { Tickets } from '../../src/http/tickets.js'
import { TestClock } from '../harness.js'

const shop: Caller = { name: 'shop', scopes: ['read'] }
const office: Caller = { name: 'office', scopes: ['read', 'write'] }

tap.test('gives tickets that are good for a minute, and for who took them', async (t) => {
  const clock = new TestClock()
  const tickets = new Tickets(clock.now)
  const { ticket, expires_at } = tickets.issue(shop)
  t.equal(expires_at, new Date(clock.now() + 60_000).toISOString())
  t.match(ticket, /^[\w-]{32}$/, 'fit for an address as it is, and of 192 bits')
  const other = tickets.issue(office)
  clock.advance(59_999)
  t.equal(tickets.redeem(other.ticket), office)
  t.equal(tickets.redeem(ticket), shop)
})

tap.test('takes a ticket once', async (t) => {
  const tickets = new Tickets(new TestClock().now)
  const { ticket } = tickets.issue(shop)
  t.equal(tickets.redeem(ticket), shop)
  t.equal(tickets.redeem(ticket), undefined)
})

tap.test('takes none that is a minute old, or that it never gave', async (t) => {
  const clock = new TestClock()
  const tickets = new Tickets(clock.now)
  const { ticket } = tickets.issue(shop)
  clock.advance(60_000)
  for (const bad of [ticket, '', 'x'.repeat(32), ticket.toUpperCase(), '__proto__', 'toString']) {
    t.equal(tickets.redeem(bad), undefined, bad)
  }
})

tap.test('never gives the same ticket twice', async (t) => {
  const tickets = new Tickets(new TestClock().now)
  t.equal(new Set(Array.from({ length: 1000 }, () => tickets.issue(shop).ticket)).size, 1000)
})

tap.test('forgets the oldest ticket of who takes more than there may be', async (t) => {
  const tickets = new Tickets(new TestClock().now, 3)
  const [first, ...others] = Array.from({ length: 4 }, () => tickets.issue(shop).ticket)
  t.equal(tickets.redeem(first ?? ''), undefined)
  for (const ticket of others) t.equal(tickets.redeem(ticket), shop)
})

tap.test('bounds the tickets of one caller by ten thousand', async (t) => {
  const tickets = new Tickets(new TestClock().now)
  const [first, second] = Array.from({ length: 10_001 }, () => tickets.issue(shop).ticket)
  t.equal(tickets.redeem(first ?? ''), undefined)
  t.equal(tickets.redeem(second ?? ''), shop)
})

tap.test("regression: who took very many tickets made everybody else's worthless", async (t) => {
  const tickets = new Tickets(new TestClock().now, 3)
  const { ticket } = tickets.issue(office)
  for (let n = 0; n < 10; n++) tickets.issue(shop)
  t.equal(tickets.redeem(ticket), office)
})
