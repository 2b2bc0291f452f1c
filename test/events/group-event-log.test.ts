import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import tap from 'tap'
import { EventLog, type StockEvent } from '../../src/events/event-log.js'
import { GroupEventLog } from '../../src/events/group-event-log.js'
import { change } from '../stock/view.js'

/** A group of connections with these names, and every event that it has passed on. */
function start(...names: string[]) {
  const logs = names.map((name) => new EventLog(`run-of-${name}`, name))
  const group = new GroupEventLog(logs)
  const passed: StockEvent[] = []
  group.subscribe({ event: (event) => passed.push(event), end: () => {} })
  const publish = (n: number, sku = 'A') => logs[n]?.publish(change(sku), 'now')
  return { logs, group, passed, publish }
}

const idOf = ({ frame }: { readonly frame: string }) => /^id: (.*)$/m.exec(frame)?.[1] ?? ''
/** Which event it is, whatever its id. */
const dataOf = ({ frame }: { readonly frame: string }) => frame.slice(frame.indexOf('data: '))
const positionOf = (group: GroupEventLog) => /^id: (.*)\n$/.exec(group.positionField)?.[1] ?? ''
const all = <T>(events: Iterable<T> | undefined) => events && Array.from(events)

tap.test('passes on the events of each connection, with an id of the group', async (t) => {
  const { logs, group, passed, publish } = start('au', 'us')
  t.match(group.positionField, /^id: [\da-f]{8}-0\.0\n$/)
  publish(0)
  publish(1)
  publish(0, 'B')
  t.strictSame(
    passed.map((event) => idOf(event).slice(8)),
    ['-1.0', '-1.1', '-2.1'],
  )
  t.strictSame(
    passed.map((event) => JSON.parse(dataOf(event).slice(6)).connection),
    ['au', 'us', 'au'],
  )
  t.equal(group.lastSequence, 3)
  t.match(group.resetFrame(), /^event: reset\nid: [\da-f]{8}-2\.1\ndata: \{\}\n\n$/)
  t.strictSame(all(logs[0]?.since('run-of-au-1'))?.length, 1, 'the ids of a connection are its own')
})

tap.test(
  'a reader that resumes from any id receives every later event once, and those of a connection in order',
  async () => {
    const sku = fc.constantFrom<string>('A', 'B', 'C')
    const publication = fc.record({ connection: fc.nat({ max: 2 }), sku })
    /** It reads a part of what it missed, and then the connection breaks. */
    const visit = fc.record({ reads: fc.double({ min: 0, max: 1, noNaN: true }) })
    fc.assert(
      fc.property(fc.array(fc.oneof(publication, visit)), fc.option(fc.uniqueArray(sku)), (steps, wanted) => {
        const { logs, group, passed } = start('au', 'us', 'ca')
        const skus = wanted === null ? undefined : new Set(wanted)
        const received: string[] = []
        let id = positionOf(group)
        const read = (part: number) => {
          const missed = all(group.since(id, skus)) ?? []
          const seen = missed.slice(0, Math.ceil(missed.length * part))
          received.push(...seen.map(dataOf))
          const last = seen.at(-1)
          if (seen.length === missed.length) id = positionOf(group)
          else if (last) id = idOf(last)
        }
        for (const [n, step] of steps.entries()) {
          if ('reads' in step) read(step.reads)
          else logs[step.connection]?.publish(change(step.sku), String(n))
        }
        read(1)
        const byConnection = (data: readonly string[]) =>
          ['au', 'us', 'ca'].map((name) => data.filter((one) => JSON.parse(one.slice(6)).connection === name))
        const expected = passed.filter((event) => skus === undefined || skus.has(event.sku)).map(dataOf)
        return isDeepStrictEqual(byConnection(received), byConnection(expected))
      }),
    )
  },
)

tap.test('knows no id of another group, of another run or of a connection', async (t) => {
  const { group, publish } = start('au', 'us')
  for (let n = 0; n < 3; n++) publish(n % 2)
  const known = positionOf(group)
  const boot = known.split('-')[0]
  t.strictSame(all(group.since(known)), [])
  const others = [start('us', 'au'), start('au'), start('au', 'us', 'ca'), start('au', 'ca')].map(({ group: other }) =>
    positionOf(other),
  )
  const wrong = ['', '-', `${boot}-`, `${boot}-2`, `${boot}-2.1.0`, `${boot}-2.2`, `${boot}-3.0`, `${boot}-2.x`]
  for (const id of [...others, ...wrong, `${boot}-2.${'9'.repeat(16)}`, 'run-of-au-1', `x${known}`]) {
    t.equal(group.since(id), undefined, id)
  }
})

tap.test('goes on after the events that a connection published before the group was formed', async (t) => {
  const log = new EventLog('run', 'au')
  for (let n = 0; n < 5; n++) log.publish(change('A'), 'now')
  const group = new GroupEventLog([log])
  t.match(group.positionField, /-5\n$/)
  const boot = positionOf(group).split('-')[0]
  t.equal(all(group.since(`${boot}-2`))?.length, 3)
})

tap.test('a reader that missed more than ten thousand events in all is told to read the stock again', async (t) => {
  const { group, publish } = start('au', 'us')
  const id = positionOf(group)
  for (let n = 0; n < 5000; n++) for (const connection of [0, 1]) publish(connection)
  t.equal(all(group.since(id))?.length, 10_000)
  publish(1)
  t.equal(group.since(id), undefined)
  t.strictSame(all(group.since(positionOf(group))), [])
})

tap.test('ends when the log of a connection ends, and takes nothing after it was closed', async (t) => {
  const { logs, group, passed, publish } = start('au', 'us')
  let ends = 0
  const unsubscribe = group.subscribe({ event: () => {}, end: () => void ends++ })
  logs[1]?.end()
  t.equal(ends, 1)
  unsubscribe()
  group.close()
  publish(0)
  logs[0]?.end()
  t.equal(ends, 1)
  t.strictSame(passed, [])
})
