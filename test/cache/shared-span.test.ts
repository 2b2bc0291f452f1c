import { context, type Span, trace } from '@opentelemetry/api'
import { NodeSDK, tracing } from '@opentelemetry/sdk-node'
import tap from 'tap'
import { activeSpan, SharedSpan, withoutTraceContext } from '../../src/cache/shared-span.js'
import { problem } from '../../src/errors.js'

tap.test('does nothing without a tracer', async (t) => {
  t.equal(activeSpan(), undefined)
  const span = new SharedSpan('batch', [])
  span.join(undefined)
  t.equal(
    span.run(() => 'done'),
    'done',
  )
  span.end(new Error('no matter'))
})

tap.test('with a tracer', async (t) => {
  const exporter = new tracing.InMemorySpanExporter()
  const sdk = new NodeSDK({
    autoDetectResources: false,
    metricReaders: [],
    logRecordProcessors: [],
    spanProcessors: [new tracing.SimpleSpanProcessor(exporter)],
  })
  sdk.start()
  t.teardown(() => sdk.shutdown())
  const caller = (name: string) => trace.getTracer('test').startSpan(name)
  const finished = (name: string) => {
    const span = exporter.getFinishedSpans().find((other) => other.name === name)
    if (span === undefined) throw new Error(`expected a span ${name}`)
    return span
  }
  const idsOf = (spans: readonly Span[]) => spans.map((span) => span.spanContext().spanId)
  const linksOf = (name: string) => finished(name).links.map((link) => link.context.spanId)
  t.beforeEach(() => exporter.reset())

  await t.test('is the child of its only caller, however often the caller joins', async (t) => {
    const one = caller('one')
    const shared = new SharedSpan('batch', [one, one])
    shared.join(one)
    shared.end()
    t.equal(finished('batch').parentSpanContext?.spanId, one.spanContext().spanId)
    t.same(linksOf('batch'), [])
  })

  await t.test('is linked with each of several callers once, in both directions', async (t) => {
    const [one, two, late] = [caller('one'), caller('two'), caller('late')]
    const shared = new SharedSpan('batch', [one, two, one])
    for (const caller of [late, two, late]) shared.join(caller)
    shared.end()
    for (const span of [one, two, late]) span.end()
    t.equal(finished('batch').parentSpanContext, undefined)
    t.same(linksOf('batch'), idsOf([one, two, late]))
    for (const name of ['one', 'two', 'late']) t.same(linksOf(name), [finished('batch').spanContext().spanId])
  })

  await t.test('is not linked from a caller that already has its answer', async (t) => {
    const [one, two] = [caller('one'), caller('two')]
    one.end()
    const shared = new SharedSpan('batch', [one, two])
    shared.end()
    two.end()
    t.same(linksOf('batch'), idsOf([one, two]))
    t.same(linksOf('one'), [])
    t.equal(linksOf('two').length, 1)
  })

  await t.test('has at most a hundred links', async (t) => {
    const callers = Array.from({ length: 130 }, (_, n) => caller(`asker ${n}`))
    new SharedSpan('batch', callers).end()
    t.same(linksOf('batch'), idsOf(callers.slice(0, 100)))
  })

  await t.test('is active only for the code that runs within it', async (t) => {
    const one = caller('one')
    const shared = new SharedSpan('batch', [])
    context.with(trace.setSpan(context.active(), one), () => {
      t.equal(activeSpan(), one)
      t.equal(withoutTraceContext(activeSpan), undefined)
      shared.run(() => caller('call').end())
      t.equal(activeSpan(), one)
    })
    shared.end()
    t.equal(finished('call').parentSpanContext?.spanId, finished('batch').spanContext().spanId)
  })

  await t.test('records the code of a failure and nothing else of it', async (t) => {
    new SharedSpan('refused', []).end(problem('upstream_timeout', 'what was asked for'))
    new SharedSpan('broken', []).end(new TypeError('the inside of things'))
    for (const [name, type] of [
      ['refused', 'upstream_timeout'],
      ['broken', 'internal_error'],
    ] as const) {
      t.same(finished(name).status, { code: 2 })
      t.same(finished(name).attributes, { 'error.type': type })
      t.same(finished(name).events, [])
    }
  })
})
