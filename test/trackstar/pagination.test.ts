import tap from 'tap'
import { type ProblemCode, problem } from '../../src/errors.js'
import { ListWalk, maxPageSize, PageSize, type PaginateOptions, paginate } from '../../src/trackstar/pagination.js'
import { problemOf } from '../harness.js'

/** Walks over a list of three pages; `answers` are the failures, call by call. */
async function walk(...answers: (ProblemCode | Error | undefined)[]) {
  const tokens: (string | undefined)[] = []
  const pages: string[] = []
  const failures: unknown[] = []
  const waits: number[] = []
  const sizes: number[] = []
  const next = { first: 'a', a: 'b', b: null } as const
  const list = new ListWalk({
    route: '/wms/products',
    pageSize: new PageSize(),
    async read(token, size) {
      tokens.push(token)
      sizes.push(size)
      const answer = answers.shift()
      if (answer instanceof Error) throw answer
      if (answer !== undefined) throw problem(answer, 'not now')
      const name = (token ?? 'first') as keyof typeof next
      return { name, nextToken: next[name] }
    },
  })
  while (!list.isDone) {
    try {
      pages.push((await list.next()).name)
    } catch (error) {
      failures.push(error)
      waits.push(list.retryAfterMs)
    }
  }
  return { tokens, pages, failures, waits, sizes }
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
const times = (n: number, code: ProblemCode) => Array.from({ length: n }, () => code)

tap.test('reads page after page', async (t) => {
  const { tokens, pages, waits, sizes } = await walk()
  t.strictSame(tokens, [undefined, 'a', 'b'])
  t.strictSame(pages, ['first', 'a', 'b'])
  t.strictSame(waits, [])
  t.strictSame(sizes, [1000, 1000, 1000])
})

tap.test('retries a failed page by its token, with waits that grow to half a minute', async (t) => {
  const { tokens, pages, failures, waits } = await walk(undefined, ...times(7, 'upstream_auth_failed'))
  t.strictSame(tokens, [undefined, ...Array.from({ length: 8 }, () => 'a'), 'b'])
  t.strictSame(pages, ['first', 'a', 'b'], 'no page is read twice')
  t.strictSame(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
  t.equal(failures.length, 7)
})

tap.test('retries with short waits again after a page that succeeded', async (t) => {
  const { waits } = await walk(undefined, 'overloaded', 'overloaded', undefined, 'upstream_auth_failed')
  t.strictSame(waits, [1000, 2000, 1000])
})

tap.test('starts over when upstream rejects the token', async (t) => {
  const { tokens, pages } = await walk(undefined, undefined, 'upstream_rejected')
  t.strictSame(tokens, [undefined, 'a', 'b', undefined, 'a', 'b'])
  t.strictSame(pages, ['first', 'a', 'first', 'a', 'b'])
})

tap.test(
  'regression: a page that upstream could not send in time was requested in the same size forever',
  async (t) => {
    const { sizes, waits, pages } = await walk('upstream_timeout', 'upstream_invalid_response', new RangeError('deep'))
    t.strictSame(sizes, [1000, 500, 250, 125, 125, 250])
    t.strictSame(waits, [250, 250, 250], 'after short waits')
    t.strictSame(pages, ['first', 'a', 'b'])
  },
)

tap.test('halves pages down to one record, and then waits longer and longer', async (t) => {
  const { sizes, waits } = await walk(...times(13, 'upstream_timeout'))
  t.strictSame(sizes.slice(0, 14), [1000, 500, 250, 125, 63, 32, 16, 8, 4, 2, 1, 1, 1, 1])
  t.strictSame(waits.slice(10), [1000, 2000, 4000])
})

tap.test('does not halve pages for an upstream that is down unless it is told to', async (t) => {
  const { sizes, waits } = await walk('upstream_unavailable', 'upstream_unavailable')
  t.strictSame(sizes, [1000, 1000, 1000, 1000, 1000])
  t.strictSame(waits, [1000, 2000])
  const read: number[] = []
  const list = new ListWalk({
    route: '/wms/products',
    pageSize: new PageSize(),
    async read(_token, size) {
      read.push(size)
      if (size > 500) throw problem('upstream_unavailable', 'down')
      return { nextToken: null }
    },
  })
  await problemOf(list.next())
  list.blamePage()
  t.equal(list.retryAfterMs, 250)
  await list.next()
  t.strictSame(read, [1000, 500])
})

tap.test('starts over after a token had only invalid responses, in every size', async (t) => {
  const { tokens } = await walk(undefined, ...times(10 + 8, 'upstream_invalid_response'))
  t.strictSame(tokens, [undefined, ...Array.from({ length: 18 }, () => 'a'), undefined, 'a', 'b'])
})

tap.test('regression: an unsupported list, or an unexpected error, was not retried', async (t) => {
  const { pages, waits } = await walk(...times(11, 'not_supported_by_integration'), new TypeError('a bug'))
  t.strictSame(pages, ['first', 'a', 'b'])
  t.strictSame(waits.slice(0, 2), [1000, 2000])
  t.equal(waits[10], 600_000, 'with longer waits')
})

tap.test('treats a token that repeats as a failed page, and continues from there', async (t) => {
  let calls = 0
  const list = new ListWalk({
    route: '/wms/products',
    pageSize: new PageSize(),
    read: async (token) => ({ nextToken: token === undefined ? 'a' : ++calls < 3 ? 'a' : null }),
  })
  await list.next()
  t.match(await problemOf(list.next()), endless)
  t.match(await problemOf(list.next()), endless)
  t.equal(list.retryAfterMs, 2000)
  await list.next()
  t.ok(list.isDone)
})

tap.test('increases pages after successes, and less often if the larger ones fail again', async (t) => {
  const size = new PageSize()
  const grow = () => {
    const from = size.value
    let successes = 0
    for (; size.value === from; successes++) size.succeeded()
    return successes
  }
  size.succeeded()
  t.equal(size.value, maxPageSize)
  t.ok(size.halve())
  const needed = Array.from({ length: 8 }, () => {
    const successes = grow()
    size.halve()
    return successes
  })
  t.strictSame(needed, [2, 4, 8, 16, 32, 64, 64, 64])
  grow()
  size.succeeded()
  size.halve()
  t.equal(grow(), 4, 'a success in full size makes up for a failure')
  while (size.value > 1) t.ok(size.halve())
  t.notOk(size.halve())
  t.equal(size.value, 1)
})

tap.test('throws any error when it only pages through', async (t) => {
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
