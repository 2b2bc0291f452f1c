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

/** More links than an exporter takes by default would push out the first ones (OpenTelemetry's limit is 128). */
const maxLinks = 100

const tracer = trace.getTracer('trackstar-bff')

/** The span of whoever asks right now; undefined where there is none, and always where no traces are made. */
export const callerSpan = (): Span | undefined => trace.getActiveSpan()

/** Runs `work` on nobody's behalf, whoever has set it off: its logs and calls must not be taken for his. */
export const withoutTraceContext = <T>(work: () => T): T => context.with(ROOT_CONTEXT, work)

/**
 * The span of work that is done once for all who asked for it, begun when it is known for whom.
 *
 * A span has one parent, and whoever of many happens to be first is not the cause of what is done for all. So with one
 * asker it is his child, as any work of his, and with several it begins a trace of its own. Links lead from it to each of
 * them and back, since most viewers show a link only on the span that has it. Askers whose traces are not recorded do
 * not count, so sampling leaves a recorded caller his calls; where none is recorded, this is not either.
 */
export class SharedSpan {
  readonly #span: Span
  readonly #context: Context
  readonly #parent: Span | undefined
  readonly #linked = new Set<Span>()

  constructor(name: string, askers: Iterable<Span>, attributes: Readonly<Record<string, string | number>> = {}) {
    const all = [...new Set(askers)]
    const recorded = all.filter(isRecorded)
    this.#parent = recorded.length > 1 ? undefined : (recorded[0] ?? all[0])
    const parentContext = this.#parent ? trace.setSpan(ROOT_CONTEXT, this.#parent) : ROOT_CONTEXT
    this.#span = tracer.startSpan(name, { attributes }, parentContext)
    this.#context = trace.setSpan(ROOT_CONTEXT, this.#span)
    for (const asker of recorded) this.join(asker)
  }

  /** Runs what belongs to this span: it is the active one meanwhile. */
  within = <T>(work: () => T): T => context.with(this.#context, work)

  /** Links one more asker, who comes when the work is under way already. */
  join(asker: Span | undefined): void {
    if (asker === undefined || asker === this.#parent || !isRecorded(asker) || this.#linked.has(asker)) return
    if (this.#linked.size === maxLinks) return
    this.#linked.add(asker)
    link(this.#span, asker)
    link(asker, this.#span)
  }

  /** @param error why the work has come to nothing */
  end(error?: unknown): void {
    if (error !== undefined) {
      this.#span.setStatus({ code: SpanStatusCode.ERROR })
      this.#span.setAttribute('error.type', isProblem(error) ? error.problem : 'internal_error')
    }
    this.#span.end()
  }
}

const isRecorded = (span: Span) => (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0

/** An asker who has his answer, as behind which a refresh runs, has closed his span. */
function link(from: Span, to: Span): void {
  const target: Link = { context: to.spanContext() }
  if (from.isRecording()) from.addLink(target)
}
