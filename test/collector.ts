import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { eventually } from './harness.js'

/** A span as it came over the wire. */
export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  /** 2: of a request to this service, 3: of one by it (OTLP's numbers). */
  readonly kind: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly status: { readonly code?: number; readonly message?: string }
  readonly events: readonly unknown[]
  /** The ids of the spans it is linked with. */
  readonly links: readonly string[]
}

interface KeyValue {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

/** A collector of OpenTelemetry on a loopback port, which keeps all it is sent. */
export interface Collector {
  /** The variables that have a service send its traces here at once. */
  readonly environment: Readonly<Record<string, string>>
  readonly spans: readonly ReceivedSpan[]
  /** Everything that was sent, as it came. */
  readonly bytes: () => string
  /** What is said of the sender. */
  readonly resource: () => Readonly<Record<string, unknown>>
  /** The paths that were posted to. */
  readonly paths: ReadonlySet<string>
  /** The spans of a trace once there are so many of them. */
  readonly trace: (traceId: string, count: number) => Promise<readonly ReceivedSpan[]>
  /** A span of a trace once it is there. */
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

/** Names of spans as a tree, those of one parent in alphabetical order: each level is indented by two spaces. */
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
