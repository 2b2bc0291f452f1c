import tap from 'tap'
import { type Problem, type ProblemCode, problem } from '../../src/errors.js'
import { paginate } from '../../src/trackstar/pagination.js'
import { problemOf } from '../harness.js'

/** Walks a list of three pages; `answers` says what comes instead, call by call. */
async function walk(...answers: (ProblemCode | Error | undefined)[]) {
  const asked: (string | undefined)[] = []
  const pages: string[] = []
  const failures: string[] = []
  const waits: number[] = []
  const next = { first: 'a', a: 'b', b: null } as const
  const beganAt = await paginate({
    async read(token) {
      asked.push(token)
      const answer = answers.shift()
      if (answer instanceof Error) throw answer
      if (answer !== undefined) throw problem(answer, 'not now')
      const name = (token ?? 'first') as keyof typeof next
      return { name, nextToken: next[name], date: 1000 * asked.length }
    },
    onPage: ({ name }) => pages.push(name),
    onFailure: (error: Problem) => failures.push(error.problem),
    rest: async (ms) => waits.push(ms),
  })
  return { asked, pages, failures, waits, beganAt }
}

tap.test('reads page after page, and gives the time upstream when it began', async (t) => {
  const { asked, pages, waits, beganAt } = await walk()
  t.strictSame(asked, [undefined, 'a', 'b'])
  t.strictSame(pages, ['first', 'a', 'b'])
  t.strictSame(waits, [])
  t.equal(beganAt, 1000)
})

tap.test('tries a page that fails again by its token, after waits that grow to half a minute', async (t) => {
  const down = Array.from({ length: 7 }, () => 'upstream_unavailable' as const)
  const { asked, pages, failures, waits } = await walk(undefined, ...down)
  t.strictSame(asked, [undefined, ...Array.from({ length: 8 }, () => 'a'), 'b'])
  t.strictSame(pages, ['first', 'a', 'b'], 'no page is read twice')
  t.strictSame(waits, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
  t.equal(failures.length, 7)
})

tap.test('begins with short waits again after a page that came', async (t) => {
  const { waits } = await walk(undefined, 'upstream_timeout', 'overloaded', undefined, 'upstream_auth_failed')
  t.strictSame(waits, [1000, 2000, 1000])
})

tap.test('begins anew where upstream refuses the token, and keeps the time of its first beginning', async (t) => {
  const { asked, pages, beganAt } = await walk(undefined, undefined, 'upstream_rejected')
  t.strictSame(asked, [undefined, 'a', 'b', undefined, 'a', 'b'])
  t.strictSame(pages, ['first', 'a', 'first', 'a', 'b'])
  t.equal(beganAt, 1000)
})

tap.test('regression: a token that was answered with nonsense for ever held the walk up for ever', async (t) => {
  const nonsense = Array.from({ length: 8 }, () => 'upstream_invalid_response' as const)
  const { asked } = await walk(undefined, ...nonsense)
  t.strictSame(asked, [undefined, ...Array.from({ length: 8 }, () => 'a'), undefined, 'a', 'b'])
})

tap.test('throws what no repetition helps against', async (t) => {
  await t.rejects(walk(undefined, new TypeError('a bug')), new TypeError('a bug'))
  t.match(await problemOf(walk('not_supported_by_integration')), { problem: 'not_supported_by_integration' })
})

tap.test('regression: tokens that go in a circle were followed for ever', async (t) => {
  const asked: (string | undefined)[] = []
  const next: Record<string, string> = { first: 'a', a: 'b', b: 'c', c: 'a' }
  const failure = await problemOf(
    paginate({
      async read(token) {
        asked.push(token)
        return { nextToken: next[token ?? 'first'] ?? null, date: 0 }
      },
      onPage() {},
      onFailure() {},
      rest: async () => {},
    }),
  )
  t.match(failure, { problem: 'upstream_invalid_response' })
  t.strictSame(asked, [undefined, 'a', 'b', 'c'])
})
