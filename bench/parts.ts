/** Where the time of a request goes, by a profile of the service itself: to take a part out would change the rest. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One function in one place of the call tree, as V8 writes it with `--cpu-prof`. */
interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string }
  readonly children?: readonly number[]
}

interface Profile {
  readonly nodes: readonly ProfileNode[]
  /** Ids of the nodes that were running, each for the µs in `timeDeltas`. */
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** What is done for a request: the first whose pattern fits a function, or else who called it, has done it. */
const parts: readonly (readonly [part: string, does: string, url: RegExp, name?: RegExp])[] = [
  ['API key', 'hashed, and compared with those that are let in', /\/dist\/plugins\/(access|keyring)\.js$/],
  ['rate limit', 'one more of this client, and three headers', /\/client-limit\.js$|\/@fastify\/rate-limit\//],
  ['CORS', 'the origin looked up, and two headers', /\/plugins\/cors\.js$|\/@fastify\/cors\//],
  ['security headers', "helmet's, made at the start", /\/security-headers\.js$/],
  ['compression', 'found too small', /\/compression\.js$|\/@fastify\/(compress|accept-negotiator)\//],
  ['metrics', 'a histogram, a counter and a gauge', /\/request-metrics\.js$|\/prom-client\//],
  ['log line', 'made, searched for secrets, and written', /\/(request-log|logger)\.js$|\/(pino|sonic-boom)\//],
  ['request id', 'made, and sent as a header', /\/plugins\/(request-id|server)\.js$/],
  ['freshness', 'five headers, If-None-Match', /\/plugins\/freshness\.js$/],
  [
    'request head, Accept, overload',
    'looked at',
    /\/plugins\/(request-head|transfer-coding|negotiation|overload|health)\.js$/,
  ],
  ['the join', 'records looked up, to see that the kept answer still holds', /\/dist\/(routes|stock|catalog)\//],
  ['validation', 'of the path, the query and the headers', /\/lib\/validation\.js$|^$/, /^valid/],
  ['head of the answer', 'its headers checked and put together by Node', /^node:_http/, /^writeHead$/],
  ['answer', 'written to the socket, by the kernel above all', /^node:_http_outgoing$/, /^end$/],
  ['garbage', 'collected', /^$/, /^\(garbage collector\)$/],
  ['V8 and the kernel', 'outside of any function', /^$/, /^\(program\)$/],
]
const rest = 'Fastify, and Node: a request read, routed and answered'

/** What belongs to whoever calls it. */
const isTransparent = ({ callFrame: { url, functionName } }: ProfileNode) =>
  !url.includes('/fastify/lib/') || url.endsWith('/request.js') || /^Reply\.(?!send)/.test(functionName)

const partOf = ({ callFrame: { url, functionName } }: ProfileNode) =>
  parts.find(([, , ofUrl, ofName]) => ofUrl.test(url) && (ofName === undefined || ofName.test(functionName)))

export interface Share {
  readonly name: string
  /** Of all that was computed, from 0 to 1. */
  readonly share: number
}

/**
 * Whose work it was that the process's own thread did, in the last `lastMicros` of a profile: before, it was started and
 * warmed up.
 */
export function shares({ nodes, samples, timeDeltas }: Profile, lastMicros: number): Share[] {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const callers = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)))
  const nameOf = (id: number): string => {
    for (let at: number | undefined = id; at !== undefined; at = callers.get(at)) {
      const node = byId.get(at)
      if (node === undefined) break
      const part = partOf(node)
      if (part) return `${part[0]}: ${part[1]}`
      if (!isTransparent(node)) break
    }
    return rest
  }
  const isIdle = (id: number) => byId.get(id)?.callFrame.functionName === '(idle)'
  const spent = new Map<string, number>()
  let total = 0
  let left = lastMicros
  for (let n = samples.length - 1; n >= 0 && left > 0; n--) {
    const id = samples[n] ?? 0
    left -= timeDeltas[n] ?? 0
    if (isIdle(id)) continue
    const name = nameOf(id)
    spent.set(name, (spent.get(name) ?? 0) + (timeDeltas[n] ?? 0))
    total += timeDeltas[n] ?? 0
  }
  return Array.from(spent, ([name, micros]) => ({ name, share: micros / total })).toSorted((a, b) => b.share - a.share)
}

/** Has a process that is started with `flags` profile itself until it ends; what it wrote then is `read`. */
export async function takeProfile() {
  const folder = await mkdtemp(join(tmpdir(), 'bench-profile-'))
  return {
    flags: ['--cpu-prof', '--cpu-prof-interval=200', `--cpu-prof-dir=${folder}`],
    async read(): Promise<Profile> {
      const [file] = await readdir(folder)
      if (file === undefined) throw new Error('the service has left no profile')
      const text = await readFile(join(folder, file), 'utf8')
      await rm(folder, { recursive: true })
      return JSON.parse(text)
    },
  }
}
