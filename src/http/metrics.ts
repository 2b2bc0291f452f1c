import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { problems } from '../errors.js'
import type { WebhookOutcome } from '../mirror/webhook-deliveries.js'
import type { CallReport } from '../trackstar/call.js'
import { nodeVersion, version } from '../version.js'
import type { ConnectionState, ReplicasState } from './connection-state.js'
import { isEndedStream } from './ended-stream.js'

const seconds = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const circuitStates = ['closed', 'half-open', 'open'] as const
const mirrorStates = ['loading', 'live', 'off'] as const
const resources = ['products', 'inventory', 'warehouses'] as const
/** Outcomes of deliveries that no connection can be told for. */
const unassignedOutcomes = ['other_connection', 'malformed', 'unsigned'] as const
/** Why a delivery belongs to no connection. */
export type UnassignedOutcome = (typeof unassignedOutcomes)[number]
type AssignedOutcome = Exclude<WebhookOutcome, 'other_connection' | 'unsigned'>
const assignedOutcomes = {
  applied: 0,
  read_back: 0,
  older: 0,
  duplicate: 0,
  ignored: 0,
  malformed: 0,
} satisfies Record<AssignedOutcome, 0>

/** What one connection counts. */
export interface ConnectionMetrics {
  readonly upstreamCall: (call: Omit<CallReport, 'upstreamRequestId'>) => void
  readonly batch: (kind: string, keys: number) => void
  readonly malformed: (resource: string) => void
  readonly webhookDelivery: (outcome: AssignedOutcome) => void
}

/** The open event streams of a group, which count for none of its connections. */
export interface GroupReaders {
  readonly name: string
  readonly readers: number
}

/** The name of a connection, and its totals by the value of a label. */
type ConnectionTotals = readonly [connection: string, totals: readonly (readonly [value: string, count: number])[]]

/** prom-client's gauges whose names end like those of counters. The metrics without the ending have the same numbers. */
const misnamedMetrics = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** All metrics of one application, in a registry of their own so that applications in one process stay apart. */
export class Metrics {
  readonly registry = new Registry()
  readonly #calls = this.#counter('trackstar_calls_total', 'Calls to Trackstar', [
    'connection',
    'route',
    'cause',
    'outcome',
  ])
  readonly #callSeconds = this.#histogram(
    'trackstar_call_seconds',
    'Duration of a call to Trackstar',
    ['connection', 'route'],
    seconds,
  )
  readonly #permitSeconds = this.#histogram(
    'trackstar_permit_wait_seconds',
    'Time waited for a permit',
    ['connection', 'cause'],
    seconds,
  )
  readonly #batchKeys = this.#histogram(
    'trackstar_batch_keys',
    'Keys per batch call',
    ['connection', 'kind'],
    [1, 2, 5, 10, 25, 50, 75, 100],
  )
  readonly #malformed = this.#counter('trackstar_malformed_records_total', 'Malformed records skipped', [
    'connection',
    'resource',
  ])
  readonly #webhooks = this.#counter('trackstar_webhook_deliveries_total', 'Webhook deliveries, by outcome', [
    'connection',
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
  /** Of each connection, whether it is gone: calls in flight end later. */
  readonly #counting = new Map<string, { isOver: boolean }>()
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
    for (const outcome of unassignedOutcomes) this.unassignedDelivery(outcome, 0)
  }

  /** The metrics that one connection counts. */
  forConnection(connection: string): ConnectionMetrics {
    const counting = { isOver: false }
    this.#counting.set(connection, counting)
    const unlessOver =
      <A extends readonly unknown[]>(count: (...args: A) => void) =>
      (...args: A): void => {
        if (!counting.isOver) count(...args)
      }
    for (const resource of resources) this.#malformed.inc({ connection, resource }, 0)
    for (const outcome of Object.keys(assignedOutcomes)) this.#webhooks.inc({ connection, outcome }, 0)
    return {
      upstreamCall: unlessOver(({ route, cause, outcome, ms, waitedMs }) => {
        this.#calls.inc({ connection, route, cause, outcome })
        this.#callSeconds.observe({ connection, route }, ms / 1000)
        this.#permitSeconds.observe({ connection, cause }, waitedMs / 1000)
      }),
      batch: unlessOver((kind, keys) => this.#batchKeys.observe({ connection, kind }, keys)),
      malformed: unlessOver((resource) => this.#malformed.inc({ connection, resource })),
      webhookDelivery: unlessOver((outcome) => this.#webhooks.inc({ connection, outcome })),
    }
  }

  /** Removes what a connection has counted, and counts no more of it: it is gone. */
  async forget(connection: string): Promise<void> {
    const counting = this.#counting.get(connection)
    if (counting) counting.isOver = true
    this.#counting.delete(connection)
    const counted = [this.#calls, this.#malformed, this.#webhooks]
    const timed = [this.#callSeconds, this.#permitSeconds, this.#batchKeys]
    for (const metric of [...counted, ...timed]) {
      const { values } = await metric.get()
      for (const { labels } of values as readonly { readonly labels: Record<string, string> }[]) {
        const { le: _bucket, ...own } = labels
        if (own['connection'] === connection) metric.remove(own as never)
      }
    }
  }

  /** Adds whether the connections file cannot be used, read with every scrape. */
  watchConfiguration(isWrong: () => boolean): void {
    this.#gauge('connections_file_wrong', '1 while CONNECTIONS_FILE cannot be used and is ignored', [], (gauge) =>
      gauge.set(Number(isWrong())),
    )
  }

  /** Adds what is known of the replicas, read with every scrape; absent for a process by itself. */
  watchReplicas(read: () => ReplicasState | null): void {
    const gaugeOf = (name: string, help: string, value: (state: ReplicasState) => number) =>
      this.#gauge(name, help, [], (gauge) => {
        const state = read()
        if (state === null) gauge.remove()
        else gauge.set(value(state))
      })
    gaugeOf('replicas', 'Replicas seen lately, this one included', ({ count }) => count)
    gaugeOf('redis_up', '1 while Redis answers', ({ redis }) => Number(redis === 'ok'))
    gaugeOf('redis_commands', 'Commands sent to Redis since startup', ({ commands }) => commands)
    gaugeOf(
      'redis_refused_writes',
      'Writes that were refused because another replica leads',
      ({ refusedWrites }) => refusedWrites,
    )
  }

  /** Counts a delivery that belongs to no connection. */
  readonly unassignedDelivery = (outcome: UnassignedOutcome, count = 1): void =>
    this.#webhooks.inc({ connection: '', outcome }, count)

  /** Adds metrics that are read from the state of every connection with every scrape. */
  watch(states: () => readonly ConnectionState[], groups: () => readonly GroupReaders[] = () => []): void {
    this.#watchUpstream(states)
    this.#watchCache(states)
    this.#watchMirrors(states)
    const ofEach = this.#gaugeOfEach(states)
    this.#gauge('stock_event_readers', 'Open event streams of a connection or group', ['connection'], (gauge) => {
      for (const { name, readers } of [...states(), ...groups()]) gauge.set({ connection: name }, readers)
    })
    ofEach(
      'trackstar_webhook_last_received_timestamp_seconds',
      'When the last signed delivery arrived',
      ({ webhooks }) => webhooks?.lastReceivedAt && webhooks.lastReceivedAt / 1000,
    )
  }

  #watchUpstream(states: () => readonly ConnectionState[]): void {
    const ofEach = this.#gaugeOfEach(states)
    ofEach(
      'trackstar_budget_permits_left',
      'Reads that may still be sent in the current second',
      ({ budget: { readsPerSecond, usedLastSecond } }) => readsPerSecond - usedLastSecond,
    )
    ofEach('trackstar_permits_awaited', 'Calls waiting for a permit', ({ budget }) => budget.waiting)
    ofEach('trackstar_keys_awaited', 'SKUs and ids waiting for a call', ({ keysWaiting }) => keysWaiting)
    ofEach('trackstar_requests_awaiting', 'Requests waiting for Trackstar', ({ requestsWaiting }) => requestsWaiting)
    ofEach(
      'trackstar_credentials_refused',
      '1 while Trackstar rejects the credentials of the service',
      ({ credentials }) => Number(credentials === 'refused'),
    )
    const help = '1 for the current state of the circuit breaker'
    this.#gauge('trackstar_circuit_state', help, ['connection', 'state'], (gauge) => {
      for (const { name: connection, circuit } of states()) {
        for (const state of circuitStates) gauge.set({ connection, state }, Number(circuit === state))
      }
    })
  }

  #watchCache(states: () => readonly ConnectionState[]): void {
    const ofStores = (name: string, help: string, figure: 'entries' | 'bytes' | 'maxBytes') =>
      this.#gauge(name, help, ['connection', 'store'], (sizes) => {
        for (const { name: connection, stores } of states()) {
          for (const [store, figures] of Object.entries(stores)) sizes.set({ connection, store }, figures[figure])
        }
      })
    ofStores('cache_entries', 'Entries in the cache', 'entries')
    ofStores('cache_bytes', 'Size of the entries as JSON', 'bytes')
    ofStores('cache_max_bytes', 'Maximum size of the entries', 'maxBytes')
    this.#total('cache_lookups_total', 'Record lookups, by outcome', 'outcome', () =>
      states().map(({ name, lookups }) => [name, Object.entries(lookups)]),
    )
    this.#total('cache_evictions_total', 'Entries evicted to stay within the maximum size', 'store', () =>
      states().map(({ name, stores }) => [
        name,
        Object.entries(stores).map(([store, { evictions }]) => [store, evictions]),
      ]),
    )
  }

  #watchMirrors(states: () => readonly ConnectionState[]): void {
    const mirrors = () =>
      states().flatMap(({ name: connection, mirror }) => (mirror === null ? [] : [{ connection, mirror }]))
    const ofEach = this.#gaugeOfEach(states)
    this.#gauge('mirror_state', '1 for the current state of the mirror', ['connection', 'state'], (gauge) => {
      for (const { connection, mirror } of mirrors()) {
        for (const state of mirrorStates) gauge.set({ connection, state }, Number(mirror.state === state))
      }
    })
    this.#gauge('mirror_records', 'Records in the mirror', ['connection', 'resource'], (records) => {
      for (const { connection, mirror } of mirrors()) {
        for (const resource of resources) records.set({ connection, resource }, mirror[resource])
      }
    })
    ofEach('mirror_leader', '1 if this process follows the catalog at Trackstar', ({ mirror, isLeader }) =>
      mirror === null ? undefined : Number(isLeader),
    )
    ofEach('mirror_pages_read', 'Pages read since startup', ({ mirror }) => mirror?.pages)
    ofEach(
      'mirror_pages_left',
      'Pages left of the current load or comparison, if known',
      ({ mirror }) => mirror?.pagesLeft,
    )
    ofEach(
      'mirror_synced_timestamp_seconds',
      'When the mirror was last known to be up to date',
      ({ mirror }) => mirror?.syncedAt && mirror.syncedAt / 1000,
    )
  }

  /** Adds gauges with one value for each connection. An unknown value is absent, not 0. */
  #gaugeOfEach(states: () => readonly ConnectionState[]) {
    return (name: string, help: string, read: (state: ConnectionState) => number | null | undefined): void =>
      this.#gauge(name, help, ['connection'], (gauge) => {
        for (const state of states()) {
          const value = read(state)
          if (value !== undefined && value !== null) gauge.set({ connection: state.name }, value)
        }
      })
  }

  /** Adds a counter whose values are counted elsewhere. */
  #total(name: string, help: string, label: string, read: () => readonly ConnectionTotals[]): void {
    const options = {
      name,
      help,
      labelNames: ['connection', label],
      registers: [this.registry],
      collect(this: Counter) {
        this.reset()
        for (const [connection, totals] of read()) {
          for (const [value, count] of totals) this.inc({ connection, [label]: value }, count)
        }
      },
    }
    void new Counter(options)
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
        // Connections may have been removed since the last scrape.
        this.reset()
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
