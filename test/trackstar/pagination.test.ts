import tap from 'tap'
import { type Problem, type ProblemCode, problem } from '../../src/errors.js'
import { type PaginateOptions, paginate } from '../../src/trackstar/pagination.js'
import { problemOf } from '../harness.js'

/** Reads a list of three pages; `answers` are the failures, call by call. */
async function read(...answers: (ProblemCode | Error | undefined)[]) {
  const tokens: (string | undefined)[] = []
  const pages: string[] = []
  const failures: string[] = []
  const waits: number[] = []
  const next = { first: 'a', a: 'b', b: null } as const
  const readPage = async (token: string | undefined) => {
    tokens.push(token)
    const answer = answers.shift()
    if (answer instanceof Error) throw answer
    if (answer !== undefined) throw problem(answer, 'not now')
    const name = (token ?? 'first') as keyof typeof next
    return { name, nextToken: next[name] }
  }
  const retry = {
    onFailure: (error: Problem) => failures.push(error.problem),
    sleep: async (ms: number) => waits.push(ms),
  }
  for await (const { name } of paginate(readPage, { route: '/wms/products', retry })) pages.push(name)
  return { tokens, pages, failures, waits }
}

/** Reads a list whose tokens are given by `next`. */
async function readTokens(next: (token: string | undefined) => string | null, options: Partial<PaginateOptions> = {}) {
  const tokens: (string | undefined)[] = []
  const readPage = async (token: string | undefined) => {
    tokens.push(token)
    return { nextToken: next(token) }
  }
  const pages = paginate(readPage, { route: '/wms/products', ...options })
  const failure = await problemOf(
    (async () => {
      for await (const page of pages) void page
    })(),
  )
  return { tokens, failure }
}

const endless = {
  problem: 'upstream_invalid_response',
  message: "In Trackstar's response, /next_token must come to an end",
}

tap.test('reads page after page', async (t) => {
  const { tokens, pages, waits } = await read()
  t.strictSame(tokens, [undefined, 'a', 'b'])
  t.strictSame(pages, ['first', 'a', 'b'])
  t.strictSame(waits, [])
})

tap.test('retries a failed page by its token, with waits that grow to half a minute', async (t) => {
  const down = Array.from({ length: 7 }, () => 'upstream_unavailable' as const)
  const { tokens, pages, failures, waits } = await read(undefined, ...down)
  t.strictSame(tokens, [undefined, ...Array.from({ length: 8 }, () => 'a'), 'b'])
  t.strictSame(pages, ['first', 'a', 'b'], 'no page is read twice')
  t.strictSame(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
  t.equal(failures.length, 7)
})

tap.test('starts with short waits again after a page that succeeded', async (t) => {
  const { waits } = await read(undefined, 'upstream_timeout', 'overloaded', undefined, 'upstream_auth_failed')
  t.strictSame(waits, [1000, 2000, 1000])
})

tap.test('starts over when upstream rejects the token', async (t) => {
  const { tokens, pages } = await read(undefined, undefined, 'upstream_rejected')
  t.strictSame(tokens, [undefined, 'a', 'b', undefined, 'a', 'b'])
  t.strictSame(pages, ['first', 'a', 'first', 'a', 'b'])
})

tap.test('regression: a token with nothing but invalid responses was retried forever', async (t) => {
  const invalid = Array.from({ length: 8 }, () => 'upstream_invalid_response' as const)
  const { tokens } = await read(undefined, ...invalid)
  t.strictSame(tokens, [undefined, ...Array.from({ length: 8 }, () => 'a'), undefined, 'a', 'b'])
})

tap.test('throws errors that a retry cannot fix', async (t) => {
  await t.rejects(read(undefined, new TypeError('a bug')), new TypeError('a bug'))
  t.match(await problemOf(read('not_supported_by_integration')), { problem: 'not_supported_by_integration' })
})

tap.test('throws any error when there are no retries', async (t) => {
  const readPage = async (): Promise<{ nextToken: null }> => {
    throw problem('upstream_timeout', 'not now')
  }
  const failure = await problemOf(paginate(readPage, { route: '/wms/products' }).next())
  t.match(failure, { problem: 'upstream_timeout' })
})

tap.test('regression: tokens that repeat were followed forever', async (t) => {
  const circle: Record<string, string> = { first: 'a', a: 'b', b: 'c', c: 'a' }
  const { tokens, failure } = await readTokens((token) => circle[token ?? 'first'] ?? null)
  t.match(failure, endless)
  t.strictSame(tokens, [undefined, 'a', 'b', 'c'])
  const same = await readTokens(() => 'again')
  t.match(same.failure, endless)
  t.strictSame(same.tokens, [undefined, 'again'])
})

tap.test('throws when a list has more pages than allowed', async (t) => {
  let calls = 0
  const { failure } = await readTokens(() => `t${++calls}`, { maxPages: 20 })
  t.match(failure, endless)
  t.equal(calls, 20)
  const short = (token: string | undefined) => (token === undefined ? 'a' : null)
  t.equal((await readTokens(short, { maxPages: 2 })).failure, undefined)
})

tap.test('treats a token that repeats as a failed page when there are retries', async (t) => {
  const waits: number[] = []
  let calls = 0
  const retry = { onFailure() {}, sleep: async (ms: number) => waits.push(ms) }
  const { tokens } = await readTokens((token) => (token === undefined ? 'a' : ++calls < 3 ? 'a' : null), { retry })
  t.strictSame(tokens, [undefined, 'a', 'a', 'a'])
  t.strictSame(waits, [1000, 2000])
})
