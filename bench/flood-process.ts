/** Sends the flood from its own process, so that its stalls do not count for the other client. */
import { Pool } from 'undici'
import { ask, openLoop, percentile } from './load.js'

export interface FloodReport {
  readonly statuses: Readonly<Record<string, number>>
  readonly refusedP99Ms: number
}

const [origin = '', seconds = '50', perSecond = '2000', connections = '6000'] = process.argv.slice(2)
const client = new Pool(origin, { connections: Number(connections) })
const statuses: Record<string, number> = {}
const refusals: number[] = []
await openLoop(Number(perSecond), Number(seconds), async (n) => {
  const { status, ms } = await ask(client, `/products/NO-SUCH-${n}/stock`)
  statuses[status] = (statuses[status] ?? 0) + 1
  if (status === 503) refusals.push(ms)
})
await client.destroy()
process.send?.({ statuses, refusedP99Ms: percentile(refusals, 0.99) } satisfies FloodReport)
process.disconnect()
