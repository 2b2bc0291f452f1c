import type { FastifyRequest } from 'fastify'
import tap from 'tap'
import { createReadContexts } from '../../src/routes/cached-reads.js'

const createContext = (headers: Record<string, string>) => {
  const request = { client: 'key:shop', headers, reading: null } as unknown as FastifyRequest
  const made = createReadContexts(10_000, () => 5000)(request)
  return { made, request }
}

tap.test('creates a read context with caller and deadline, and sets it on the request', async (t) => {
  const { made, request } = createContext({})
  t.equal(made.caller, 'key:shop')
  t.equal(made.deadline, 15_000)
  t.strictSame(made.directives, {})
  t.equal(request.readContext, made)
})

tap.test('parses Cache-Control as in RFC 9111', async (t) => {
  const directives = (value: string, more = {}) => createContext({ 'cache-control': value, ...more }).made.directives
  t.strictSame(directives('no-cache'), { noCache: true, onlyIfCached: false })
  t.strictSame(directives(' NO-CACHE ,Max-Age=5'), { noCache: true, onlyIfCached: false, maxAgeMs: 5000 })
  t.strictSame(directives('max-age="7", max-age=9'), { noCache: false, onlyIfCached: false, maxAgeMs: 7000 })
  t.strictSame(directives('only-if-cached'), { noCache: false, onlyIfCached: true })
  t.strictSame(directives('max-age=-1, max-age=, min-fresh=4'), { noCache: false, onlyIfCached: false })
  t.strictSame(directives(''), { noCache: false, onlyIfCached: false })
  t.strictSame(directives('no-cache', { 'if-none-match': '"x"' }), { noCache: false, onlyIfCached: false })
})
