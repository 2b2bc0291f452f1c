import type { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import type { Json } from './join.js'

/** A reader of stock events, without a socket, that applies each event to its state. */
export class EventReader {
  /** The latest stock of each SKU and of each product, by events. */
  readonly bySku = new Map<string, Json>()
  readonly byProduct = new Map<string, Json>()
  /** Called on `reset`. */
  onReset: () => void = () => {}
  /** Called on each event. */
  onEvent: (data: Json) => void = () => {}
  lastEventId = ''
  #stream: Readable | undefined
  #rest = ''

  constructor(private readonly app: FastifyInstance) {}

  /** Opens a stream; a later one resumes where the previous ended. */
  async open(): Promise<number> {
    const headers = this.lastEventId === '' ? {} : { 'last-event-id': this.lastEventId }
    const reply = await this.app.inject({ method: 'GET', url: '/stock/events', headers, payloadAsStream: true })
    this.#rest = ''
    this.#stream = reply.stream()
    this.#stream.setEncoding('utf8')
    this.#stream.on('data', (text: string) => this.#read(text))
    this.#stream.on('error', () => {})
    return reply.statusCode
  }

  leave(): void {
    this.#stream?.destroy()
    this.#stream = undefined
  }

  #read(text: string): void {
    const blocks = (this.#rest + text).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = new Map(
        block.split('\n').map((line) => {
          const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
          return [name, value]
        }),
      )
      const id = fields.get('id')
      if (id !== undefined) this.lastEventId = id
      if (fields.get('event') === 'reset') this.onReset()
      if (fields.get('event') !== 'stock') continue
      const data = JSON.parse(fields.get('data') ?? '{}') as Json
      this.onEvent(data)
      this.bySku.set(String(data['sku']), data)
      this.byProduct.set(String(data['product_id']), data)
    }
  }
}
