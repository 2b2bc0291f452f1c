import tap from 'tap'
import type { Caller } from '../../src/http/auth.js'
import { InProcessTickets } from '../../src/http/tickets.js'
import { TestClock } from '../harness.js'

const shop: Caller = { name: 'shop', scopes: ['read'] }
const office: Caller = { name: 'office', scopes: ['read', 'write'] }

tap.test('issues tickets that are valid for a minute', async (t) => {
  const clock = new TestClock()
  const tickets = new InProcessTickets(clock)
  const { ticket, expires_at } = tickets.issue(shop)
  t.equal(expires_at, new Date(clock.now() + 60_000).toISOString())
  t.match(ticket, /^[\w-]{32}$/, 'URL-safe, 192 bits')
  const other = tickets.issue(office)
  clock.advance(59_999)
  t.equal(tickets.redeem(other.ticket), office)
  t.equal(tickets.redeem(ticket), shop)
})

tap.test('accepts a ticket once', async (t) => {
  const tickets = new InProcessTickets(new TestClock())
  const { ticket } = tickets.issue(shop)
  t.equal(tickets.redeem(ticket), shop)
  t.equal(tickets.redeem(ticket), undefined)
})

tap.test('rejects expired and unknown tickets', async (t) => {
  const clock = new TestClock()
  const tickets = new InProcessTickets(clock)
  const { ticket } = tickets.issue(shop)
  clock.advance(60_000)
  for (const bad of [ticket, '', 'x'.repeat(32), ticket.toUpperCase(), '__proto__', 'toString']) {
    t.equal(tickets.redeem(bad), undefined, bad)
  }
})

tap.test('regression: setting the wall clock expired tickets, or kept them valid for hours', async (t) => {
  const clock = new TestClock()
  const tickets = new InProcessTickets(clock)
  const [first, second] = [tickets.issue(shop), tickets.issue(shop)]
  clock.setWallClock(3_600_000)
  t.equal(tickets.redeem(first.ticket), shop, 'set ahead')
  clock.setWallClock(-7_200_000)
  clock.advance(60_000)
  t.equal(tickets.redeem(second.ticket), undefined, 'set back')
  t.equal(tickets.issue(shop).expires_at, new Date(clock.now() + 60_000).toISOString(), 'in wall time')
})

tap.test('never issues the same ticket twice', async (t) => {
  const tickets = new InProcessTickets(new TestClock())
  t.equal(new Set(Array.from({ length: 1000 }, () => tickets.issue(shop).ticket)).size, 1000)
})

tap.test('drops the oldest ticket of a caller beyond the maximum', async (t) => {
  const tickets = new InProcessTickets(new TestClock(), 3)
  const [first, ...others] = Array.from({ length: 4 }, () => tickets.issue(shop).ticket)
  t.equal(tickets.redeem(first ?? ''), undefined)
  for (const ticket of others) t.equal(tickets.redeem(ticket), shop)
})

tap.test('keeps ten thousand tickets of one caller', async (t) => {
  const tickets = new InProcessTickets(new TestClock())
  const [first, second] = Array.from({ length: 10_001 }, () => tickets.issue(shop).ticket)
  t.equal(tickets.redeem(first ?? ''), undefined)
  t.equal(tickets.redeem(second ?? ''), shop)
})

tap.test('regression: a caller that took very many tickets invalidated those of others', async (t) => {
  const tickets = new InProcessTickets(new TestClock(), 3)
  const { ticket } = tickets.issue(office)
  for (let n = 0; n < 10; n++) tickets.issue(shop)
  t.equal(tickets.redeem(ticket), office)
})
