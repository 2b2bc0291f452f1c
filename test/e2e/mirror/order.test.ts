import tap, { type Test } from 'tap'
import type { DocumentedItem } from '../../../src/records/inventory-item.js'
import { counts, newItem } from '../../../src/sandbox/new-records.js'
import { eventually, startService } from '../../harness.js'
import { startMirrored, webhookEnvironment, withDeliveries } from './mirrored.js'

const second = '2026-11-28T10:00:00Z'
const path = '/wms/inventory/inv_cup/adjust'

/** The service in either mode, with the stock of a cup cached. */
async function start(t: Test, mode: string) {
  const service =
    mode === 'mirror'
      ? await startMirrored(t)
      : withDeliveries(await startService(t, { environment: webhookEnvironment }))
  const { app, get, sandbox, deliver, newCalls } = service
  /** Upstream's item with this many units, changed within the same second. */
  const cups = (units: number, date: unknown = second): DocumentedItem => ({
    ...newItem('inv_cup', 'CUP', 'Cup', [['wh_oslo', counts(units)]]),
    trackstar_updated_date: date as string,
  })
  /** Sets the units of upstream's item without a webhook. */
  const set = (units: number, date?: unknown) => void sandbox.data.inventory.set('inv_cup', cups(units, date))
  const shown = async () => {
    const { available, stale } = (await get('/products/CUP/stock')).json()
    return { available, stale }
  }
  t.equal((await shown()).available, 40)
  set(100)
  await deliver('inventory.updated', cups(100))
  t.strictSame(await shown(), { available: 100, stale: false })
  /** An adjustment whose response has this many units, after a delay. */
  const adjust = async (
    units: number,
    { delayMs = 0, headers = {}, body = { id: 'inv_cup', data: cups(units) } as unknown } = {},
  ) => {
    const isTaken = () => sandbox.calls.filter((call) => call.path === path).length
    const before = isTaken()
    sandbox.fault(path, { status: 200, body, delayMs, headers, times: 1 })
    const payload = { quantity: 1, adjustment_type: 'decrease' }
    const reply = app.inject({ method: 'PUT', url: '/inventory/inv_cup/adjust', payload })
    reply.catch(() => {})
    await eventually(() => isTaken() > before)
    return { reply }
  }
  newCalls()
  const reads = () => newCalls().filter((call) => call.startsWith('GET') && call.includes('inv_cup')).length
  /** Waits for this quantity. Until then, each answer must be marked as stale. */
  const settlesAt = async (units: number) => {
    await eventually(async () => {
      const { available, stale } = await shown()
      if (available !== units && !stale) t.fail(`answered ${available} as if it were certain`)
      return available === units && !stale
    })
  }
  return { ...service, cups, set, shown, adjust, reads, settlesAt }
}

for (const mode of ['mirror', 'on-demand']) {
  tap.test(`${mode}: regression: the earlier of two adjustments within a second was kept`, async (t) => {
    const { set, adjust, settlesAt, reads } = await start(t, mode)
    const slow = await adjust(90, { delayMs: 150 })
    const fast = await adjust(60)
    set(60)
    t.equal((await fast.reply).statusCode, 200)
    t.equal((await slow.reply).statusCode, 200)
    await settlesAt(60)
    t.equal(reads(), 1)
  })

  tap.test(`${mode}: regression: a replayed response of the same second was ignored`, async (t) => {
    const { set, adjust, settlesAt } = await start(t, mode)
    set(93)
    const { reply } = await adjust(95, { headers: { 'idempotent-replayed': 'true' } })
    t.equal((await reply).headers['idempotent-replayed'], 'true')
    await settlesAt(93)
  })

  tap.test(`${mode}: a replay from long ago does not count as the current state`, async (t) => {
    const { set, adjust, settlesAt, cups } = await start(t, mode)
    set(40, '2026-11-28T10:09:00Z')
    const body = { id: 'inv_cup', data: cups(70, '2026-11-28T10:05:00Z') }
    const { reply } = await adjust(0, { headers: { 'idempotent-replayed': 'true' }, body })
    await reply
    await settlesAt(40)
  })

  tap.test(`${mode}: regression: a placeholder for a date made every later change older`, async (t) => {
    const { set, deliver, adjust, settlesAt, cups } = await start(t, mode)
    for (const date of ['9999-12-31T23:59:59Z', '2999-01-01', 32_503_680_000]) {
      set(70, date)
      await deliver('inventory.updated', cups(70, date))
      await settlesAt(70)
      set(60)
      await deliver('inventory.updated', cups(60))
      await settlesAt(60)
    }
    await deliver('inventory.updated', cups(60, '9999-12-31'))
    set(50)
    await (await adjust(50, { headers: { 'idempotent-replayed': 'true' } })).reply
    await settlesAt(50)
  })

  tap.test(`${mode}: webhooks without an order are settled by a read`, async (t) => {
    const { set, deliver, settlesAt, cups, reads } = await start(t, mode)
    for (const [n, date] of [
      second,
      '2026-11-28T10:00:00.700Z',
      null,
      'yesterday',
      '2026-11-28',
      undefined,
    ].entries()) {
      set(80 - n, date)
      t.equal((await deliver('inventory.updated', cups(99, date))).statusCode, 204)
      await settlesAt(80 - n)
      set(80 - n)
      await deliver('inventory.updated', { id: 'inv_cup' }, { data_truncated: true })
      await settlesAt(80 - n)
    }
    t.equal(reads(), 12)
  })

  tap.test(`${mode}: regression: a part of a record replaced the whole record`, async (t) => {
    const { set, deliver, adjust, settlesAt, get, cups } = await start(t, mode)
    const later = (n: number) => ({ trackstar_updated_date: `2026-11-28T10:01:0${n}Z` })
    const parts = [
      { id: 'inv_cup', ...later(1) },
      { id: 'inv_cup', sku: 'CUP', name: 'Cup', active: true, ...later(2) },
      { id: 'inv_cup', fulfillable: 3, ...later(3) },
      { ...cups(3), inventory_by_warehouse_id: {}, ...later(4) },
    ]
    for (const [n, part] of parts.entries()) {
      set(50 + n, later(n + 1).trackstar_updated_date)
      await deliver('inventory.updated', part)
      await settlesAt(50 + n)
    }
    for (const [n, body] of [
      {},
      { id: 'inv_cup', data: null },
      { id: 'inv_cup', data: parts[0] },
      'OK',
      '',
      '[]',
    ].entries()) {
      set(70 + n, second)
      const { reply } = await adjust(0, { body })
      t.equal((await reply).statusCode, 200, JSON.stringify(body))
      await settlesAt(70 + n)
    }
    const product = (await get('/products/CUP')).json().data
    await deliver('product.updated', { id: product.id, trackstar_updated_date: new Date().toISOString() })
    await deliver('product.updated', { id: product.id, sku: 'CUP', trackstar_updated_date: new Date().toISOString() })
    await settlesAt(75)
    t.strictSame((await get('/products/CUP')).json().data, product)
  })

  tap.test(`${mode}: reads an item again after an adjustment that may have been made`, async (t) => {
    const { app, set, sandbox, settlesAt } = await start(t, mode)
    set(55)
    sandbox.fault(path, { status: 500, body: '{}', times: 1 })
    const payload = { quantity: 1, adjustment_type: 'decrease' }
    t.equal((await app.inject({ method: 'PUT', url: '/inventory/inv_cup/adjust', payload })).statusCode, 503)
    await settlesAt(55)
  })
}

tap.test('regression: a late delivery restored a deleted record to the mirror', async (t) => {
  const { sandbox, get, deliver } = await startMirrored(t)
  const item = sandbox.add('inventory', newItem('inv_late', 'LATE', 'Late', [['wh_oslo', counts(9)]]))
  await deliver('inventory.created', item)
  t.equal((await get('/inventory/inv_late')).statusCode, 200)
  sandbox.remove('inventory', 'inv_late')
  await deliver('inventory.updated', { id: 'inv_late' }, { data_truncated: true })
  await eventually(async () => (await get('/inventory/inv_late')).statusCode === 404)
  for (const event of ['inventory.created', 'inventory.updated']) {
    await deliver(event, item)
    for (let n = 0; n < 20; n++) t.equal((await get('/inventory/inv_late')).statusCode, 404)
  }
  await deliver('inventory.created', { ...item, id: 'inv_before', trackstar_updated_date: '2026-01-01T00:00:00Z' })
  for (let n = 0; n < 20; n++) t.equal((await get('/inventory/inv_before')).statusCode, 404)
  // Creates it again with the same id.
  sandbox.add('inventory', item)
  await deliver('inventory.created', item)
  await eventually(async () => (await get('/inventory/inv_late')).statusCode === 200)
})

tap.test('regression: a late delivery restored a deleted record on demand', async (t) => {
  const { sandbox, get, deliver } = withDeliveries(await startService(t, { environment: webhookEnvironment }))
  t.equal((await get('/inventory/inv_late')).statusCode, 404)
  const item = newItem('inv_late', 'LATE', 'Late', [['wh_oslo', counts(9)]])
  await deliver('inventory.created', { ...item, trackstar_updated_date: new Date().toISOString() })
  t.equal((await get('/inventory/inv_late')).statusCode, 404)
  sandbox.add('inventory', item)
  await deliver('inventory.created', item)
  t.equal((await get('/inventory/inv_late')).statusCode, 200, 'the delivery ends the absence')
})
