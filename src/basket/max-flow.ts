import type { Steps } from '../steps.js'
import type { Allocation, AllocationProblem } from './demands.js'

/**
 * Meets as much of the demands together as possible, with every weight taken as 1: the maximum flow from items to
 * demands, by Dinic's algorithm. Integer amounts give integer allocations. With V items and demands and E members it
 * takes at most V² · E steps, in practice a few times E.
 */
export function* maxFlow({ supplies, demands }: AllocationProblem): Steps<Allocation[]> {
  const source = createNode()
  const sink = createNode()
  const items = supplies.map((supply) => {
    const node = createNode()
    connect(source, node, supply)
    return node
  })
  const allocations: { readonly demand: number; readonly item: number; readonly edge: Edge }[] = []
  for (const [demand, { amount, members }] of demands.entries()) {
    yield
    const node = createNode()
    connect(node, sink, amount)
    for (const { item } of members) {
      const from = items[item]
      const supply = supplies[item]
      if (from && supply) allocations.push({ demand, item, edge: connect(from, node, supply) })
    }
  }
  let hasGrown = true
  while (hasGrown) hasGrown = yield* addBlockingFlow(source, sink)
  return allocations
    .map(({ demand, item, edge }) => ({ demand, item, amount: edge.flow }))
    .filter(({ amount }) => amount > 0n)
}

interface Node {
  readonly edges: Edge[]
}

/** An edge can be followed both ways: backwards it takes back its flow. */
interface Edge {
  readonly from: Node
  readonly to: Node
  readonly capacity: bigint
  flow: bigint
}

/** An edge and the node that a path enters it from. */
interface Step {
  readonly node: Node
  readonly edge: Edge
}

/** Each step takes about a tenth of a microsecond. */
const stepsBetweenYields = 200

const createNode = (): Node => ({ edges: [] })

function connect(from: Node, to: Node, capacity: bigint): Edge {
  const edge = { from, to, capacity, flow: 0n }
  from.edges.push(edge)
  to.edges.push(edge)
  return edge
}

const otherEnd = (edge: Edge, node: Node): Node => (edge.from === node ? edge.to : edge.from)
const residual = (edge: Edge, node: Node): bigint => (edge.from === node ? edge.capacity - edge.flow : edge.flow)

/** Saturates every shortest augmenting path. Returns false if there is none. */
function* addBlockingFlow(source: Node, sink: Node): Steps<boolean> {
  const levels = yield* levelsFrom(source)
  if (!levels.has(sink)) return false
  const firstUntried = new Map<Node, number>()
  const path: Step[] = []
  let node = source
  for (let taken = 0; ; taken += 1) {
    if (taken % stepsBetweenYields === 0) yield
    const edge = node === sink ? undefined : nextEdge(node, levels, firstUntried)
    if (edge !== undefined) {
      path.push({ node, edge })
      node = otherEnd(edge, node)
    } else if (node === sink) {
      augment(path)
      const last = path.at(-1)
      node = last === undefined ? source : otherEnd(last.edge, last.node)
    } else {
      levels.delete(node)
      const back = path.pop()
      if (back === undefined) return true
      node = back.node
    }
  }
}

/** The first edge of a node, from `firstUntried` on, that leads one level further. */
function nextEdge(node: Node, levels: ReadonlyMap<Node, number>, firstUntried: Map<Node, number>): Edge | undefined {
  const level = (levels.get(node) ?? 0) + 1
  for (let next = firstUntried.get(node) ?? 0; next < node.edges.length; next += 1) {
    const edge = node.edges[next]
    if (edge !== undefined && levels.get(otherEnd(edge, node)) === level && residual(edge, node) > 0n) {
      firstUntried.set(node, next)
      return edge
    }
  }
  firstUntried.set(node, node.edges.length)
  return undefined
}

/** Sends as much as fits along a path and cuts the path at its first saturated edge. */
function augment(path: Step[]): void {
  const amount = path.map(({ node, edge }) => residual(edge, node)).reduce((a, b) => (a - b < 0n ? a : b))
  for (const { node, edge } of path) edge.flow += edge.from === node ? amount : -amount
  path.length = path.findIndex(({ node, edge }) => residual(edge, node) === 0n)
}

/** The number of edges from the source to each node that can be reached. */
function* levelsFrom(source: Node): Steps<Map<Node, number>> {
  const levels = new Map([[source, 0]])
  let taken = 0
  for (const [node, level] of levels) {
    for (const edge of node.edges) {
      if (++taken % stepsBetweenYields === 0) yield
      const to = otherEnd(edge, node)
      if (!levels.has(to) && residual(edge, node) > 0n) levels.set(to, level + 1)
    }
  }
  return levels
}
