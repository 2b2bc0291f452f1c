import type { FakeUpstream, Resource, Version } from './fake-upstream.js'
import { type Choice, chooseProduct, type JoinedStock, type Json, joinStock, keyOf } from './join.js'

/** What a caller was told about one SKU. */
export interface Answer {
  readonly sku: string
  readonly merchant?: string | undefined
  readonly status: 'ok' | 'not_found' | 'ambiguous'
  /** The stock, or the problem. */
  readonly body: Json
}

/** The parts of a stock answer that follow from records. */
export function partsOf(stock: Json): JoinedStock {
  const { issues, warehouses, components, limiting, product } = stock as {
    issues: { code: string; inventory_item_id: string | null }[]
    warehouses: Json[]
    components: Json[]
    limiting: Json | null
    product: Json
  }
  const only = (names: readonly string[]) => (source: Json) =>
    Object.fromEntries(names.map((name) => [name, source[name]]))
  return {
    available: stock['available'] as number,
    quantities: stock['quantities'] as Json,
    warehouses: warehouses.map(only(['warehouse_id', 'available', 'quantities'])),
    components: components.map(only(['inventory_item_id', 'sku', 'unit_quantity', 'status', 'quantities'])),
    limiting: limiting && only(['component_sku', 'inventory_item_ids', 'yield'])(limiting),
    complete: stock['complete'] as boolean,
    issues: [...new Set(issues.map(({ code, inventory_item_id: id }) => `${code} ${id}`))].sort(),
    product: only(['id', 'is_kit', 'active', 'warehouse_customer_id'])(product),
  }
}

/** One text for one value, whatever the order of its fields. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}

/** The records that an answer may be composed of: for each id, its states within a span of time. */
export type States = (resource: Resource, id: string) => readonly (Json | undefined)[]

/** How many combinations of states are tried before an answer is accepted. */
const maxCombinations = 3000

/** Whether some combination of the states gives this answer; undefined: too many to try. */
export function isExplained(upstream: FakeUpstream, answer: Answer, statesOf: States): boolean | undefined {
  const candidates: (readonly (Json | undefined)[])[] = []
  for (const id of upstream.histories.products.keys()) {
    const states = statesOf('products', id).map((state) =>
      state && keyOf(state['sku']) === answer.sku ? state : undefined,
    )
    const distinct = [...new Set(states)]
    if (distinct.some((state) => state !== undefined)) candidates.push(distinct)
  }
  const parts = answer.status === 'ok' ? partsOf(answer.body) : undefined
  const expected = parts && canonical(parts)
  let tried = 0
  for (const products of combinations(candidates)) {
    if (++tried > maxCombinations) return undefined
    const choice = chooseProduct(
      products.filter((product) => product !== undefined),
      answer.merchant,
    )
    if (choice.status !== answer.status) continue
    if (choice.status === 'not_found') return true
    if (choice.status === 'ambiguous') {
      if (canonical(choice.ids) === canonical(candidateIds(answer.body))) return true
      continue
    }
    if (!parts || parts.product['id'] !== choice.product['id']) continue
    const outcome = isJoined(choice, parts, expected as string, statesOf, () => ++tried > maxCombinations)
    if (outcome !== false) return outcome
  }
  return false
}

const candidateIds = (problem: Json) =>
  ((problem['candidates'] ?? []) as { product_id: string }[]).map(({ product_id }) => product_id).sort()

function isJoined(
  { product }: Extract<Choice, { status: 'ok' }>,
  parts: JoinedStock,
  expected: string,
  statesOf: States,
  isTooMuch: () => boolean,
): boolean | undefined {
  const ids = parts.components.map((component) => String(component['inventory_item_id']))
  const states = ids.map((id) => [...new Set(statesOf('inventory', id))])
  for (const items of combinations(states)) {
    if (isTooMuch()) return undefined
    const byId = new Map(ids.map((id, index) => [id, items[index]]))
    if (canonical(joinStock(product, (id) => byId.get(id))) === expected) return true
  }
  return false
}

function* combinations<T>(choices: readonly (readonly T[])[]): Generator<T[]> {
  const [first, ...rest] = choices
  if (first === undefined) {
    yield []
    return
  }
  for (const others of combinations(rest)) for (const value of first) yield [value, ...others]
}

/** What upstream shows now for a SKU: the selection, and the join of the selected product. */
export function truthOf(upstream: FakeUpstream, sku: string, merchant?: string): Choice & { stock?: JoinedStock } {
  const products = [...upstream.records('products')].filter((product) => keyOf(product['sku']) === sku)
  const choice = chooseProduct(products, merchant)
  if (choice.status !== 'ok') return choice
  return { ...choice, stock: joinStock(choice.product, (id) => upstream.listed('inventory', id)) }
}

/**
 * The states of a record since a time: those that lists showed then or later, and those that webhooks could announce.
 */
export function statesSince(
  upstream: FakeUpstream,
  from: number,
  /** How much longer than in lists a state may count as the current one. */
  graceMs: (version: Version, next: Version) => number,
  /** How long an absence is believed after one answer without the record; 0 if it takes a second one. */
  emptyMs: number,
): States {
  const believesEmpty = emptyMs > 0 && upstream.emptyAt.some((at) => at + emptyMs >= from)
  return (resource, id) => {
    const history = upstream.histories[resource].get(id) ?? []
    const states: (Json | undefined)[] = history.flatMap((version, index) => {
      const next = history[index + 1]
      return next === undefined || next.listedSince + graceMs(version, next) >= from ? [version.record] : []
    })
    const [first] = history
    const wasAbsent = first === undefined || first.listedSince >= from
    return wasAbsent || believesEmpty ? [...states, undefined] : states
  }
}
