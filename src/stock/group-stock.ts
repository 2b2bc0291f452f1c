import type { ProblemBody } from '../errors.js'
import { connectionUnanswered, unknownWarehouse } from './issues.js'
import { firstExpiringFirst } from './lots.js'
import { type Amounts, addAmounts, noAmounts, toQuantities } from './quantities.js'
import { type Exact, plus, toNumber } from './rational.js'
import type { ConnectionStock, Quantities, Stock, StockIssue } from './stock.js'

/** What one connection of a group says of a SKU. */
export type ConnectionAnswer =
  | { readonly connection: string; readonly status: 'ok'; readonly stock: Stock }
  | FailedAnswer

/** A connection that has no product with the SKU (`not_found`), or that has not answered. */
export interface FailedAnswer {
  readonly connection: string
  readonly status: 'not_found' | 'ambiguous' | 'unavailable'
  readonly problem: ProblemBody
}

type StockAnswer = Extract<ConnectionAnswer, { status: 'ok' }>
const hasStock = (answer: ConnectionAnswer): answer is StockAnswer => answer.status === 'ok'

/**
 * The stock of a SKU in all connections of a group: the sum of what those have that know the SKU. Kits are summed and not
 * pooled, because no one assembles a kit from the shelves of two companies. Pure: it does not change its input.
 *
 * @param answers one of each connection, in the order of the group
 * @param unknownWarehouses the selected warehouses that none of the connections knows
 * @returns undefined if no connection has a stock; {@link failureOf} then says which answer is that of the group
 */
export function combineStocks(
  group: string,
  answers: readonly ConnectionAnswer[],
  unknownWarehouses: readonly string[] = [],
): Stock | undefined {
  const having = answers.filter(hasStock)
  const [first] = having
  if (first === undefined) return undefined
  const connections = answers.map((answer) => connectionStock(answer, unknownWarehouses))
  const stocks = having.map(({ stock }) => stock)
  const entriesOf = <T>(list: (stock: Stock) => readonly T[] | undefined): (T & { connection: string })[] =>
    having.flatMap(({ connection, stock }) => (list(stock) ?? []).map((entry) => ({ ...entry, connection })))
  return {
    sku: first.stock.sku,
    connection: group,
    product: first.stock.product,
    available: sumAvailable(stocks.map(({ available }) => available)),
    quantities: sumQuantities(stocks.map(({ quantities }) => quantities)),
    warehouses: entriesOf(({ warehouses }) => warehouses),
    components: entriesOf(({ components }) => components),
    complete: connections.every(({ complete }) => complete),
    issues: answers.flatMap((answer) => issuesOf(answer, unknownWarehouses)),
    limiting: null,
    as_of: stocks.map(({ as_of }) => as_of).reduce(older),
    stale: stocks.some(({ stale }) => stale),
    source: null,
    ...(first.stock.lots && { lots: firstExpiringFirst(entriesOf(({ lots }) => lots)) }),
    ...(first.stock.locations && { locations: entriesOf(({ locations }) => locations) }),
    connections,
  }
}

const older = (a: string, b: string): string => (Date.parse(b) < Date.parse(a) ? b : a)

/** The exact sums, each over those that state the quantity; null where none does. */
export const sumQuantities = (all: readonly Quantities[]): Quantities =>
  toQuantities(all.reduce<Amounts>(addAmounts, noAmounts))

/** The exact sum. */
export const sumAvailable = (all: readonly number[]): number => toNumber(all.reduce<Exact>(plus, 0))

/**
 * The answer that is the group's if none of its connections has a stock. Only if all of them have no such product has the
 * group none. Otherwise it is that of a connection that has not answered: first one of which a later answer is likely (503).
 */
export function failureOf<T extends Pick<FailedAnswer, 'status'> & { readonly problem: { readonly status: number } }>(
  answers: readonly T[],
): T | undefined {
  const rank = ({ status, problem }: T) =>
    status === 'not_found' ? 3 : status === 'ambiguous' ? 2 : problem.status === 503 ? 0 : 1
  return answers.toSorted((a, b) => rank(a) - rank(b))[0]
}

function connectionStock(answer: ConnectionAnswer, unknownWarehouses: readonly string[]): ConnectionStock {
  const { connection, status } = answer
  if (!hasStock(answer)) {
    return {
      connection,
      status,
      product: null,
      available: null,
      quantities: null,
      limiting: null,
      complete: status === 'not_found',
      as_of: null,
      stale: false,
      source: null,
      problem: answer.problem,
    }
  }
  const { product, available, quantities, limiting, complete, as_of, stale, source } = answer.stock
  return {
    connection,
    status,
    product,
    available,
    quantities,
    limiting,
    complete: complete && unknownWarehouses.length === 0,
    as_of,
    stale,
    source,
    problem: null,
  }
}

function issuesOf(answer: ConnectionAnswer, unknownWarehouses: readonly string[]): StockIssue[] {
  const { connection, status } = answer
  if (status === 'not_found') return []
  const issues = hasStock(answer)
    ? [...answer.stock.issues, ...unknownWarehouses.map((id) => unknownWarehouse(id).issue)]
    : [connectionUnanswered(connection, answer.problem.detail).issue]
  return issues.map((issue) => ({ ...issue, connection }))
}
