import tap from 'tap'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import { fixedItems, liveItemId } from '../../src/sandbox/fixed-catalog.js'
import { counts, newItem } from '../../src/sandbox/new-records.js'
import { RecordChanges } from '../../src/sandbox/record-changes.js'
import { createData } from '../../src/sandbox/sandbox-data.js'
import { StockMover, shiftStock, Ticker } from '../../src/sandbox/stock-mover.js'
import { ManualTimer } from './manual-timer.js'

const start = Date.UTC(2026, 3, 1)

const moving = (products = 200, seed = 1) => {
  const clock = { now: start }
  const now = () => clock.now
  const data = createData({ products, seed: 1, connectionId: 'c', now: start })
  const mover = new StockMover(data.inventory, new RecordChanges(data, now, () => {}), seed, now)
  return { data, mover, clock }
}

const sums = (item: InventoryItem) => {
  const warehouses = Object.values(item.inventory_by_warehouse_id ?? {})
  return (['onhand', 'committed', 'unfulfillable', 'fulfillable', 'sellable'] as const).map((field) =>
    warehouses.reduce((sum, quantities) => sum + (quantities?.[field] ?? 0), 0),
  )
}

const isConsistent = (item: InventoryItem) => {
  const { onhand, committed, unfulfillable, fulfillable, sellable } = item
  const own = [onhand, committed, unfulfillable, fulfillable, sellable].map(Number)
  return (
    Number(onhand) === Number(committed) + Number(unfulfillable) + Number(fulfillable) &&
    sums(item).join() === own.join() &&
    own.every((quantity) => quantity >= 0)
  )
}

tap.test('moves a few units of one item in one warehouse, and always advances the date', async (t) => {
  const { mover, clock } = moving()
  const dates = new Map<string, string>()
  for (let n = 0; n < 500; n++) {
    clock.now += 500
    const change = mover.moveNext()
    t.ok(change)
    if (!change) continue
    const { record, previousAttributes } = change
    const by = Number(record.onhand) - Number(previousAttributes['onhand'])
    const warehouses = Object.keys(previousAttributes).filter((path) =>
      /^inventory_by_warehouse_id\.\w+\.onhand$/.test(path),
    )
    const date = String(record.trackstar_updated_date)
    const isSound = by !== 0 && Math.abs(by) < 10 && warehouses.length === 1 && isConsistent(record)
    const isLater = date > (dates.get(record.id) ?? '2025-12-31')
    if (!isSound || !isLater) t.fail(`${record.id} ${by} ${warehouses.join()} ${date}`)
    dates.set(record.id, date)
  }
  t.ok(dates.size > 100, `${dates.size} items moved`)
})

tap.test('moves only the live one of the fixed items', async (t) => {
  const { data, mover, clock } = moving()
  for (let n = 0; n < 300; n++) {
    clock.now += 1000
    mover.moveNext()
  }
  const changed = fixedItems().filter((item) => JSON.stringify(item) !== JSON.stringify(data.inventory.get(item.id)))
  t.strictSame(
    changed.map(({ id }) => id),
    [liveItemId],
  )
})

tap.test('moves the live item every third time, but does not date it in the future', async (t) => {
  const { mover, clock } = moving()
  const ids = () => Array.from({ length: 6 }, () => mover.moveNext()?.record.id === liveItemId)
  t.strictSame(ids(), [true, false, false, false, false, false])
  clock.now += 1000
  t.strictSame(ids(), [true, false, false, false, false, false])
})

tap.test('keeps stock about level in the long run', async (t) => {
  const { data, mover, clock } = moving(0)
  for (let n = 0; n < 2000; n++) {
    clock.now += 1000
    mover.moveNext()
  }
  const { onhand } = data.inventory.get(liveItemId) ?? {}
  t.ok(Number(onhand) < 500, `${onhand} on hand`)
})

tap.test('makes the same moves for the same seed', async (t) => {
  const moves = (seed: number) => {
    const { mover } = moving(200, seed)
    return Array.from({ length: 20 }, () => JSON.stringify(mover.moveNext())).join()
  }
  t.equal(moves(1), moves(1))
  t.not(moves(1), moves(2))
})

tap.test('moves the given item by the given amount', async (t) => {
  const { mover } = moving()
  const { record, previousAttributes } = mover.move('inv_matcha_tin', { by: -2, warehouse_id: 'wh_graz' })
  t.match(record, { onhand: 22, inventory_by_warehouse_id: { wh_graz: { onhand: 6 }, wh_oslo: { onhand: 16 } } })
  t.match(previousAttributes, { onhand: 24, 'inventory_by_warehouse_id.wh_graz.fulfillable': 8, 'lots.2.onhand': 8 })
  t.match(mover.move('inv_cup', { by: 5 }).record, { onhand: 49 })
})

tap.test('moves an item without a breakdown, and only receives when nothing is free', async (t) => {
  const { mover } = moving()
  t.ok(mover.move('inv_kettle').previousAttributes['onhand'])
  t.ok(Number(mover.move('inv_puerh').record.onhand) > 2)
  t.ok(Number(mover.move('inv_darjeeling').record.onhand) > 20)
  t.ok(Number(mover.move('inv_puerh', { warehouse_id: 'wh_oslo' }).record.onhand) > 2)
})

tap.test('throws when more is sold than is on hand, and for an unknown item', async (t) => {
  const { mover } = moving()
  t.throws(() => mover.move('inv_cup', { by: -45 }), { message: 'Cannot take 45 where 44 are on hand' })
  t.throws(() => mover.move('nowhere'), { message: 'There is no inventory nowhere' })
})

tap.test('moves the live item alone, or nothing, when no other item is left', async (t) => {
  const { data, mover } = moving(0)
  for (let n = 0; n < 4; n++) t.equal(mover.moveNext()?.record.id, liveItemId)
  data.inventory.delete(liveItemId)
  t.equal(mover.moveNext(), undefined)
  data.inventory.clear()
  t.equal(mover.moveNext(), undefined)
})

tap.test('skips a live item without a date', async (t) => {
  const { data, mover } = moving(200)
  Object.assign(data.inventory.get(liveItemId) ?? {}, { trackstar_updated_date: null })
  t.not(mover.moveNext()?.record.id, liveItemId)
})

const createTicker = (perSecond: number) => {
  const clock = new ManualTimer()
  const calls = { count: 0 }
  const ticker = new Ticker(perSecond, () => calls.count++, clock.now, clock.timer)
  return { clock, calls, ticker }
}

tap.test('keeps its rate, whether faster or slower than the timer', async (t) => {
  for (const perSecond of [0.5, 1, 3, 40, 5000]) {
    const { clock, calls, ticker } = createTicker(perSecond)
    clock.advance(1000)
    t.equal(calls.count, 0, 'not begun')
    ticker.start()
    clock.advance(10_000)
    t.ok(Math.abs(calls.count / (10 * perSecond) - 1) < 0.001, `${calls.count} at ${perSecond} a second`)
    ticker.stop()
    clock.advance(10_000)
    t.equal(clock.pending, 0)
  }
})

tap.test('pauses at a rate of 0', async (t) => {
  const { clock, calls, ticker } = createTicker(0)
  ticker.start()
  clock.advance(10_000)
  t.equal(calls.count, 0)
  ticker.perSecond = 2
  t.equal(ticker.perSecond, 2)
  clock.advance(1000)
  t.equal(calls.count, 2)
  ticker.perSecond = 0
  clock.advance(10_000)
  t.equal(calls.count, 2)
})

tap.test('does not start when its rate is set', async (t) => {
  const { clock, calls, ticker } = createTicker(0)
  ticker.perSecond = 5
  clock.advance(1000)
  t.equal(calls.count, 0)
})

tap.test(
  'makes up for one second at most after the clock jumps ahead, and does not wait after it is set back',
  async (t) => {
    const { clock, calls, ticker } = createTicker(10)
    ticker.start()
    clock.jump(3_600_000)
    clock.advance(100)
    t.equal(calls.count, 11)
    clock.jump(-3_600_000)
    clock.advance(100)
    t.equal(calls.count, 11)
    clock.advance(1000)
    t.equal(calls.count, 21)
  },
)

const item = () =>
  newItem(
    'i',
    'S',
    'Tea',
    [
      ['wh_oslo', counts(10, 2, 1)],
      ['wh_porto', counts(5)],
    ],
    {
      lots: [
        { lot_id: 'P', onhand: 5, warehouse_id: 'wh_porto' },
        { lot_id: 'A', onhand: 3, warehouse_id: 'wh_oslo' },
        { lot_id: '?', onhand: null, warehouse_id: 'wh_oslo' },
        { lot_id: 'B', onhand: 7, warehouse_id: 'wh_oslo' },
      ],
      locations: [
        { location_id: 'R1', quantity: 4, warehouse_id: 'wh_oslo' },
        { location_id: 'R2', quantity: 6, warehouse_id: 'wh_oslo' },
      ],
    },
  )

tap.test('removes units from the warehouse, and from its lots and locations in turn', async (t) => {
  const shifted = item()
  shiftStock(shifted, 'wh_oslo', -5)
  t.match(shifted, { ...counts(10, 2, 1) })
  t.strictSame(shifted.inventory_by_warehouse_id?.['wh_oslo'], counts(5, 2, 1))
  t.strictSame(shifted.inventory_by_warehouse_id?.['wh_porto'], counts(5))
  t.strictSame(
    shifted.lots?.map(({ onhand }) => onhand),
    [5, 0, null, 5],
  )
  t.strictSame(
    shifted.locations?.map(({ quantity }) => quantity),
    [0, 5],
  )
})

tap.test('adds units to the first lot and location of the warehouse', async (t) => {
  const shifted = item()
  shiftStock(shifted, 'wh_oslo', 4)
  t.match(shifted, { onhand: 19, fulfillable: 16 })
  t.strictSame(
    shifted.lots?.map(({ onhand }) => onhand),
    [5, 7, null, 7],
  )
  t.strictSame(
    shifted.locations?.map(({ quantity }) => quantity),
    [8, 6],
  )
})

tap.test('shifts stock without lots, locations and a breakdown', async (t) => {
  const bare = { ...item(), lots: null, locations: null }
  shiftStock(bare, 'wh_porto', 1)
  t.strictSame(bare.inventory_by_warehouse_id?.['wh_porto'], counts(6))
  const whole = { ...item(), inventory_by_warehouse_id: null }
  shiftStock(whole, 'wh_oslo', 1)
  shiftStock(whole, undefined, 1)
  t.match(whole, { onhand: 17, inventory_by_warehouse_id: null, lots: item().lots })
})

tap.test('throws and changes nothing when more units are removed than are on hand', async (t) => {
  const shifted = item()
  t.throws(() => shiftStock(shifted, 'wh_porto', -6), { status: 422, message: 'Cannot take 6 where 5 are on hand' })
  t.strictSame(shifted, item())
  t.throws(() => shiftStock({ id: 'i' }, undefined, -1), { message: 'Cannot take 1 where 0 are on hand' })
})
