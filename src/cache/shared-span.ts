import {
  type Context,
  context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { isProblem } from '../errors.js'

/** With more links, an exporter would drop the first ones (OpenTelemetry's default limit is 128). */
const maxLinks = 100

const tracer = trace.getTracer('trackstar-bff')

/** The active span; undefined if there is none or tracing is off. */
export const activeSpan = (): Span | undefined => trace.getActiveSpan()

/** Runs `work` outside of any trace, so that its logs and calls are not attributed to the request that triggered it. */
export const withoutTraceContext = <T>(work: () => T): T => context.with(ROOT_CONTEXT, work)

/**
 * The span of work that is done once for several requests.
 *
 * A span has one parent, and the first of many requesters is not the cause of work that is done for all. So with a single
 * requester the span is its child, and with several it starts a trace of its own. Links connect it with each of them, in
 * both directions, since most viewers show a link only on the span that has it. Requesters whose traces are not sampled
 * do not count, so a sampled requester keeps its calls; if none is sampled, neither is this span.
 */
export class SharedSpan {
  readonly #span: Span
  readonly #context: Context
  readonly #parent: Span | undefined
  readonly #linked = new Set<Span>()

  constructor(name: string, requesters: Iterable<Span>, attributes: Readonly<Record<string, string | number>> = {}) {
    const all = [...new Set(requesters)]
    const sampled = all.filter(isSampled)
    this.#parent = sampled.length > 1 ? undefined : (sampled[0] ?? all[0])
    const parentContext = this.#parent ? trace.setSpan(ROOT_CONTEXT, this.#parent) : ROOT_CONTEXT
    this.#span = tracer.startSpan(name, { attributes }, parentContext)
    this.#context = trace.setSpan(ROOT_CONTEXT, this.#span)
    for (const requester of sampled) this.join(requester)
  }

  /** Runs `work` with this span as the active one. */
  run = <T>(work: () => T): T => context.with(this.#context, work)

  /** Links a requester that joins while the work is in progress. */
  join(requester: Span | undefined): void {
    if (requester === undefined || requester === this.#parent || !isSampled(requester)) return
    if (this.#linked.has(requester) || this.#linked.size === maxLinks) return
    this.#linked.add(requester)
    link(this.#span, requester)
    link(requester, this.#span)
  }

  /** @param error why the work failed */
  end(error?: unknown): void {
    if (error !== undefined) {
      this.#span.setStatus({ code: SpanStatusCode.ERROR })
      this.#span.setAttribute('error.type', isProblem(error) ? error.problem : 'internal_error')
    }
    this.#span.end()
  }
}

const isSampled = (span: Span) => (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0

/** A requester that has its answer already, as with a refresh, has ended its span: it takes no more links. */
function link(from: Span, to: Span): void {
  const target: Link = { context: to.spanContext() }
  if (from.isRecording()) from.addLink(target)
}
