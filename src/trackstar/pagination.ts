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
}

/**
 * Iterates over the pages of a list. `read` gets the token of the page to read, undefined for the first one.
 *
 * Throws `upstream_invalid_response` if upstream repeats a token, or after `maxPages`, so that no list is endless.
 */
export async function* paginate<P extends TokenPage>(
  read: (token: string | undefined) => Promise<P>,
  { route, maxPages = Number.POSITIVE_INFINITY }: PaginateOptions,
): AsyncGenerator<P, void, undefined> {
  const tokens = new Set<string>()
  let token: string | undefined
  for (;;) {
    const page: P = await read(token)
    const { nextToken } = page
    if (nextToken !== null && (tokens.has(nextToken) || tokens.size + 1 >= maxPages)) throw endlessList(route)
    yield page
    if (nextToken === null) return
    token = nextToken
    tokens.add(nextToken)
  }
}

const endlessList = (route: string) => invalidResponse(route, { path: '/next_token', message: 'must come to an end' })

/** Most records per page: upstream's own maximum. */
export const maxPageSize = 1000
/** After this many successes a smaller page grows again; each time that the larger page failed doubles the number. */
const firstGrowAfter = 2
const maxGrowAfter = 64

/**
 * How many records to request per page of one list. A page that upstream cannot send, or not in time, is halved, down to
 * one record. Pages grow again after successes, less often if the larger ones fail again.
 */
export class PageSize {
  #size: number
  #successes = 0
  #growAfter = firstGrowAfter
  #hasGrown = false

  constructor(size = maxPageSize) {
    this.#size = size
  }

  get value(): number {
    return this.#size
  }

  succeeded(): void {
    if (this.#size === maxPageSize) this.#growAfter = firstGrowAfter
    if (this.#size === maxPageSize || ++this.#successes < this.#growAfter) return
    this.#size = Math.min(maxPageSize, this.#size * 2)
    this.#successes = 0
    this.#hasGrown = true
  }

  /** Halves the size. Returns false if it is one record already. */
  halve(): boolean {
    if (this.#hasGrown) this.#growAfter = Math.min(maxGrowAfter, this.#growAfter * 2)
    this.#hasGrown = false
    this.#successes = 0
    if (this.#size === 1) return false
    this.#size = Math.ceil(this.#size / 2)
    return true
  }
}

export interface ListWalkOptions<P> {
  /** Upstream's route, for the error. */
  readonly route: string
  /** Reads the page with a token, undefined for the first one, and uses its records. */
  readonly read: (token: string | undefined, size: number) => Promise<P>
  readonly pageSize: PageSize
}

/** The first wait after a page that failed; the next ones double. */
const firstRetryMs = 1000
const maxRetryMs = 30_000
/** The longest wait after `not_supported_by_integration`, which is more likely to last. */
const maxUnsupportedRetryMs = 10 * 60_000
/** The wait before a page that failed is read in halves. */
const halvedRetryMs = 250
/** After this many failures of one page in a row, its token is assumed to be broken, and the list starts over. */
const failuresPerToken = 8
/** A page of one record that fails this often in a row is not going to be readable soon. */
const failuresPerRecord = 3
/** A list that starts over this often is not going to come to its end. */
const maxRestarts = 2

/**
 * A walk over the pages of a list that continues after failures: a page that fails is read again by its token, in halves if
 * its size may be to blame. Earlier pages are not read again, except after upstream rejects the token, or answers it with
 * nothing but invalid responses: then the list starts over.
 */
export class ListWalk<P extends TokenPage> {
  readonly #tokens = new Set<string>()
  #token: string | undefined
  #failures = 0
  /** Failures in a row of a page of one record. */
  #failuresAtOne = 0
  #restarts = 0
  #retryAfterMs = 0
  #isDone = false

  constructor(private readonly options: ListWalkOptions<P>) {}

  /** Whether all pages have been read. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** How long to wait before {@link next}: 0 unless the latest page failed. */
  get retryAfterMs(): number {
    return this.#retryAfterMs
  }

  /** Whether the page that failed is going to be read in halves, so that it is worth another try soon. */
  get isHalved(): boolean {
    return this.#retryAfterMs === halvedRetryMs
  }

  /** Whether a page of one record failed, so that the record may be to blame. */
  get isAtOne(): boolean {
    return this.#failuresAtOne > 0
  }

  /** Whether the walk has failed so often at one place that it is not going to get past it. */
  get isStuck(): boolean {
    return this.#failuresAtOne >= failuresPerRecord || this.#restarts >= maxRestarts
  }

  /** Reads the next page, or repeats the one that failed. Throws its error. */
  async next(): Promise<P> {
    const { route, read, pageSize } = this.options
    const size = pageSize.value
    let page: P
    try {
      page = await read(this.#token, size)
    } catch (error) {
      if (size === 1) this.#failuresAtOne++
      this.#fail(error, mayBeTooLarge(error) && pageSize.halve())
      throw error
    }
    const { nextToken } = page
    if (nextToken !== null && this.#tokens.has(nextToken)) {
      const error = endlessList(route)
      this.#fail(error, false)
      throw error
    }
    pageSize.succeeded()
    this.#failures = 0
    this.#failuresAtOne = 0
    this.#retryAfterMs = 0
    if (nextToken === null) this.#isDone = true
    else {
      this.#token = nextToken
      this.#tokens.add(nextToken)
    }
    return page
  }

  /**
   * The page that failed is to blame, though the error says that upstream is: upstream answers other calls. So it is read in
   * halves next.
   */
  blamePage(): void {
    if (this.options.pageSize.halve()) this.#retryAfterMs = halvedRetryMs
  }

  #fail(error: unknown, isHalved: boolean): void {
    if (!isHalved) this.#failures++
    const max = isProblem(error, 'not_supported_by_integration') ? maxUnsupportedRetryMs : maxRetryMs
    this.#retryAfterMs = isHalved ? halvedRetryMs : Math.min(max, firstRetryMs * 2 ** (this.#failures - 1))
    if (isHalved || !isProblem(error) || !isTokenRefused(error, this.#failures)) return
    if (this.#token !== undefined) this.#restarts++
    this.#token = undefined
    this.#tokens.clear()
  }
}

/** Whether the size of the page may be to blame. An upstream that is down fails in other ways as well. */
const mayBeTooLarge = (error: unknown) =>
  !isProblem(error) || error.problem === 'upstream_timeout' || error.problem === 'upstream_invalid_response'

const isTokenRefused = ({ problem }: Problem, failures: number) =>
  problem === 'upstream_rejected' || (problem === 'upstream_invalid_response' && failures % failuresPerToken === 0)
