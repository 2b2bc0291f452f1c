/** Attributes the CPU time of a request to parts of the service by a V8 profile; removing a part would change the others. */
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

/** Parts of the work for a request. A function belongs to the first part that matches it, or else to the part of its caller. */
const parts: readonly (readonly [part: string, does: string, url: RegExp, name?: RegExp])[] = [
  ['API key', 'hashed and compared', /\/http\/(auth|key-store)\.js$/],
  ['rate limit', 'count and headers', /\/client-limit\.js$|\/@fastify\/rate-limit\//],
  ['CORS', 'origin and headers', /\/http\/cors\.js$|\/@fastify\/cors\//],
  ['security headers', "helmet's, built at the start", /\/security-headers\.js$/],
  ['compression', 'body too small', /\/compression\.js$|\/@fastify\/(compress|accept-negotiator)\//],
  ['metrics', 'a histogram, a counter and a gauge', /\/http\/metrics\.js$|\/prom-client\//],
  ['log line', 'built, searched for secrets, and written', /\/http\/logging\.js$|\/(pino|sonic-boom)\//],
  ['request id', 'generated and sent', /\/http\/(request-id|server-options)\.js$/],
  ['cache headers', 'five headers, If-None-Match', /\/http\/cache-headers\.js$/],
  [
    'request checks, Accept, load shedding',
    'checked',
    /\/http\/(request-head|request-checks|transfer-coding|negotiation|load-shedding)\.js$/,
  ],
  ['stock', 'cached answer checked against its records', /\/dist\/(routes|services|cache|stock)\//],
  ['validation', 'path, query and headers', /\/lib\/validation\.js$|^$/, /^valid/],
  ['response head', 'built by Node', /^node:_http/, /^writeHead$/],
  ['response', 'written to the socket', /^node:_http_outgoing$/, /^end$/],
  ['garbage collection', 'by V8', /^$/, /^\(garbage collector\)$/],
  ['V8 and the kernel', 'outside any function', /^$/, /^\(program\)$/],
]
const remainder = 'Fastify and Node: everything else'

/** Whether a function's time belongs to its caller. */
const isTransparent = ({ callFrame: { url, functionName } }: ProfileNode) =>
  !url.includes('/fastify/lib/') || url.endsWith('/request.js') || /^Reply\.(?!send)/.test(functionName)

const partOf = ({ callFrame: { url, functionName } }: ProfileNode) =>
  parts.find(([, , ofUrl, ofName]) => ofUrl.test(url) && (ofName === undefined || ofName.test(functionName)))

export interface Share {
  readonly name: string
  /** Share of the CPU time, from 0 to 1. */
  readonly share: number
}

/**
 * The share of each part in the last `lastMicros` of a profile of the main thread; start and warm-up come before.
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
    return remainder
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

/** A process started with `flags` writes a profile when it exits; `read` reads it. */
export async function startProfile() {
  const folder = await mkdtemp(join(tmpdir(), 'bench-profile-'))
  return {
    flags: ['--cpu-prof', '--cpu-prof-interval=200', `--cpu-prof-dir=${folder}`],
    async read(): Promise<Profile> {
      const [file] = await readdir(folder)
      if (file === undefined) throw new Error('Expected a profile of the service, but got none')
      const text = await readFile(join(folder, file), 'utf8')
      await rm(folder, { recursive: true })
      return JSON.parse(text)
    },
  }
}
