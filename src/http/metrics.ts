import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { problems } from '../errors.js'

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
  /** Whether upstream refuses this service's credentials. */
  readonly isRefused: boolean
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
const resources = ['products', 'inventory', 'warehouses'] as const

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
    // A counter that appears with its first count shows no increase: an alert on it would miss the first time.
    for (const code of Object.keys(problems)) this.problems.inc({ code }, 0)
    for (const resource of resources) this.#malformed.inc({ resource }, 0)
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
    gauge('trackstar_credentials_refused', '1 while Trackstar refuses the credentials of this service', [], (refused) =>
      refused.set(Number(state().isRefused)),
    )
    const stores = () => Object.entries(state().stores)
    const ofStores = (name: string, help: string, figure: 'entries' | 'bytes' | 'maxBytes') =>
      gauge(name, help, ['store'], (held) => {
        for (const [store, figures] of stores()) held.set({ store }, figures[figure])
      })
    ofStores('cache_entries', 'Entries held', 'entries')
    ofStores('cache_bytes', 'Bytes held, as JSON', 'bytes')
    ofStores('cache_max_bytes', 'Bound on the bytes held', 'maxBytes')
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
      for (const resource of resources) records.set({ resource }, mirror()?.[resource] ?? 0)
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

export interface RequestMetricsOptions {
  readonly metrics: Metrics
}

/** Counts every request. Labels are route templates and the names of keys: never a SKU or a secret. */
export default fastifyPlugin<RequestMetricsOptions>(
  async (app: FastifyInstance, { metrics }) => {
    app.addHook('onRequest', (_request, reply, done) => {
      metrics.inFlight.inc()
      // Not with the response, which never comes for who has gone away before.
      reply.raw.once('close', () => metrics.inFlight.dec())
      done()
    })
    app.addHook('onResponse', (request, reply, done) => {
      const { method, routeOptions, caller } = request
      const status = reply.statusCode
      metrics.http.observe({ method, route: routeOptions.url ?? 'none', status }, reply.elapsedTime / 1000)
      if (caller !== null) metrics.callers.inc({ caller: caller.name, status })
      if (reply.problem !== null) metrics.problems.inc({ code: reply.problem })
      done()
    })
  },
  { name: 'request-metrics', dependencies: ['problems', 'access'] },
)
