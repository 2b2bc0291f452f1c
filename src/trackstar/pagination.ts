import { isProblem, type Problem } from '../errors.js'
import { invalidResponse } from './upstream-errors.js'

/** A page of a list, as far as a walk looks at it. */
export interface WalkedPage {
  readonly nextToken: string | null
  /** Upstream's time when it gave the page, epoch ms. */
  readonly date: number
}

export interface Walk<P extends WalkedPage> {
  /** Reads the page of a token, or the first one. */
  readonly read: (token: string | undefined) => Promise<P>
  readonly onPage: (page: P) => void
  /** Told of each page that could not be read, before it is tried again. */
  readonly onFailure: (error: Problem) => void
  /** Resolves after `ms`. */
  readonly rest: (ms: number) => Promise<unknown>
}

const firstRetryMs = 1000
const lastRetryMs = 30_000
/** A page that has given nonsense so often in a row is not read by its token again, about two minutes after the first. */
const nonsenseToBeginAnew = 8

/**
 * Reads a whole list, a page at a time; gives upstream's time at its beginning. A page that fails is tried again, after
 * waits that grow: what has been read already is not read for it once more. Only a token that upstream refuses begins
 * the list anew. Throws what no repetition helps against.
 */
export async function paginate<P extends WalkedPage>({ read, onPage, onFailure, rest }: Walk<P>): Promise<number> {
  let beganAt: number | undefined
  let token: string | undefined
  const tokens = new Set<string>()
  for (let failures = 0; ; ) {
    const page = await read(token).catch(async (error: unknown) => {
      if (!isProblem(error) || error.problem === 'not_supported_by_integration') throw error
      onFailure(error)
      await rest(Math.min(lastRetryMs, firstRetryMs * 2 ** failures++))
      if (!isRefusal(error, failures)) return
      token = undefined
      tokens.clear()
    })
    if (page === undefined) continue
    failures = 0
    beganAt ??= page.date
    onPage(page)
    if (page.nextToken === null) return beganAt
    token = page.nextToken
    if (tokens.has(token)) throw invalidResponse('a list', { path: '/next_token', message: 'must come to an end' })
    tokens.add(token)
  }
}

/** Whether upstream does not take the token any more: it says so, or has long been giving nothing that makes sense. */
const isRefusal = ({ problem }: Problem, failures: number) =>
  problem === 'upstream_rejected' || (problem === 'upstream_invalid_response' && failures % nonsenseToBeginAnew === 0)
