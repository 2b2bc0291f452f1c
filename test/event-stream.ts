import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { eventually } from './harness.js'

/** One event as received. */
export interface StreamEvent {
  readonly event: string
  readonly id: string
  readonly data: string
}

/** Events read off a socket by the rules for browsers (WHATWG HTML, 9.2.6). */
export class EventStream {
  readonly events: StreamEvent[] = []
  readonly comments: string[] = []
  /** What a browser sends as `Last-Event-ID` when it reconnects. */
  lastEventId = ''
  retryMs: number | undefined
  isOver = false
  #rest = ''
  #fields = { event: '', data: '' }

  private constructor(readonly response: IncomingMessage) {
    response.setEncoding('utf8')
    response.on('data', (text: string) => this.#read(text))
    response.on('error', () => {})
    response.on('close', () => {
      this.isOver = true
    })
  }

  /** Opens a stream, which closes with the test. `response` may be an error. */
  static async open(
    t: { teardown(fn: () => unknown): unknown },
    port: number,
    target = '/stock/events',
    headers: Readonly<Record<string, string>> = {},
  ): Promise<EventStream> {
    const request = get({ port, host: '127.0.0.1', path: target, agent: false, headers })
    request.on('error', () => {})
    t.teardown(() => request.destroy())
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return new EventStream(response)
  }

  /** Waits for this many events; resolves to their data. */
  async data(count: number): Promise<Record<string, unknown>[]> {
    await eventually(() => this.events.length >= count)
    return this.events.map(({ data }) => JSON.parse(data))
  }

  /** Waits for this many events; resolves to the SKU, the previous and the current availability of each. */
  async changes(count: number): Promise<unknown[][]> {
    return (await this.data(count)).map(({ sku, previous_available, available }) => [
      sku,
      previous_available,
      available,
    ])
  }

  leave(): void {
    this.response.destroy()
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split(/\r\n|\n|\r/)
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#readLine(line)
  }

  #readLine(line: string): void {
    if (line === '') {
      this.#dispatch()
      return
    }
    const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
    if (field === '') this.comments.push(value)
    if (field === 'event') this.#fields.event = value
    if (field === 'data') this.#fields.data += `${value}\n`
    if (field === 'id') this.lastEventId = value
    if (field === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value)
  }

  #dispatch(): void {
    const { event, data } = this.#fields
    this.#fields = { event: '', data: '' }
    if (data !== '') this.events.push({ event: event || 'message', id: this.lastEventId, data: data.slice(0, -1) })
  }
}
