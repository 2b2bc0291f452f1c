import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { eventually } from './harness.js'

/** A span as received. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  /** OTLP: 2 is a server span, 3 a client span. */
  readonly kind: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly status: { readonly code?: number; readonly message?: string }
  readonly events: readonly unknown[]
  /** The ids of the linked spans. */
  readonly links: readonly string[]
}

interface KeyValue {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

/** An OpenTelemetry collector on a loopback port that records everything it receives. */
export interface Collector {
  /** Environment variables that make a service export its traces here immediately. */
  readonly environment: Readonly<Record<string, string>>
  readonly spans: readonly ReceivedSpan[]
  /** Everything received, as text. */
  readonly bytes: () => string
  /** The resource attributes of the sender. */
  readonly resource: () => Readonly<Record<string, unknown>>
  /** The paths of the requests. */
  readonly paths: ReadonlySet<string>
  /** Resolves to the spans of a trace once there are `count` of them. */
  readonly trace: (traceId: string, count: number) => Promise<readonly ReceivedSpan[]>
  /** Resolves to a span of a trace once it has arrived. */
  readonly span: (traceId: string, name: string) => Promise<ReceivedSpan>
}

export async function startCollector(t: { teardown(fn: () => unknown): unknown }): Promise<Collector> {
  const spans: ReceivedSpan[] = []
  const bodies: string[] = []
  const paths = new Set<string>()
  let resource: Record<string, unknown> = {}
  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request)
    bodies.push(body)
    paths.add(request.url ?? '')
    for (const { resource: sender, scopeSpans } of JSON.parse(body).resourceSpans) {
      resource = valuesOf(sender.attributes)
      for (const scope of scopeSpans) for (const span of scope.spans) spans.push(read(span))
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }
  const server = createServer((request, response) => void receive(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return {
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '5',
    },
    spans,
    bytes: () => bodies.join('\n'),
    resource: () => resource,
    paths,
    async trace(traceId, count) {
      const found = () => spans.filter((span) => span.traceId === traceId)
      await eventually(() => found().length >= count)
      return found()
    },
    async span(traceId, name) {
      const find = () => spans.find((span) => span.traceId === traceId && span.name === name)
      await eventually(() => find() !== undefined)
      return find() as ReceivedSpan
    },
  }
}

/** The names of spans as a tree, indented by two spaces per level, siblings in alphabetical order. */
export function treeOf(spans: readonly ReceivedSpan[]): string[] {
  const ids = new Set(spans.map(({ spanId }) => spanId))
  const below = (parent: string | undefined, indent: string): string[] =>
    spans
      .filter(({ parentSpanId }) => (ids.has(parentSpanId ?? '') ? parentSpanId : undefined) === parent)
      .toSorted((a, b) => a.name.localeCompare(b.name))
      .flatMap(({ name, spanId }) => [indent + name, ...below(spanId, `${indent}  `)])
  return below(undefined, '')
}

type SentSpan = Omit<ReceivedSpan, 'attributes' | 'events' | 'links'> & {
  readonly attributes: readonly KeyValue[]
  readonly events?: readonly unknown[]
  readonly links?: readonly { readonly spanId: string }[]
}

const read = ({ attributes, events = [], links = [], ...span }: SentSpan): ReceivedSpan => ({
  ...span,
  attributes: valuesOf(attributes),
  events,
  links: links.map(({ spanId }) => spanId),
})

const valuesOf = (attributes: readonly KeyValue[]) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
