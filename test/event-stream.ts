import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { eventually } from './harness.js'

/** One event as it came. */
export interface StreamEvent {
  readonly event: string
  readonly id: string
  readonly data: string
}

/** Events read off a socket by the rules for browsers (WHATWG HTML, 9.2.6). */
export class EventStream {
  readonly events: StreamEvent[] = []
  readonly comments: string[] = []
  /** What a browser would send as `Last-Event-ID` after a break. */
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

  /** Opens a stream, or gives the answer in its place; ends with the test. */
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

  /** The data of the events so far, once there are so many of them. */
  async data(count: number): Promise<Record<string, unknown>[]> {
    await eventually(() => this.events.length >= count)
    return this.events.map(({ data }) => JSON.parse(data))
  }

  /** SKU, and what was and is available, of the events so far, once there are so many of them. */
  async told(count: number): Promise<unknown[][]> {
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
