/** The baseline of the service: a Fastify server with one constant route, in its own process. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { getRequest, nodeOptions } from './everything-on.js'
import type { Target } from './loadgen.js'

/** Its first message is its address. */
export async function startConstant(body: string): Promise<{ readonly target: Target; close(): void }> {
  const script = fileURLToPath(new URL('./constant-process.js', import.meta.url))
  const child = fork(script, [body], { execArgv: nodeOptions })
  const [origin] = (await once(child, 'message')) as [string]
  return { target: { origin, pid: child.pid ?? 0, request: getRequest('/constant') }, close: () => child.disconnect() }
}
