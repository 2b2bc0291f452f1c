import type { Member } from './demands.js'

/** Needs to be covered out of supplies. No amount is below zero. */
export interface Contest {
  /** What there is of each item. */
  readonly supplies: readonly bigint[]
  readonly needs: readonly Need[]
}

/** `amount` is to come together from the members, each unit times its worth. */
export interface Need {
  readonly amount: bigint
  readonly members: readonly Member[]
}

/** One member's part in covering a need, in units of the item. */
export interface Draw {
  readonly need: number
  readonly item: number
  readonly amount: bigint
}

/**
 * As much of the needs together as can be covered, every member's worth being 1: the greatest flow from items to needs,
 * by Dinic's algorithm. With whole amounts its draws are whole. For V items and needs with E members it takes at most
 * V² · E steps, and in practice a few times E.
 */
export function cover({ supplies, needs }: Contest): Draw[] {
  const source = newNode()
  const sink = newNode()
  const items = supplies.map((supply) => {
    const node = newNode()
    connect(source, node, supply)
    return node
  })
  const draws = needs.flatMap(({ amount, members }, need) => {
    const node = newNode()
    connect(node, sink, amount)
    return members.flatMap(({ item }) => {
      const from = items[item]
      const supply = supplies[item]
      return from && supply ? [{ need, item, pipe: connect(from, node, supply) }] : []
    })
  })
  let more = true
  while (more) more = flowMore(source, sink)
  return draws.map(({ need, item, pipe }) => ({ need, item, amount: pipe.flow })).filter(({ amount }) => amount > 0n)
}

interface Node {
  readonly pipes: Pipe[]
}

interface Pipe {
  readonly from: Node
  readonly to: Node
  readonly capacity: bigint
  flow: bigint
}

const newNode = (): Node => ({ pipes: [] })

function connect(from: Node, to: Node, capacity: bigint): Pipe {
  const pipe = { from, to, capacity, flow: 0n }
  from.pipes.push(pipe)
  to.pipes.push(pipe)
  return pipe
}

// A pipe can be used both ways: backwards it takes back what flows.
const across = (pipe: Pipe, node: Node): Node => (pipe.from === node ? pipe.to : pipe.from)
const room = (pipe: Pipe, node: Node): bigint => (pipe.from === node ? pipe.capacity - pipe.flow : pipe.flow)

/** Fills up every shortest way that is still open. False where there is none. */
function flowMore(source: Node, sink: Node): boolean {
  const levels = levelsFrom(source)
  if (!levels.has(sink)) return false
  const tried = new Map<Node, number>()
  const way: Step[] = []
  let node = source
  for (;;) {
    const pipe = node === sink ? undefined : nextPipe(node, levels, tried)
    if (pipe !== undefined) {
      way.push({ node, pipe })
      node = across(pipe, node)
    } else if (node === sink) {
      fill(way)
      const last = way.at(-1)
      node = last === undefined ? source : across(last.pipe, last.node)
    } else {
      levels.delete(node)
      const back = way.pop()
      if (back === undefined) return true
      node = back.node
    }
  }
}

/** A pipe, and the node that it is entered from. */
interface Step {
  readonly node: Node
  readonly pipe: Pipe
}

/** The first pipe of a node that leads on, of those that `tried` does not count off. */
function nextPipe(node: Node, levels: ReadonlyMap<Node, number>, tried: Map<Node, number>): Pipe | undefined {
  const wanted = (levels.get(node) ?? 0) + 1
  for (let next = tried.get(node) ?? 0; next < node.pipes.length; next += 1) {
    const pipe = node.pipes[next]
    if (pipe !== undefined && levels.get(across(pipe, node)) === wanted && room(pipe, node) > 0n) {
      tried.set(node, next)
      return pipe
    }
  }
  tried.set(node, node.pipes.length)
  return undefined
}

/** Sends as much as fits along a way, and cuts the way off where that fills it. */
function fill(way: Step[]): void {
  const amount = way.map(({ node, pipe }) => room(pipe, node)).reduce((a, b) => (a - b < 0n ? a : b))
  for (const { node, pipe } of way) pipe.flow += pipe.from === node ? amount : -amount
  way.length = way.findIndex(({ node, pipe }) => room(pipe, node) === 0n)
}

/** How many pipes away each node is that can still be reached. */
function levelsFrom(source: Node): Map<Node, number> {
  const levels = new Map([[source, 0]])
  for (const [node, level] of levels) {
    for (const pipe of node.pipes) {
      const to = across(pipe, node)
      if (!levels.has(to) && room(pipe, node) > 0n) levels.set(to, level + 1)
    }
  }
  return levels
}
