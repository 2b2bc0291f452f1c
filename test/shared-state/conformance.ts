import { setTimeout as sleep } from 'node:timers/promises'
import tap, { type Test } from 'tap'
import { isProblem } from '../../src/errors.js'
import type { Caller } from '../../src/http/auth.js'
import type { ConnectionSharedState, SharedState } from '../../src/shared-state/shared-state.js'
import type { PermitRequest, RateLimiter } from '../../src/trackstar/rate-limiter.js'

/** Two replicas of one service; the same object twice if the state is that of one process. */
export interface Replicas {
  readonly one: SharedState
  readonly two: SharedState
}

/** What every implementation of {@link SharedState} does, whether its users are in one process or in two. */
export function conforms(name: string, start: (t: Test, clientRateLimit?: number) => Promise<Replicas>): void {
  const rates = { name: 'default', readRate: 3, writeRate: 2 }
  const connections = async (t: Test): Promise<[ConnectionSharedState, ConnectionSharedState]> => {
    const { one, two } = await start(t)
    const first = one.forConnection(rates)
    return [first, one === two ? first : two.forConnection(rates)]
  }

  tap.test(`${name}: a ticket is good once, at any replica`, async (t) => {
    const { one, two } = await start(t)
    const { ticket } = await one.tickets.issue(shop)
    const here = await one.tickets.issue({ ...shop, connections: ['au'] })
    t.strictSame(await two.tickets.redeem(ticket), shop)
    t.equal(await one.tickets.redeem(ticket), undefined, 'where it was issued')
    t.equal(await two.tickets.redeem(ticket), undefined, 'where it was used')
    t.strictSame(await one.tickets.redeem(here.ticket), { ...shop, connections: ['au'] })
    t.equal(await two.tickets.redeem('unknown'), undefined)
  })

  tap.test(`${name}: one of several concurrent uses of a ticket succeeds`, async (t) => {
    const { one, two } = await start(t)
    const { ticket } = await one.tickets.issue(shop)
    const uses = await Promise.all(
      Array.from({ length: 10 }, async (_, n) => (n % 2 ? one : two).tickets.redeem(ticket)),
    )
    t.equal(uses.filter((caller) => caller !== undefined).length, 1)
  })

  tap.test(`${name}: a delivery that was applied at one replica is known at all`, async (t) => {
    const { one, two } = await start(t)
    t.equal(await one.seenIds.has('msg_1'), false)
    one.seenIds.add('msg_1')
    t.equal(await one.seenIds.has('msg_1'), true)
    t.equal(await two.seenIds.has('msg_1'), true)
    t.equal(await two.seenIds.has('msg_2'), false)
  })

  tap.test(`${name}: what a client uses at all replicas is one count, however it comes`, async (t) => {
    for (const atOnce of [false, true]) {
      const { one, two } = await start(t, 20)
      const add = async (n: number) => (n % 2 ? one : two).clientCounts.keys.add('key:shop', 1)
      const counts = []
      if (atOnce) counts.push(...(await Promise.all(Array.from({ length: 30 }, (_, n) => add(n)))))
      else for (let n = 0; n < 30; n++) counts.push(await add(n))
      t.equal(counts.filter(({ used }) => used <= 20).length, 20, atOnce ? 'at once' : 'one after the other')
      for (const { resetMs } of counts) t.ok(resetMs > 0 && resetMs <= 60_000)
    }
  })

  tap.test(`${name}: counts clients apart, and a cost as that many`, async (t) => {
    const { one, two } = await start(t, 20)
    await one.clientCounts.keys.add('key:shop', 15)
    t.equal((await two.clientCounts.keys.add('key:office', 1)).used, 1)
    await one.clientCounts.keys.add('key:shop', 1)
    t.equal((await two.clientCounts.keys.add('key:shop', 4)).used, 20)
    t.equal((await two.clientCounts.addresses.add('key:shop', 1)).used, 1, 'addresses are no keys')
  })

  tap.test(`${name}: never more calls than the rate in any one second`, async (t) => {
    const both = await connections(t)
    const sent: number[] = []
    const call = async (n: number) => {
      const permit = await both[n % 2 ? 0 : 1].limiters.reads.acquire(request())
      permit.sent()
      sent.push(performance.now())
    }
    await Promise.all(Array.from({ length: 7 }, (_, n) => call(n)))
    for (const [index, at] of sent.slice(3).entries()) t.ok(at - (sent[index] ?? 0) > 1000)
  })

  tap.test(`${name}: a caller goes before a mirror that waited longer, at whichever replica`, async (t) => {
    const [one, two] = await connections(t)
    const order: string[] = []
    await useUp(one.limiters.reads, 3)
    const call = async (limiter: RateLimiter, priority: PermitRequest['priority'], name: string) => {
      const permit = await limiter.acquire(request({ priority }))
      permit.sent()
      order.push(name)
    }
    // The mirror's own permit of each second has to be used up first.
    const mirrors = Promise.all(
      ['mirror 1', 'mirror 2', 'mirror 3'].map((name) => call(one.limiters.reads, 'mirror', name)),
    )
    await sleep(100)
    const callers = Promise.all(['caller 1', 'caller 2'].map((name) => call(two.limiters.reads, 'caller', name)))
    await Promise.all([mirrors, callers])
    t.strictSame(order.slice(0, 3).toSorted(), ['caller 1', 'caller 2', 'mirror 1'])
  })

  tap.test(`${name}: a permit that is released can be used at once by another replica`, async (t) => {
    const [one, two] = await connections(t)
    const [first] = await Promise.all([1, 2, 3].map(() => one.limiters.reads.acquire(request())))
    const waiting = two.limiters.reads.acquire(request())
    first?.release()
    const permit = await waiting
    t.ok(permit.waitedMs < 900)
    permit.release()
  })

  tap.test(`${name}: refuses at once what misses its deadline, and a pause holds for all`, async (t) => {
    const [one, two] = await connections(t)
    const now = performance.now()
    one.limiters.reads.pauseUntil(now + 30_000)
    await sleep(20)
    // The first one may be needed to hear of the pause.
    const soon = () => two.limiters.reads.acquire(request({ deadline: () => now + 2000 }))
    t.equal(await soon().catch(codeOf), 'overloaded')
    t.equal(await soon().catch(codeOf), 'overloaded')
    const { writes } = two.limiters
    ;(await writes.acquire(request())).sent()
    t.pass('writes have a limit of their own')
  })

  tap.test(`${name}: one replica leads, and another one when it stops`, async (t) => {
    const [one, two] = await connections(t)
    if (one === two) {
      t.equal(one.leadership.isLeader, true)
      return
    }
    one.leadership.start()
    two.leadership.start()
    await until(() => one.leadership.isLeader || two.leadership.isLeader)
    const [leader, other] = one.leadership.isLeader ? [one, two] : [two, one]
    t.equal(other.leadership.isLeader, false)
    const { term } = leader.leadership
    leader.leadership.stop()
    t.equal(leader.leadership.isLeader, false)
    await until(() => other.leadership.isLeader)
    t.ok(other.leadership.term > term, 'with a later term')
  })
}

const shop: Caller = { name: 'shop', scopes: ['read'] }

const request = (over: Partial<PermitRequest> = {}): PermitRequest => ({
  priority: 'caller',
  caller: 'anna',
  deadline: () => Number.POSITIVE_INFINITY,
  ...over,
})

async function useUp(limiter: RateLimiter, permits: number): Promise<void> {
  for (let n = 0; n < permits; n++) (await limiter.acquire(request())).sent()
}

/** Waits until `isTrue()`; the test's own timeout bounds it. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await sleep(5)
}

const codeOf = (error: unknown) => (isProblem(error) ? error.problem : error)
