/** The load in a process of its own: some connections, each of them with its next request as soon as it is answered. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerReader, statusIn } from './answers.js'

export interface Blow {
  readonly origin: string
  /** Byte for byte. */
  readonly request: string
  readonly connections: number
  readonly until: Until
  readonly rest: Rest
}

/**
 * What the generator does while no answer is there. `awake` it looks again and again, as a client on another machine
 * costs the server nothing; `asleep` the server has to wake it with nearly every answer, which in a virtual machine
 * whose other core is idle costs it about as much as it costs to make that answer.
 */
export type Rest = 'awake' | 'asleep'

/** How long it goes on. */
export type Until = { readonly seconds: number } | { readonly answers: number }

export interface Impact {
  readonly answers: number
  /** Answers with another status than 200. */
  readonly others: number
  readonly seconds: number
  /** What this process has computed meanwhile, itself. */
  readonly cpuSeconds: number
}

interface Line {
  readonly socket: Socket
  onAnswer: (head: string) => void
}

/** Connections stay open from one blow to the next: what opening them costs is not measured. */
const linesTo = new Map<string, Line[]>()

async function lines(origin: string, many: number): Promise<readonly Line[]> {
  const known = linesTo.get(origin) ?? []
  linesTo.set(origin, known)
  const { hostname, port } = new URL(origin)
  while (known.length < many) {
    const line: Line = { socket: connect(Number(port), hostname).setNoDelay(), onAnswer: () => {} }
    await once(line.socket, 'connect')
    line.socket.on(
      'data',
      answerReader((head) => line.onAnswer(head)),
    )
    known.push(line)
  }
  return known
}

function stayAwake(isOver: () => boolean): void {
  setImmediate(() => {
    if (!isOver()) stayAwake(isOver)
  })
}

async function strike({ origin, request, connections, until, rest }: Blow): Promise<Impact> {
  const open = await lines(origin, connections)
  const bytes = Buffer.from(request)
  let answers = 0
  let others = 0
  let isOver = false
  if (rest === 'awake') stayAwake(() => isOver)
  const cpuBefore = process.cpuUsage()
  const start = performance.now()
  const ended = open.map(
    (line) =>
      new Promise<void>((resolve) => {
        line.onAnswer = (head) => {
          answers++
          if (statusIn(head) !== 200) others++
          if ('answers' in until) isOver ||= answers >= until.answers
          if (isOver) resolve()
          else line.socket.write(bytes)
        }
        line.socket.write(bytes)
      }),
  )
  if ('seconds' in until) {
    await sleep(until.seconds * 1000)
    isOver = true
  }
  await Promise.all(ended)
  const { user, system } = process.cpuUsage(cpuBefore)
  return { answers, others, seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 }
}

process.on('message', (blow: Blow) => void strike(blow).then((impact) => process.send?.(impact)))
process.on('disconnect', () => process.exit(0))
