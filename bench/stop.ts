/** A stop signal in the middle of constant load: what becomes of the requests that were sent before it. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { generatedSku } from '../src/sandbox/generated-catalog.js'
import { answerReader, statusIn } from './answers.js'
import { setStage } from './harness.js'
import { openLoop } from './load.js'

export interface Stopped {
  /** Requests whose bytes the kernel had before the signal, and those of them without a whole answer. */
  readonly sent: number
  readonly lost: number
  /** Of `sent`: still to be answered at the signal. */
  readonly inFlight: number
  /** Of `sent`: answers with another status than 200. */
  readonly others: number
  /** Requests after the signal, and those of them that were answered, too. */
  readonly later: number
  readonly laterAnswered: number
  readonly exitCode: number | null
  readonly seconds: number
}

/** One request; times in ms, undefined for what has not come to be. */
interface Shot {
  sentAt?: number
  answeredAt?: number
  status?: number
}

/** @param perSecond requests, every other one on a connection of its own; every tenth has to be fetched from upstream */
export async function stopUnderLoad(perSecond: number, service: Readonly<Record<string, string>>, headers: string) {
  const stage = await setStage({ service: { ...service, CATALOG_MODE: 'on-demand' } })
  const { hostname, port } = new URL(stage.origin)
  const shots: Shot[] = []
  const idle = new Set<Line>()
  const open = new Set<Line>()
  const newLine = () => {
    const line = new Line(connect(Number(port), hostname))
    open.add(line)
    line.socket.on('close', () => [open, idle].map((lines) => lines.delete(line)))
    return line
  }

  async function shoot(n: number): Promise<void> {
    const sku = generatedSku(n % 10 === 0 ? n + 1 : 1)
    const isAlone = n % 2 === 0
    const [kept] = idle
    const line = isAlone || kept === undefined ? newLine() : kept
    idle.delete(line)
    const shot: Shot = {}
    shots.push(shot)
    const goesOn = await line.ask(`GET /products/${sku}/stock HTTP/1.1\r\n${headers}\r\n\r\n`, shot)
    if (isAlone || !goesOn) line.socket.end()
    else idle.add(line)
  }

  const load = openLoop(perSecond, 5, shoot)
  await sleep(3000)
  const signalAt = performance.now()
  const exitCode = await stage.stop()
  const seconds = (performance.now() - signalAt) / 1000
  await load
  for (const { socket } of open) socket.destroy()
  await stage.close()

  const sent = shots.filter(({ sentAt = Number.POSITIVE_INFINITY }) => sentAt < signalAt)
  const later = shots.filter((shot) => !sent.includes(shot))
  const isAnswered = ({ status }: Shot) => status !== undefined
  return {
    sent: sent.length,
    lost: sent.filter((shot) => !isAnswered(shot)).length,
    inFlight: sent.filter(({ answeredAt = Number.POSITIVE_INFINITY }) => answeredAt > signalAt).length,
    others: sent.filter((shot) => isAnswered(shot) && shot.status !== 200).length,
    later: later.length,
    laterAnswered: later.filter(isAnswered).length,
    exitCode,
    seconds,
  } satisfies Stopped
}

/** A connection with one request at a time. */
class Line {
  #onAnswer: (head: string) => void = () => {}

  constructor(readonly socket: Socket) {
    socket.setNoDelay().on('error', () => {})
    socket.on(
      'data',
      answerReader((head) => this.#onAnswer(head)),
    )
  }

  /** Fills in the shot; says whether the connection may be used again. */
  ask(request: string, shot: Shot): Promise<boolean> {
    return new Promise((resolve) => {
      const onClose = () => resolve(false)
      this.socket.once('close', onClose)
      this.#onAnswer = (head) => {
        shot.answeredAt = performance.now()
        shot.status = statusIn(head)
        this.socket.off('close', onClose)
        resolve(!/\r\nconnection: close/i.test(head))
      }
      this.socket.write(request, (error) => {
        if (!error) shot.sentAt = performance.now()
      })
    })
  }
}
