/** Sends SIGTERM under constant load and counts the requests that get no response. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { generatedSku } from '../src/sandbox/generated-catalog.js'
import { startHarness } from './harness.js'
import { openLoop } from './load.js'
import { responseReader, statusIn } from './response-reader.js'

export interface StopResult {
  /** Requests that the kernel had taken before the signal, and those of them without a complete response. */
  readonly sent: number
  readonly lost: number
  /** Of `sent`: without a response at the time of the signal. */
  readonly inFlight: number
  /** Of `sent`: responses with a status other than 200. */
  readonly failures: number
  /** Requests after the signal, and those of them with a response. */
  readonly later: number
  readonly laterAnswered: number
  readonly exitCode: number | null
  readonly seconds: number
}

/** One request. Times are in ms, undefined until they are known. */
interface SentRequest {
  sentAt?: number
  answeredAt?: number
  status?: number
}

/** @param perSecond requests; every second one has its own connection, every tenth needs a call upstream */
export async function stopUnderLoad(perSecond: number, service: Readonly<Record<string, string>>, headers: string) {
  const harness = await startHarness({ service: { ...service, CATALOG_MODE: 'on-demand' } })
  const { hostname, port } = new URL(harness.origin)
  const requests: SentRequest[] = []
  const idle = new Set<Connection>()
  const open = new Set<Connection>()
  const openConnection = () => {
    const connection = new Connection(connect(Number(port), hostname))
    open.add(connection)
    connection.socket.on('close', () => [open, idle].map((connections) => connections.delete(connection)))
    return connection
  }

  async function send(n: number): Promise<void> {
    const sku = generatedSku(n % 10 === 0 ? n + 1 : 1)
    const isSingle = n % 2 === 0
    const [idleConnection] = idle
    const connection = isSingle || idleConnection === undefined ? openConnection() : idleConnection
    idle.delete(connection)
    const sentRequest: SentRequest = {}
    requests.push(sentRequest)
    const isReusable = await connection.send(`GET /products/${sku}/stock HTTP/1.1\r\n${headers}\r\n\r\n`, sentRequest)
    if (isSingle || !isReusable) connection.socket.end()
    else idle.add(connection)
  }

  const load = openLoop(perSecond, 5, send)
  await sleep(3000)
  const signalAt = performance.now()
  const exitCode = await harness.stop()
  const seconds = (performance.now() - signalAt) / 1000
  await load
  for (const { socket } of open) socket.destroy()
  await harness.close()

  const sent = requests.filter(({ sentAt = Number.POSITIVE_INFINITY }) => sentAt < signalAt)
  const later = requests.filter((sentRequest) => !sent.includes(sentRequest))
  const isAnswered = ({ status }: SentRequest) => status !== undefined
  return {
    sent: sent.length,
    lost: sent.filter((sentRequest) => !isAnswered(sentRequest)).length,
    inFlight: sent.filter(({ answeredAt = Number.POSITIVE_INFINITY }) => answeredAt > signalAt).length,
    failures: sent.filter((sentRequest) => isAnswered(sentRequest) && sentRequest.status !== 200).length,
    later: later.length,
    laterAnswered: later.filter(isAnswered).length,
    exitCode,
    seconds,
  } satisfies StopResult
}

/** A connection that carries one request at a time. */
class Connection {
  #onResponse: (head: string) => void = () => {}

  constructor(readonly socket: Socket) {
    socket.setNoDelay().on('error', () => {})
    socket.on(
      'data',
      responseReader((head) => this.#onResponse(head)),
    )
  }

  /** Sends a request and records times and status; resolves to whether the connection can be reused. */
  send(request: string, sentRequest: SentRequest): Promise<boolean> {
    return new Promise((resolve) => {
      const onClose = () => resolve(false)
      this.socket.once('close', onClose)
      this.#onResponse = (head) => {
        sentRequest.answeredAt = performance.now()
        sentRequest.status = statusIn(head)
        this.socket.off('close', onClose)
        resolve(!/\r\nconnection: close/i.test(head))
      }
      this.socket.write(request, (error) => {
        if (!error) sentRequest.sentAt = performance.now()
      })
    })
  }
}
