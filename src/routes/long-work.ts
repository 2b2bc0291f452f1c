import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RunSteps, WorkTurns } from '../services/work-turns.js'

/** Does the work of a request in turns with that of other clients, until its caller disconnects. */
export type InTurns = <T>(request: FastifyRequest, reply: FastifyReply, work: LongWork<T>) => Promise<T>

export interface LongWork<T> {
  /** How many SKUs or lines the request is for. One for a few is cheap, and comes before the client's others. */
  readonly size: number
  readonly work: (run: RunSteps) => Promise<T>
}

const maxCheapSize = 20

/**
 * @param timeoutMs how long a request may take
 * @param elapsed monotonic clock, ms
 */
export const createInTurns =
  (turns: WorkTurns, timeoutMs: number, elapsed: () => number): InTurns =>
  (request, reply, { size, work }) => {
    const isGone = () => reply.raw.destroyed || request.raw.socket.destroyed
    const owner = { client: request.client, isGone, deadline: elapsed() + timeoutMs }
    return turns.request(owner, size <= maxCheapSize, work)
  }
