/** A thousand readers of events in their own process; reports when each event reached each reader. */
import { request } from 'node:http'

export interface Arrival {
  /** The available quantity in the event; it identifies the event. */
  readonly available: number
  /** When each reader received it, in epoch ms. */
  readonly at: readonly number[]
}

const [origin = '', many = '1000', sku = ''] = process.argv.slice(2)
const arrivals = new Map<number, number[]>()
let open = 0

for (let n = 0; n < Number(many); n++) {
  const sent = request(`${origin}/stock/events?sku=${encodeURIComponent(sku)}`, { agent: false }, (response) => {
    if (++open === Number(many)) process.send?.('open')
    response.setEncoding('utf8')
    response.on('data', (text: string) => {
      const at = performance.timeOrigin + performance.now()
      for (const [, available] of text.matchAll(/"available":(-?\d+)/g)) {
        const times = arrivals.get(Number(available)) ?? []
        times.push(at)
        arrivals.set(Number(available), times)
      }
    })
  })
  sent.on('error', () => {})
  sent.end()
}

process.on('message', () => {
  process.send?.(Array.from(arrivals, ([available, at]) => ({ available, at })) satisfies Arrival[])
})
process.on('disconnect', () => process.exit(0))
