import tap, { type Test } from 'tap'
import { createLogger } from '../../../src/http/logging.js'
import { EventStream } from '../../event-stream.js'
import { eventually, RunningClock } from '../../harness.js'
import { startMirrored } from '../mirror/mirrored.js'

const key = 'k3y-of-the-shop'

/** A mirrored service with keys, with its log lines and a clock. */
async function start(t: Test, environment: Readonly<Record<string, string>> = {}) {
  const clock = new RunningClock()
  const lines: string[] = []
  const service = await startMirrored(t, {
    waits: false,
    clock,
    environment: { AUTH_MODE: 'api-key', API_KEYS: `shop:${key}`, LOG_LEVEL: 'trace', ...environment },
    logger: (config) => createLogger(config, { write: (line) => void lines.push(line) }),
  })
  const port = await service.listen()
  const { get, post } = service
  await eventually(async () => (await get('/stock/low?below=0', { 'x-api-key': key })).statusCode === 200)
  const take = async (): Promise<string> =>
    (await post('/stock/events/tickets', {}, { 'x-api-key': key })).json().ticket
  const open = (target: string, headers = {}) => EventStream.open(t, port, target, headers)
  const linesWith = (message: string) => lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === message)
  return { ...service, clock, lines, take, open, linesWith }
}

tap.test('a ticket opens an event stream for a browser', async (t) => {
  const { take, open, move } = await start(t)
  const stream = await open(`/stock/events?sku=LIVE-JASMINE&ticket=${await take()}`, { accept: 'text/event-stream' })
  t.equal(stream.response.statusCode, 200)
  await move('inv_jasmine', -3, 'wh_oslo')
  t.strictSame(await stream.changes(1), [['LIVE-JASMINE', 40, 37]])
})

tap.test('a ticket works once, and its stream stays open', async (t) => {
  const { take, open, move, clock } = await start(t)
  const target = `/stock/events?ticket=${await take()}`
  const stream = await open(target)
  const again = await open(target)
  t.strictSame([stream.response.statusCode, again.response.statusCode], [200, 401])
  clock.advance(61_000)
  await move('inv_jasmine', -3, 'wh_oslo')
  t.equal((await stream.changes(2)).length, 2, 'after the minute too')
})

tap.test('a ticket expires after a minute', async (t) => {
  const { take, open, clock } = await start(t)
  const [soon, late] = [await take(), await take()]
  clock.advance(58_000)
  t.equal((await open(`/stock/events?ticket=${soon}`)).response.statusCode, 200)
  clock.advance(2_000)
  const reply = await open(`/stock/events?ticket=${late}`)
  t.equal(reply.response.statusCode, 401)
})

tap.test('a ticket opens nothing else', async (t) => {
  const { take, get } = await start(t)
  const ticket = await take()
  for (const url of ['/products/CUP/stock?', '/stock/low?below=1&', '/inventory?', '/inventory/inv_cup?']) {
    t.equal((await get(`${url}ticket=${ticket}`)).statusCode, 401, url)
    const keyed = await get(`${url}ticket=${ticket}`, { 'x-api-key': key })
    t.match(keyed.json(), { code: 'validation_failed', errors: [{ field: 'ticket' }] }, url)
  }
  t.equal((await get(`/stock/events/tickets?ticket=${ticket}`)).statusCode, 405)
  t.equal((await get(`/stock/events?ticket=${ticket}&ticket=${ticket}`)).statusCode, 401)
  t.equal((await get('/stock/events?ticket=')).statusCode, 401)
  t.equal((await get('/stock/events')).statusCode, 401)
  t.equal((await get(`/stock/events?ticket=${'x'.repeat(10_000)}`)).statusCode, 401)
})

tap.test("logs the name of the ticket's caller and never the ticket", async (t) => {
  const { take, open, get, lines, linesWith } = await start(t)
  const ticket = await take()
  const target = `/stock/events?ticket=${ticket}`
  const stream = await open(target, { 'x-request-id': 'first' })
  await open(target, { 'x-request-id': 'second' })
  await get(`/nowhere?ticket=${ticket}`, { 'x-request-id': 'third' })
  await get(`/stock/events/%zz?ticket=${ticket}`)
  stream.leave()
  const completed = () =>
    linesWith('request completed').filter(({ request_id }) => /^(first|second|third)$/.test(request_id))
  await eventually(() => completed().length === 3)
  t.match(completed(), [
    { request_id: 'second', caller: null, status: 401, problem: 'unauthorized' },
    { request_id: 'third', caller: null, status: 404 },
    { request_id: 'first', caller: 'shop', status: 200, route: '/stock/events' },
  ])
  t.strictSame(linesWith('request aborted'), [], 'a stream closed by its reader is complete')
  for (const secret of [ticket, key]) {
    t.notOk(lines.some((line) => line.includes(secret)))
    t.notOk((await get('/metrics')).body.includes(secret))
  }
})

tap.test('regression: wrong keys from the same proxy kept browsers from their events', async (t) => {
  const { get, take, open } = await start(t, { CLIENT_RATE_LIMIT: '50' })
  const tickets = [await take(), await take()]
  const guesses = Array.from({ length: 60 }, (_, n) =>
    n % 2 === 0 ? get('/stock', { 'x-api-key': `guess ${n}` }) : get(`/stock/events?ticket=guess-${n}`),
  )
  t.ok((await Promise.all(guesses)).some(({ statusCode }) => statusCode === 429))
  const ofKey = Number((await get('/warehouses', { 'x-api-key': key })).headers['ratelimit-remaining'])
  for (const [n, ticket] of tickets.entries()) {
    const { statusCode, headers } = (await open(`/stock/events?ticket=${ticket}`)).response
    t.strictSame([statusCode, headers['ratelimit-remaining']], [200, String(ofKey - 1 - n)], 'counted for the key')
  }
})
