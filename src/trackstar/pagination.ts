import { isProblem, type Problem } from '../errors.js'
import { invalidResponse } from './upstream-errors.js'

/** What makes a page a page of a list: the token of the page after it, null on the last one. */
export interface TokenPage {
  readonly nextToken: string | null
}

export interface PaginateOptions {
  /** Upstream's route, for the error. */
  readonly route: string
  /** A list with more pages than this is an error. Default: unlimited. */
  readonly maxPages?: number
  /** How to go on after a page that could not be read. Default: the error ends the iteration. */
  readonly retry?: PageRetry | undefined
}

export interface PageRetry {
  /** Called for each page that could not be read, before the wait. */
  readonly onFailure: (error: Problem) => void
  /** Resolves after `ms`; a rejection ends the iteration. */
  readonly sleep: (ms: number) => Promise<unknown>
}

const firstRetryMs = 1000
const maxRetryMs = 30_000
/** After this many invalid responses in a row, about two minutes, the token itself is assumed to be broken. */
const invalidResponsesPerToken = 8

/**
 * Iterates over the pages of a list. `read` gets the token of the page to read, undefined for the first one.
 *
 * Throws `upstream_invalid_response` if upstream repeats a token, or after `maxPages`, so that no list is endless.
 *
 * With `retry`, a page that fails is read again by its token, with exponential backoff from 1 to 30 s; earlier pages are
 * not read again. If upstream rejects the token, or answers it with 8 invalid responses in a row, the list starts over,
 * and its pages are yielded again. Errors that a retry cannot fix are thrown: those that are no problems, and
 * `not_supported_by_integration`.
 */
export async function* paginate<P extends TokenPage>(
  read: (token: string | undefined) => Promise<P>,
  { route, maxPages = Number.POSITIVE_INFINITY, retry }: PaginateOptions,
): AsyncGenerator<P, void, undefined> {
  const tokens = new Set<string>()
  let token: string | undefined
  for (let failures = 0; ; ) {
    try {
      const page = await read(token)
      const { nextToken } = page
      if (nextToken !== null && (tokens.has(nextToken) || tokens.size + 1 >= maxPages)) {
        throw invalidResponse(route, { path: '/next_token', message: 'must come to an end' })
      }
      failures = 0
      yield page
      if (nextToken === null) return
      token = nextToken
      tokens.add(nextToken)
    } catch (error) {
      if (retry === undefined || !isProblem(error) || error.problem === 'not_supported_by_integration') throw error
      retry.onFailure(error)
      await retry.sleep(Math.min(maxRetryMs, firstRetryMs * 2 ** failures++))
      if (!isTokenRefused(error, failures)) continue
      token = undefined
      tokens.clear()
    }
  }
}

const isTokenRefused = ({ problem }: Problem, failures: number) =>
  problem === 'upstream_rejected' ||
  (problem === 'upstream_invalid_response' && failures % invalidResponsesPerToken === 0)
