import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** One call upstream, as it is told to the metrics. */
interface UpstreamCall {
  readonly route: string
  readonly cause: string
  readonly outcome: string
  readonly ms: number
  readonly waitedMs: number
}

/** What is read when somebody looks, rather than counted as it happens. */
export interface MetricsState {
  readonly budget: { readonly readsPerSecond: number; readonly usedLastSecond: number; readonly waiting: number }
  readonly circuit: 'closed' | 'open' | 'half-open'
  readonly keysWaiting: number
  readonly requestsWaiting: number
  /** Look-ups of records by how they came. */
  readonly lookups: Readonly<Record<string, number>>
  readonly stores: Readonly<Record<string, { entries: number; bytes: number; maxBytes: number; evictions: number }>>
  /** Null where the catalog is not mirrored. */
  readonly mirror: MirrorState | null
}

interface MirrorState {
  readonly state: 'loading' | 'live' | 'off'
  readonly products: number
  readonly inventory: number
  readonly warehouses: number
  readonly pages: number
  readonly pagesLeft: number | null
  /** Epoch ms. */
  readonly syncedAt: number | undefined
}

const seconds = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const circuitStates = ['closed', 'half-open', 'open'] as const
const mirrorStates = ['loading', 'live', 'off'] as const

/** Everything that is counted, in a registry of its own: an application does not count another's requests. */
export class Metrics {
  readonly registry = new Registry()
  readonly #calls = this.#counter('trackstar_calls_total', 'Calls made upstream', ['route', 'cause', 'outcome'])
  readonly #callSeconds = this.#histogram('trackstar_call_seconds', 'Time of a call upstream', ['route'], seconds)
  readonly #permitSeconds = this.#histogram('trackstar_permit_wait_seconds', 'Wait for a permit', ['cause'], seconds)
  readonly #batchKeys = this.#histogram(
    'trackstar_batch_keys',
    'Keys in one call',
    ['kind'],
    [1, 2, 5, 10, 25, 50, 75, 100],
  )
  readonly #malformed = this.#counter('trackstar_malformed_records_total', 'Records left out', ['resource'])
  readonly http = this.#histogram('http_request_seconds', 'Time of a request', ['method', 'route', 'status'], seconds)
  readonly problems = this.#counter('http_problems_total', 'Requests refused or failed, by code', ['code'])
  readonly callers = this.#counter('http_caller_requests_total', 'Requests, by the name of the key', [
    'caller',
    'status',
  ])
  readonly inFlight = new Gauge({
    name: 'http_requests_in_flight',
    help: 'Requests being answered',
    registers: [this.registry],
  })

  constructor() {
    collectDefaultMetrics({ register: this.registry })
  }

  readonly upstreamCall = ({ route, cause, outcome, ms, waitedMs }: UpstreamCall): void => {
    this.#calls.inc({ route, cause, outcome })
    this.#callSeconds.observe({ route }, ms / 1000)
    this.#permitSeconds.observe({ cause }, waitedMs / 1000)
  }

  readonly batch = (kind: string, keys: number): void => this.#batchKeys.observe({ kind }, keys)

  readonly malformed = (resource: string): void => this.#malformed.inc({ resource })

  /** Adds what is read from `state` with every scrape. */
  watch(state: () => MetricsState): void {
    const gauge = this.#gauge
    const total = (name: string, help: string, label: string, read: () => Iterable<readonly [string, number]>) => {
      const registers = [this.registry]
      return new Counter({
        name,
        help,
        labelNames: [label],
        registers,
        collect() {
          this.reset()
          for (const [value, count] of read()) this.inc({ [label]: value }, count)
        },
      })
    }
    gauge('trackstar_budget_permits_left', 'Reads that may still leave in this second', [], (left) => {
      const { readsPerSecond, usedLastSecond } = state().budget
      left.set(readsPerSecond - usedLastSecond)
    })
    gauge('trackstar_permits_awaited', 'Calls that wait for a permit', [], (waiting) =>
      waiting.set(state().budget.waiting),
    )
    gauge('trackstar_keys_awaited', 'SKUs and ids that wait for a call', [], (waiting) =>
      waiting.set(state().keysWaiting),
    )
    gauge('trackstar_requests_awaiting', 'Requests that wait for upstream', [], (waiting) =>
      waiting.set(state().requestsWaiting),
    )
    gauge('trackstar_circuit_state', '1 for the state that the circuit is in', ['state'], (circuit) => {
      for (const name of circuitStates) circuit.set({ state: name }, Number(state().circuit === name))
    })
    const stores = () => Object.entries(state().stores)
    gauge('cache_entries', 'Entries held', ['store'], (held) => {
      for (const [store, { entries }] of stores()) held.set({ store }, entries)
    })
    gauge('cache_bytes', 'Bytes held, as JSON', ['store'], (held) => {
      for (const [store, { bytes }] of stores()) held.set({ store }, bytes)
    })
    total('cache_lookups_total', 'Look-ups of records, by how they came', 'outcome', () =>
      Object.entries(state().lookups),
    )
    total('cache_evictions_total', 'Entries put out to stay within the bound', 'store', () =>
      stores().map(([store, { evictions }]) => [store, evictions] as const),
    )
    if (state().mirror !== null) this.#watchMirror(() => state().mirror)
  }

  /** Adds how many read events, asked with every scrape. */
  readonly watchReaders = (count: () => number): void => {
    this.#gauge('stock_event_readers', 'Open readers of events', [], (readers) => readers.set(count()))
  }

  #watchMirror(mirror: () => MirrorState | null): void {
    this.#gauge('mirror_state', '1 for the state that the mirror is in', ['state'], (state) => {
      for (const name of mirrorStates) state.set({ state: name }, Number(mirror()?.state === name))
    })
    this.#gauge('mirror_records', 'Records mirrored', ['resource'], (records) => {
      const { products = 0, inventory = 0, warehouses = 0 } = mirror() ?? {}
      for (const [resource, count] of Object.entries({ products, inventory, warehouses })) {
        records.set({ resource }, count)
      }
    })
    this.#gauge('mirror_pages_read', 'Pages read since the start', [], (pages) => pages.set(mirror()?.pages ?? 0))
    this.#gauge('mirror_pages_left', 'Pages of the walk under way still to come, where that is known', [], (left) =>
      setOrRemove(left, mirror()?.pagesLeft),
    )
    this.#gauge('mirror_synced_timestamp_seconds', 'As of when all that is held is up to date', [], (synced) => {
      const syncedAt = mirror()?.syncedAt
      setOrRemove(synced, syncedAt === undefined ? undefined : syncedAt / 1000)
    })
  }

  readonly #gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: L[],
    collect: (gauge: Gauge<L>) => void,
  ): void => {
    const registers = [this.registry]
    const options = {
      name,
      help,
      labelNames,
      registers,
      collect(this: Gauge<L>) {
        collect(this)
      },
    }
    void new Gauge<L>(options)
  }

  #counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] })
  }

  #histogram<L extends string>(name: string, help: string, labelNames: L[], buckets: number[]): Histogram<L> {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.registry] })
  }
}

/** What is not known has no value: 0 would be one. */
function setOrRemove(gauge: Gauge, value: number | null | undefined): void {
  if (value === undefined || value === null) gauge.remove()
  else gauge.set(value)
}
