/** The load generator, in its own process: each connection sends its next request as soon as the last is answered. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { responseReader, statusIn } from './response-reader.js'

export interface LoadOptions {
  readonly origin: string
  /** The bytes of the requests, of which each is as likely as the others. */
  readonly requests: readonly string[]
  readonly expectedStatus: number
  readonly connections: number
  readonly until: Until
  readonly idleMode: IdleMode
}

/**
 * What the generator does while it waits. When `polling`, it never sleeps, and costs the server as little as a client on
 * another machine. When `blocking`, nearly every response of the server has to wake it, which in a virtual machine with an
 * idle second core costs the server about as much as the response itself.
 */
export type IdleMode = 'polling' | 'blocking'

/** When a run ends. */
export type Until = { readonly seconds: number } | { readonly responses: number }

export interface LoadResult {
  readonly responses: number
  /** Responses with another status than the expected one. */
  readonly failures: number
  readonly seconds: number
  /** CPU time of this process during the run. */
  readonly cpuSeconds: number
  /** Between a request and its whole response. */
  readonly medianMs: number
}

interface Connection {
  readonly socket: Socket
  onResponse: (head: string) => void
}

/** Connections stay open from one run to the next, so that opening them is not measured. */
const connectionsByOrigin = new Map<string, Connection[]>()

async function connectTo(origin: string, many: number): Promise<readonly Connection[]> {
  const known = connectionsByOrigin.get(origin) ?? []
  connectionsByOrigin.set(origin, known)
  const { hostname, port } = new URL(origin)
  while (known.length < many) {
    const connection: Connection = { socket: connect(Number(port), hostname).setNoDelay(), onResponse: () => {} }
    await once(connection.socket, 'connect')
    connection.socket.on(
      'data',
      responseReader((head) => connection.onResponse(head)),
    )
    known.push(connection)
  }
  return known
}

function poll(isOver: () => boolean): void {
  setImmediate(() => {
    if (!isOver()) poll(isOver)
  })
}

async function run(options: LoadOptions): Promise<LoadResult> {
  const { origin, expectedStatus, connections, until, idleMode } = options
  const open = await connectTo(origin, connections)
  const requests = options.requests.map((request) => Buffer.from(request))
  const anyRequest = () => requests[Math.floor(Math.random() * requests.length)] ?? ''
  let responses = 0
  let failures = 0
  const times: number[] = []
  let isOver = false
  if (idleMode === 'polling') poll(() => isOver)
  const cpuBefore = process.cpuUsage()
  const start = performance.now()
  const finished = open.map(
    (connection) =>
      new Promise<void>((resolve) => {
        let sentAt = performance.now()
        const send = () => {
          sentAt = performance.now()
          connection.socket.write(anyRequest())
        }
        connection.onResponse = (head) => {
          responses++
          times.push(performance.now() - sentAt)
          if (statusIn(head) !== expectedStatus) failures++
          if ('responses' in until) isOver ||= responses >= until.responses
          if (isOver) resolve()
          else send()
        }
        send()
      }),
  )
  if ('seconds' in until) {
    await sleep(until.seconds * 1000)
    isOver = true
  }
  await Promise.all(finished)
  const { user, system } = process.cpuUsage(cpuBefore)
  const seconds = (performance.now() - start) / 1000
  const medianMs = times.sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN
  return { responses, failures, seconds, cpuSeconds: (user + system) / 1e6, medianMs }
}

process.on('message', (options: LoadOptions) => void run(options).then((result) => process.send?.(result)))
process.on('disconnect', () => process.exit(0))
