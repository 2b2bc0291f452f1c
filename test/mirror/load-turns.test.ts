import tap from 'tap'
import { LoadTurn, LoadTurns } from '../../src/mirror/load-turns.js'
import { settle } from '../harness.js'

/** Loads with a list each, or two; a list ends when the test says so. */
function start(max: number) {
  const turns = new LoadTurns(max)
  const running = new Set<string>()
  const ends = new Map<string, () => void>()
  const load = (name: string, lists = 1) => {
    const abort = new AbortController()
    const turn = new LoadTurn(turns, abort.signal)
    const pauses: ((work: () => Promise<unknown>) => Promise<void>)[] = []
    const done = Promise.allSettled(
      Array.from({ length: lists }, (_, list) =>
        turn.read(async (pause) => {
          pauses[list] = pause
          running.add(name)
          await new Promise<void>((resolve) => ends.set(`${name}${list}`, resolve))
        }),
      ),
    ).then(() => running.delete(name))
    return { done, abort, pauses }
  }
  return { load, running, end: (list: string) => ends.get(list)?.() }
}

tap.test('only so many run at a time, in the order in which they begin', async (t) => {
  const { load, running, end } = start(2)
  for (const name of ['a', 'b', 'c', 'd']) load(name)
  await settle()
  t.strictSame([...running], ['a', 'b'])
  end('b0')
  await settle()
  t.strictSame([...running], ['a', 'c'])
  end('a0')
  end('c0')
  await settle()
  t.strictSame([...running], ['d'])
})

tap.test('the lists of one load share its turn', async (t) => {
  const { load, running, end } = start(1)
  load('a', 2)
  load('b')
  await settle()
  end('a0')
  await settle()
  t.strictSame([...running], ['a'], 'its other list is still being read')
  end('a1')
  await settle()
  t.strictSame([...running], ['b'])
})

tap.test('a load that waits before it tries again lets another run', async (t) => {
  const { load, running, end } = start(1)
  const { pauses } = load('a')
  load('b')
  await settle()
  let continueA = () => {}
  let isBack = false
  void pauses[0]?.(() => new Promise<void>((resolve) => (continueA = resolve))).then(() => (isBack = true))
  await settle()
  t.ok(running.has('b'))
  continueA()
  await settle()
  t.notOk(isBack, 'until the other one ends')
  end('b0')
  await settle()
  t.ok(isBack)
})

tap.test('a load that is stopped while it waits takes no turn', async (t) => {
  const { load, running, end } = start(1)
  load('a')
  const { abort, done } = load('b', 2)
  load('c')
  await settle()
  abort.abort()
  await done
  end('a0')
  await settle()
  t.strictSame([...running], ['c'])
})
