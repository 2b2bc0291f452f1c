import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { problems } from '../errors.js'
import type { WebhookOutcome } from '../mirror/webhook-deliveries.js'
import type { CallReport } from '../trackstar/call.js'
import { nodeVersion, version } from '../version.js'
import type { ConnectionState } from './connection-state.js'
import { isEndedStream } from './ended-stream.js'

const seconds = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const circuitStates = ['closed', 'half-open', 'open'] as const
const mirrorStates = ['loading', 'live', 'off'] as const
const resources = ['products', 'inventory', 'warehouses'] as const
const webhookOutcomes = {
  applied: 0,
  read_back: 0,
  older: 0,
  duplicate: 0,
  ignored: 0,
  other_connection: 0,
  malformed: 0,
  unsigned: 0,
} satisfies Record<WebhookOutcome, 0>
/** prom-client's gauges whose names end like those of counters. The metrics without the ending have the same numbers. */
const misnamedMetrics = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** All metrics of one application, in a registry of their own so that applications in one process stay apart. */
export class Metrics {
  readonly registry = new Registry()
  readonly #calls = this.#counter('trackstar_calls_total', 'Calls to Trackstar', ['route', 'cause', 'outcome'])
  readonly #callSeconds = this.#histogram(
    'trackstar_call_seconds',
    'Duration of a call to Trackstar',
    ['route'],
    seconds,
  )
  readonly #permitSeconds = this.#histogram(
    'trackstar_permit_wait_seconds',
    'Time waited for a permit',
    ['cause'],
    seconds,
  )
  readonly #batchKeys = this.#histogram(
    'trackstar_batch_keys',
    'Keys per batch call',
    ['kind'],
    [1, 2, 5, 10, 25, 50, 75, 100],
  )
  readonly #malformed = this.#counter('trackstar_malformed_records_total', 'Malformed records skipped', ['resource'])
  readonly #webhooks = this.#counter('trackstar_webhook_deliveries_total', 'Webhook deliveries, by outcome', [
    'outcome',
  ])
  readonly http = this.#histogram(
    'http_request_seconds',
    'Duration of a request',
    ['method', 'route', 'status'],
    seconds,
  )
  readonly problems = this.#counter('http_problems_total', 'Requests rejected or failed, by code', ['code'])
  readonly callers = this.#counter('http_caller_requests_total', 'Requests, by name of the API key', [
    'caller',
    'status',
  ])
  readonly inFlight = new Gauge({
    name: 'http_requests_in_flight',
    help: 'Requests in flight',
    registers: [this.registry],
  })

  constructor() {
    collectDefaultMetrics({ register: this.registry })
    for (const name of misnamedMetrics) this.registry.removeSingleMetric(name)
    this.#gauge('build_info', '1, with the versions of the service and of Node.js', ['version', 'node'], (info) =>
      info.set({ version, node: nodeVersion }, 1),
    )
    // A counter that first appears at 1 shows no increase, so an alert would miss the first event.
    for (const code of Object.keys(problems)) this.problems.inc({ code }, 0)
    for (const resource of resources) this.#malformed.inc({ resource }, 0)
    for (const outcome of Object.keys(webhookOutcomes)) this.#webhooks.inc({ outcome }, 0)
  }

  readonly upstreamCall = ({ route, cause, outcome, ms, waitedMs }: Omit<CallReport, 'upstreamRequestId'>): void => {
    this.#calls.inc({ route, cause, outcome })
    this.#callSeconds.observe({ route }, ms / 1000)
    this.#permitSeconds.observe({ cause }, waitedMs / 1000)
  }

  readonly batch = (kind: string, keys: number): void => this.#batchKeys.observe({ kind }, keys)

  readonly malformed = (resource: string): void => this.#malformed.inc({ resource })

  readonly webhookDelivery = (outcome: WebhookOutcome): void => this.#webhooks.inc({ outcome })

  /** Adds metrics that are read from `state` with every scrape. */
  watch(state: () => ConnectionState): void {
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
    gauge('trackstar_budget_permits_left', 'Reads that may still be sent in the current second', [], (left) => {
      const { readsPerSecond, usedLastSecond } = state().budget
      left.set(readsPerSecond - usedLastSecond)
    })
    gauge('trackstar_permits_awaited', 'Calls waiting for a permit', [], (waiting) =>
      waiting.set(state().budget.waiting),
    )
    gauge('trackstar_keys_awaited', 'SKUs and ids waiting for a call', [], (waiting) =>
      waiting.set(state().keysWaiting),
    )
    gauge('trackstar_requests_awaiting', 'Requests waiting for Trackstar', [], (waiting) =>
      waiting.set(state().requestsWaiting),
    )
    gauge('trackstar_circuit_state', '1 for the current state of the circuit breaker', ['state'], (circuit) => {
      for (const name of circuitStates) circuit.set({ state: name }, Number(state().circuit === name))
    })
    gauge('trackstar_credentials_refused', '1 while Trackstar rejects the credentials of the service', [], (refused) =>
      refused.set(Number(state().credentials === 'refused')),
    )
    const stores = () => Object.entries(state().stores)
    const ofStores = (name: string, help: string, figure: 'entries' | 'bytes' | 'maxBytes') =>
      gauge(name, help, ['store'], (sizes) => {
        for (const [store, figures] of stores()) sizes.set({ store }, figures[figure])
      })
    ofStores('cache_entries', 'Entries in the cache', 'entries')
    ofStores('cache_bytes', 'Size of the entries as JSON', 'bytes')
    ofStores('cache_max_bytes', 'Maximum size of the entries', 'maxBytes')
    total('cache_lookups_total', 'Record lookups, by outcome', 'outcome', () => Object.entries(state().lookups))
    total('cache_evictions_total', 'Entries evicted to stay within the maximum size', 'store', () =>
      stores().map(([store, { evictions }]) => [store, evictions] as const),
    )
    gauge('trackstar_webhook_last_received_timestamp_seconds', 'When the last signed delivery arrived', [], (last) => {
      const lastReceivedAt = state().webhooks?.lastReceivedAt
      setOrRemove(last, lastReceivedAt === undefined ? undefined : lastReceivedAt / 1000)
    })
    if (state().mirror !== null) this.#watchMirror(() => state().mirror)
  }

  /** Adds the number of event streams, read with every scrape. */
  readonly watchReaders = (count: () => number): void => {
    this.#gauge('stock_event_readers', 'Open event streams', [], (readers) => readers.set(count()))
  }

  #watchMirror(mirror: () => ConnectionState['mirror']): void {
    this.#gauge('mirror_state', '1 for the current state of the mirror', ['state'], (state) => {
      for (const name of mirrorStates) state.set({ state: name }, Number(mirror()?.state === name))
    })
    this.#gauge('mirror_records', 'Records in the mirror', ['resource'], (records) => {
      for (const resource of resources) records.set({ resource }, mirror()?.[resource] ?? 0)
    })
    this.#gauge('mirror_pages_read', 'Pages read since startup', [], (pages) => pages.set(mirror()?.pages ?? 0))
    this.#gauge('mirror_pages_left', 'Pages left of the current load or comparison, if known', [], (left) =>
      setOrRemove(left, mirror()?.pagesLeft),
    )
    this.#gauge('mirror_synced_timestamp_seconds', 'When the mirror was last known to be up to date', [], (synced) => {
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

/** An unknown value is absent, not 0. */
function setOrRemove(gauge: Gauge, value: number | null | undefined): void {
  if (value === undefined || value === null) gauge.remove()
  else gauge.set(value)
}

export interface RequestMetricsOptions {
  readonly metrics: Metrics
}

/** Counts and times every request. Labels are route templates and names of API keys, never a SKU or a secret. */
export default fastifyPlugin<RequestMetricsOptions>(
  async (app: FastifyInstance, { metrics }) => {
    const count = (request: FastifyRequest, reply: FastifyReply) => {
      const { method, routeOptions, caller } = request
      const status = reply.statusCode
      metrics.http.observe({ method, route: routeOptions.url ?? 'none', status }, reply.elapsedTime / 1000)
      if (caller !== null) metrics.callers.inc({ caller: caller.name, status })
      if (reply.problem !== null) metrics.problems.inc({ code: reply.problem })
    }
    app.addHook('onRequest', (request, reply, done) => {
      metrics.inFlight.inc()
      // `onResponse` is not called if the client disconnects first.
      reply.raw.on('close', () => {
        metrics.inFlight.dec()
        if (isEndedStream(request, reply)) count(request, reply)
      })
      done()
    })
    app.addHook('onResponse', (request, reply, done) => {
      count(request, reply)
      done()
    })
  },
  { name: 'request-metrics', dependencies: ['problems', 'auth'] },
)
