import tap from 'tap'
import type { InventoryItem } from '../../src/records/inventory-item.js'
import { Changes } from '../../src/sandbox/changes.js'
import { fixedItems, liveItemId } from '../../src/sandbox/fixed-items.js'
import { StockMover } from '../../src/sandbox/mover.js'
import { createData } from '../../src/sandbox/sandbox-data.js'

const start = Date.UTC(2026, 3, 1)

const moving = (products = 200, seed = 1) => {
  const clock = { now: start }
  const now = () => clock.now
  const data = createData({ products, seed: 1, connectionId: 'c', now: start })
  const mover = new StockMover(data.inventory, new Changes(data, now, () => {}), seed, now)
  return { data, mover, clock }
}

const sums = (item: InventoryItem) => {
  const places = Object.values(item.inventory_by_warehouse_id ?? {})
  return (['onhand', 'committed', 'unfulfillable', 'fulfillable', 'sellable'] as const).map((field) =>
    places.reduce((sum, place) => sum + (place?.[field] ?? 0), 0),
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

tap.test('moves one item a little, in one warehouse, and dates it strictly later each time', async (t) => {
  const { mover, clock } = moving()
  const dates = new Map<string, string>()
  for (let n = 0; n < 500; n++) {
    clock.now += 500
    const change = mover.moveNext()
    t.ok(change)
    if (!change) continue
    const { record, previousAttributes } = change
    const by = Number(record.onhand) - Number(previousAttributes['onhand'])
    const places = Object.keys(previousAttributes).filter((path) =>
      /^inventory_by_warehouse_id\.\w+\.onhand$/.test(path),
    )
    const date = String(record.trackstar_updated_date)
    const isSound = by !== 0 && Math.abs(by) < 10 && places.length === 1 && isConsistent(record)
    const isLater = date > (dates.get(record.id) ?? '2025-12-31')
    if (!isSound || !isLater) t.fail(`${record.id} ${by} ${places.join()} ${date}`)
    dates.set(record.id, date)
  }
  t.ok(dates.size > 100, `${dates.size} items moved`)
})

tap.test('leaves every fixed item alone but the one that is there to be watched', async (t) => {
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

tap.test('moves the one to be watched every third time, but not into the future', async (t) => {
  const { mover, clock } = moving()
  const ids = () => Array.from({ length: 6 }, () => mover.moveNext()?.record.id === liveItemId)
  t.strictSame(ids(), [true, false, false, false, false, false])
  clock.now += 1000
  t.strictSame(ids(), [true, false, false, false, false, false])
})

tap.test('sells and receives about as much in the long run', async (t) => {
  const { data, mover, clock } = moving(0)
  for (let n = 0; n < 2000; n++) {
    clock.now += 1000
    mover.moveNext()
  }
  const { onhand } = data.inventory.get(liveItemId) ?? {}
  t.ok(Number(onhand) < 500, `${onhand} on hand`)
})

tap.test('makes the same moves from the same seed', async (t) => {
  const moves = (seed: number) => {
    const { mover } = moving(200, seed)
    return Array.from({ length: 20 }, () => JSON.stringify(mover.moveNext())).join()
  }
  t.equal(moves(1), moves(1))
  t.not(moves(1), moves(2))
})

tap.test('moves the item it is told to, as it is told', async (t) => {
  const { mover } = moving()
  const { record, previousAttributes } = mover.move('inv_matcha_tin', { by: -2, warehouse_id: 'wh_graz' })
  t.match(record, { onhand: 22, inventory_by_warehouse_id: { wh_graz: { onhand: 6 }, wh_oslo: { onhand: 16 } } })
  t.match(previousAttributes, { onhand: 24, 'inventory_by_warehouse_id.wh_graz.fulfillable': 8, 'lots.2.onhand': 8 })
  t.match(mover.move('inv_cup', { by: 5 }).record, { onhand: 49 })
})

tap.test('moves an item without a breakdown, and receives where nothing is free', async (t) => {
  const { mover } = moving()
  t.ok(mover.move('inv_kettle').previousAttributes['onhand'])
  t.ok(Number(mover.move('inv_puerh').record.onhand) > 2)
  t.ok(Number(mover.move('inv_darjeeling').record.onhand) > 20)
  t.ok(Number(mover.move('inv_puerh', { warehouse_id: 'wh_oslo' }).record.onhand) > 2)
})

tap.test('refuses to sell more than is there, and to move what is not', async (t) => {
  const { mover } = moving()
  t.throws(() => mover.move('inv_cup', { by: -45 }), { message: 'Cannot take 45 where 44 are on hand' })
  t.throws(() => mover.move('nowhere'), { message: 'There is no inventory nowhere' })
})

tap.test('moves what is left: the live one alone, or nothing', async (t) => {
  const { data, mover } = moving(0)
  for (let n = 0; n < 4; n++) t.equal(mover.moveNext()?.record.id, liveItemId)
  data.inventory.delete(liveItemId)
  t.equal(mover.moveNext(), undefined)
  data.inventory.clear()
  t.equal(mover.moveNext(), undefined)
})

tap.test('moves a live item that has lost its date', async (t) => {
  const { data, mover } = moving(200)
  Object.assign(data.inventory.get(liveItemId) ?? {}, { trackstar_updated_date: null })
  t.not(mover.moveNext()?.record.id, liveItemId)
})
