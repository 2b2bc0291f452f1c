import tap from 'tap'
import type { BasketCheck } from '../../../src/basket/basket-result.js'
import { prefixWarehouses, startConnections } from '../../connections-service.js'

const groups = { both: ['au', 'us'] }
const cups = (quantity: number) => ({ lines: [{ sku: 'CUP', quantity }] })

async function start(t: Parameters<typeof startConnections>[0]) {
  const service = await startConnections(t, { au: {}, us: {} }, { groups })
  const { post, sandbox } = service
  const check = async (body: object, connection = 'both') => {
    const reply = await post('/stock/check', { ...body, connection })
    return { reply, basket: reply.json<BasketCheck>() }
  }
  const setCups = (connection: string, count: number) =>
    Object.assign(sandbox(connection).data.inventory.get('inv_cup') ?? {}, {
      fulfillable: count,
      inventory_by_warehouse_id: { wh_oslo: { onhand: count, fulfillable: count } },
    })
  return { ...service, check, setCups }
}

tap.test('asks each connection whether it can ship the whole basket', async (t) => {
  const { check, setCups } = await start(t)
  setCups('us', 17)
  const body = {
    lines: [
      { sku: 'CUP', quantity: 20 },
      { sku: 'GONGFU-SET', quantity: 4 },
    ],
  }
  const [au, us, both] = [await check(body, 'au'), await check(body, 'us'), await check(body)]
  t.equal(both.reply.statusCode, 200)
  t.strictSame(
    [au, us, both].map(({ basket }) => basket.fulfillable),
    [true, false, true],
  )
  t.match(both.basket.lines, [
    { sku: 'CUP', requested: 20, available: 57, fulfillable: true },
    { sku: 'GONGFU-SET', requested: 4, fulfillable: true },
  ])
  t.strictSame(
    both.basket.connections?.map(({ connection, problem, ...own }) => [connection, problem, own]),
    [
      ['au', null, au.basket],
      ['us', null, us.basket],
    ],
  )
  t.notOk('connections' in au.basket)
})

tap.test('pools nothing: what two connections could only ship together is not fulfillable', async (t) => {
  const { check } = await start(t)
  t.match((await check(cups(40))).basket, { fulfillable: true })
  t.match((await check(cups(41))).basket, {
    fulfillable: false,
    lines: [{ available: 80, fulfillable: false }],
    shortages: [
      { connection: 'au', shortfall: 1 },
      { connection: 'us', shortfall: 1 },
    ],
  })
})

tap.test(
  'a connection that cannot be read hides no yes of another, and is a problem if there is no other',
  async (t) => {
    const { check, sandbox } = await start(t)
    sandbox('au').fault('/wms/*', { status: 500 })
    const { reply, basket } = await check(cups(9))
    t.strictSame([reply.statusCode, reply.headers['cache-control']], [200, 'no-store'])
    t.match(basket, {
      fulfillable: true,
      complete: false,
      lines: [{ available: 40, fulfillable: true }],
      issues: [{ code: 'connection_unanswered', connection: 'au' }],
      connections: [
        { connection: 'au', fulfillable: false, problem: { code: 'upstream_unavailable' } },
        { connection: 'us', fulfillable: true, problem: null },
      ],
    })
    sandbox('us').fault('/wms/*', { status: 500 })
    const failed = await check({ lines: [{ sku: 'TRAY', quantity: 1 }] })
    t.match([failed.reply.statusCode, failed.reply.json()], [503, { code: 'upstream_unavailable' }])
    t.ok(failed.reply.headers['retry-after'])
  },
)

tap.test(
  'a line that no connection knows has a problem; a warehouse counts in whichever connection has it',
  async (t) => {
    const { check, sandbox } = await start(t)
    prefixWarehouses(sandbox('us').data, 'us_')
    const unknown = await check({ lines: [{ sku: 'NO-SUCH', quantity: 1 }] })
    t.match(unknown.basket, { fulfillable: false, complete: true, lines: [{ problem: { code: 'product_not_found' } }] })
    const jasmine = { lines: [{ sku: 'LIVE-JASMINE', quantity: 1 }] }
    const inOslo = await check({ ...jasmine, warehouse_id: ['wh_oslo'] })
    t.match(inOslo.basket, { complete: true, issues: [], connections: [{ fulfillable: true }, { fulfillable: false }] })
    const nowhere = await check({ ...jasmine, warehouse_id: ['wh_atlantis'] })
    t.match(nowhere.basket, { complete: false, issues: [{ code: 'warehouse_unknown', connection: 'au' }, {}] })
  },
)
