import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ReadContext } from '../cache/read-context.js'
import { type Problem, problemBody } from '../errors.js'
import { runToEnd, type Steps } from '../steps.js'
import { type ConnectionAnswer, combineStocks, type FailedAnswer, failureOf } from '../stock/group-stock.js'
import type { Stock } from '../stock/stock.js'
import type { Catalog } from './catalog.js'
import type { GroupTexts } from './group-texts.js'
import type { MaterializedStock, StockReader } from './materialized-stocks.js'
import type { StockCache } from './stock-cache.js'
import { type JsonPart, type StockJson, wholePart } from './stock-json.js'
import { getStocks, isPlain, type StockOptions, type StockOutcome, stockProblem } from './stocks.js'
import type { RunSteps } from './work-turns.js'

/** Several connections whose stock is seen as one. */
export interface StockGroup {
  readonly name: string
  /** In the order of the configuration. */
  readonly members: readonly GroupMember[]
}

export interface GroupMember {
  readonly name: string
  readonly catalog: Catalog
}

/** The outcome for one SKU in a group. */
export type GroupOutcome = {
  /** Epoch ms of the oldest record; infinity if no connection has answered. */
  readonly readAt: number
  /** Whether a connection could not be read, so that a later answer may be another. */
  readonly isPartial: boolean
} & (
  | {
      readonly status: 'ok'
      /** Writes the stock as JSON. */
      readonly body: () => JsonPart
      /** Whether the text is kept for other requests. */
      readonly isShared: boolean
    }
  | { readonly status: FailedAnswer['status']; readonly problem: Problem }
)

export interface GroupReaderOptions {
  readonly options: StockOptions
  readonly context: ReadContext
  /** The JSON of the stocks of one connection. */
  readonly jsonOf: (member: GroupMember) => StockJson
  /** Writes a stock by the schema of the response. */
  readonly serialise: (stock: Stock) => string
  /** Of the request, for the problems of single connections, and so is `problemsUrl`. */
  readonly requestId: string
  readonly problemsUrl: string | undefined
  readonly texts: GroupTexts
}

/** What one connection says of a SKU: its stock as it is in memory, or its outcome. */
type MemberOutcome = MaterializedStock | StockOutcome
/** What one connection knows without a read. */
type KnownOutcome = MaterializedStock | Extract<StockOutcome, { status: 'not_found' }>

const isMaterialized = (outcome: MemberOutcome): outcome is MaterializedStock => 'body' in outcome

/** Stands for the id of each request in a text that is kept. */
const anyRequest = '{request_id}'

/** Exact on serialised JSON: inside a string the quotes would be escaped. The hash does not count the id. */
function withRequestId({ text, hash }: JsonPart, requestId: string): JsonPart {
  const own = text.replaceAll(`"request_id":"${anyRequest}"`, () => `"request_id":${JSON.stringify(requestId)}`)
  return { text: own, bytes: Buffer.byteLength(own), hash }
}

/** More SKUs than these are work of milliseconds for each connection. */
const maxSkusAtOnce = 20

/**
 * Reads the stock of a group for one request. Each connection answers by itself: what one cannot answer is missing from the
 * sum and makes it incomplete.
 */
export class GroupReader {
  readonly #readers: readonly (StockReader | undefined)[]
  /** What is known of SKUs that {@link read} does not have, by connection. */
  readonly #known = new Map<string, readonly (KnownOutcome | undefined)[]>()

  constructor(
    private readonly group: StockGroup,
    private readonly given: GroupReaderOptions,
  ) {
    const { options, context } = given
    const readsText = isPlain(options)
    this.#readers = group.members.map(({ catalog }) => (readsText ? catalog.materialized?.reader(context) : undefined))
  }

  /** The stock of a SKU; undefined if the records in memory do not suffice for all connections, or if none has it. */
  read(sku: string): GroupOutcome | undefined {
    const known = this.group.members.map((member, index) => this.#knownOf(member, this.#readers[index], sku))
    const outcomes = known.filter((outcome) => outcome !== undefined)
    if (outcomes.length < known.length || !outcomes.some(isMaterialized)) {
      this.#known.set(sku, known)
      return undefined
    }
    const isWhole = outcomes.every(isMaterialized)
    const kept = this.#keptText(sku, outcomes)
    const body = () => (isWhole ? kept : withRequestId(kept, this.given.requestId))
    return { status: 'ok', body, isShared: isWhole, readAt: Math.min(...outcomes.map(readAtOf)), isPartial: false }
  }

  #knownOf(member: GroupMember, reader: StockReader | undefined, sku: string): KnownOutcome | undefined {
    const { options, jsonOf } = this.given
    const stock = reader?.read(sku, options.warehouseCustomerId, jsonOf(member))
    if (stock) return stock
    const absence = reader?.absence(sku)
    return absence && { status: 'not_found', readAt: absence.readAt }
  }

  /** The text of the stock, with {@link anyRequest} as the id of the request. */
  #keptText(sku: string, outcomes: readonly KnownOutcome[]): JsonPart {
    const { options, texts, problemsUrl } = this.given
    const { name, members } = this.group
    const sources = outcomes.flatMap((outcome, index): unknown[] => {
      if (!isMaterialized(outcome)) return [members[index]?.name, problemsUrl]
      const { body, age } = outcome
      return [body.hash, age.readAt, age.stale, age.connection]
    })
    return texts.get(JSON.stringify([name, options.warehouseCustomerId, sku]), sources, () =>
      this.#bodyOf(combineStocks(name, this.#answers(sku, outcomes, anyRequest)) as Stock),
    )
  }

  /**
   * The stock of SKUs that {@link read} does not have. All connections are asked at the same time.
   * @param cache as in {@link getStocks}, and so is `run`
   */
  async readOthers(
    skus: ReadonlySet<string>,
    { cache, run = async (steps) => runToEnd(steps) }: { readonly cache?: StockCache; readonly run?: RunSteps } = {},
  ): Promise<ReadonlyMap<string, GroupOutcome>> {
    const { context, options } = this.given
    const { members } = this.group
    const ownOptions = { ...options, toleratesUnknownWarehouses: true }
    const reads: Promise<ReadonlyMap<string, StockOutcome>>[] = []
    for (const [index, { catalog }] of members.entries()) {
      // What a connection has in memory is read at once.
      if (reads.length > 0 && skus.size > maxSkusAtOnce) await nextTurn()
      const own = new Set(Array.from(skus).filter((sku) => !this.#known.get(sku)?.[index]))
      const isComplete = own.size === 0
      const read = isComplete ? none : getStocks(catalog, own, ownOptions, context, { ...(cache && { cache }), run })
      // It is awaited only after the others have begun.
      read.catch(() => {})
      reads.push(read)
    }
    const read = await Promise.all(reads)
    const lists = await Promise.all(
      options.warehouseIds?.length ? members.map(({ catalog }) => catalog.warehouses(context)) : [],
    )
    const isListed = (warehouseId: string) => lists.some((list) => list.has(warehouseId))
    return run(this.#combineAll(skus, read, isListed))
  }

  *#combineAll(
    skus: ReadonlySet<string>,
    read: readonly ReadonlyMap<string, StockOutcome>[],
    isListed: (warehouseId: string) => boolean,
  ): Steps<ReadonlyMap<string, GroupOutcome>> {
    const combined = new Map<string, GroupOutcome>()
    for (const sku of skus) {
      if (combined.size > 0) yield
      const known = this.#known.get(sku)
      const outcomes = read.map((outcomesOf, index) => known?.[index] ?? (outcomesOf.get(sku) as StockOutcome))
      combined.set(sku, this.#combine(sku, outcomes, isListed))
    }
    return combined
  }

  #combine(sku: string, outcomes: readonly MemberOutcome[], isListed: (warehouseId: string) => boolean): GroupOutcome {
    const { name } = this.group
    const answers = this.#answers(sku, outcomes, this.given.requestId)
    const readAt = Math.min(...outcomes.map(readAtOf))
    const isPartial = answers.some(({ status }) => status === 'unavailable')
    // A connection that has not answered may have the warehouse.
    const isKnown = (id: string) => isPartial || isListed(id) || answers.some((answer) => hasWarehouse(answer, id))
    const unknown = new Set(this.given.options.warehouseIds?.filter((id) => !isKnown(id)))
    const stock = combineStocks(name, answers, [...unknown])
    if (stock) return { status: 'ok', body: () => this.#bodyOf(stock), isShared: false, readAt, isPartial }
    const failure = failureOf(answers.filter((answer) => answer.status !== 'ok'))
    if (failure === undefined) throw new Error(`expected the group ${name} to have connections, but it has none`)
    return { status: failure.status, problem: failure.error, readAt, isPartial }
  }

  #answers(sku: string, outcomes: readonly MemberOutcome[], requestId: string) {
    return this.group.members.map((member, index) => {
      const connection = member.name
      const outcome = outcomes[index] as MemberOutcome
      if (isMaterialized(outcome)) {
        const text = outcome.body.text + this.given.jsonOf(member).tail(outcome.age).text
        return { connection, status: 'ok' as const, stock: JSON.parse(text) as Stock }
      }
      if (outcome.status === 'ok') return { connection, status: outcome.status, stock: outcome.stock }
      const error = stockProblem(sku, outcome)
      const body = problemBody(error, requestId, this.given.problemsUrl)
      return { connection, status: outcome.status, problem: body, error }
    })
  }

  #bodyOf(stock: Stock): JsonPart {
    return wholePart(this.given.serialise(stock))
  }
}

const none: Promise<ReadonlyMap<string, StockOutcome>> = Promise.resolve(new Map())

function readAtOf(outcome: MemberOutcome): number {
  if (isMaterialized(outcome)) return outcome.age.readAt
  return outcome.status === 'unavailable' ? Number.POSITIVE_INFINITY : outcome.readAt
}

const hasWarehouse = (answer: ConnectionAnswer, id: string): boolean =>
  answer.status === 'ok' && answer.stock.warehouses.some(({ warehouse_id }) => warehouse_id === id)
