import { connect } from 'node:net'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'

/** A request whose bytes are sent exactly as given. Strings are Latin-1, one character per byte. */
export interface WireRequest {
  readonly method: string
  readonly target: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer | undefined
  /** How the body ends: correctly framed, cut short by the end of the connection, or without framing. */
  readonly framing: 'length' | 'chunked' | 'cut short' | 'none'
}

export interface WireAnswer {
  readonly status: number
  /** Names are in lower case; repeated headers stay separate. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
}

/** Everything received on one connection. */
export interface Exchange {
  readonly answers: readonly WireAnswer[]
  /** Bytes after the answers. */
  readonly rest: string
  readonly fault: string | undefined
}

export const headerOf = ({ headers }: WireAnswer, name: string): string | undefined =>
  headers.find(([other]) => other === name)?.[1]

/** The bytes of a request with `Connection: close`. */
export function bytesOf({ method, target, headers, body, framing }: WireRequest): Buffer {
  const isGiven = (name: string) => headers.some(([other]) => other.toLowerCase() === name)
  const length = framing === 'cut short' ? (body?.length ?? 0) + 10 : body?.length
  const own = [
    ['connection', 'close'],
    ...(isGiven('host') ? [] : [['host', 'localhost']]),
    ...(framing === 'chunked' ? [['transfer-encoding', 'chunked']] : []),
    ...((framing === 'length' || framing === 'cut short') && length ? [['content-length', String(length)]] : []),
  ]
  const lines = [...own, ...headers].map(([name, value]) => `${name}: ${value}\r\n`)
  const head = Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1')
  const content = body ?? Buffer.alloc(0)
  return Buffer.concat([head, framing === 'chunked' ? chunked(content) : content])
}

/** In two chunks, so that one of them ends in the middle of a value. */
function chunked(body: Buffer): Buffer {
  const middle = Math.ceil(body.length / 2)
  const chunks = [body.subarray(0, middle), body.subarray(middle)].filter(({ length }) => length > 0)
  const written = chunks.flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)}\r\n`),
    chunk,
    Buffer.from('\r\n'),
  ])
  return Buffer.concat([...written, Buffer.from('0\r\n\r\n')])
}

export interface ExchangeOptions {
  /** Whether to half-close the connection after the bytes. */
  readonly ends?: boolean
  /** Methods of the requests, in order, if one of them is HEAD: its answer has no body. */
  readonly methods?: readonly string[]
  readonly timeoutMs?: number
}

/**
 * Sends `bytes` on a connection of its own and reads until it is closed. An event stream, which has no end, is closed
 * after its first bytes.
 */
export function exchange(
  port: number,
  bytes: Buffer | string,
  { ends = false, methods = [], timeoutMs = 10_000 }: ExchangeOptions = {},
): Promise<Exchange> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const received: Buffer[] = []
    const finish = (fault?: string) => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ ...answersIn(Buffer.concat(received), methods), fault })
    }
    const timer = setTimeout(() => finish('the connection was not closed'), timeoutMs)
    socket.on('data', (chunk: Buffer) => {
      received.push(chunk)
      if (received.length < 3 && isEventStream(Buffer.concat(received))) finish()
    })
    socket.on('close', () => finish())
    // A rejected body is not read to its end, so a reset may follow the response.
    socket.on('error', () => {})
    socket.write(bytes)
    if (ends) socket.end()
  })
}

const isEventStream = (received: Buffer) =>
  /^content-type: text\/event-stream[\s\S]*\r\n\r\n[\s\S]*retry: /im.test(received.toString('latin1'))

/** The answers in the received bytes, without interim ones (RFC 9110, 15.2). */
function answersIn(received: Buffer, methods: readonly string[]): Pick<Exchange, 'answers' | 'rest'> {
  const answers: WireAnswer[] = []
  let at = 0
  for (;;) {
    const end = received.indexOf('\r\n\r\n', at)
    if (end === -1) break
    const [first = '', ...lines] = received.toString('latin1', at, end).split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1])
    if (Number.isNaN(status)) break
    at = end + 4
    if (status < 200) continue
    const headers = lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
    })
    const answer = { status, headers, body: Buffer.alloc(0) }
    const isBare = status === 204 || status === 304 || methods[answers.length] === 'HEAD'
    const found = isBare ? { body: answer.body, next: at } : bodyAt(received, at, answer)
    answers.push({ ...answer, body: decoded(found.body, headerOf(answer, 'content-encoding')) })
    at = found.next
  }
  return { answers, rest: received.toString('latin1', at) }
}

function decoded(body: Buffer, coding: string | undefined): Buffer {
  if (coding === 'gzip') return gunzipSync(body)
  return coding === 'br' ? brotliDecompressSync(body) : body
}

function bodyAt(received: Buffer, from: number, answer: WireAnswer): { body: Buffer; next: number } {
  const length = headerOf(answer, 'content-length')
  if (length !== undefined) {
    const next = Math.min(received.length, from + Number(length))
    return { body: received.subarray(from, next), next }
  }
  if (headerOf(answer, 'transfer-encoding') !== 'chunked')
    return { body: received.subarray(from), next: received.length }
  const chunks: Buffer[] = []
  for (let at = from; ; ) {
    const end = received.indexOf('\r\n', at)
    const size = /^[0-9a-f]+$/i.exec(received.toString('latin1', at, Math.max(at, end)))?.[0]
    // The response was cut off, or closed early: there is no further chunk.
    if (size === undefined) return { body: Buffer.concat(chunks), next: at }
    const next = end + 2 + Number.parseInt(size, 16)
    chunks.push(received.subarray(end + 2, next))
    at = Math.min(received.length, next + 2)
    if (next === end + 2) return { body: Buffer.concat(chunks), next: at }
  }
}
