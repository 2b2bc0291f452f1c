import tap from 'tap'
import type { UpstreamAnswer } from '../../src/trackstar/transport.js'
import { invalidResponse, toProblem } from '../../src/trackstar/upstream-errors.js'

const answer = (status: number, body?: unknown, headers: UpstreamAnswer['headers'] = {}): UpstreamAnswer => ({
  status,
  headers,
  body,
})
const errorBody = (error: unknown, origin?: unknown) => ({ error, origin })
const noon = Date.parse('2026-03-01T12:00:00Z')
const httpDate = (ms: number) => new Date(ms).toUTCString()

tap.test('maps every status to an error of this service', async (t) => {
  const table: [number, string, number][] = [
    [400, 'upstream_rejected', 422],
    [401, 'upstream_auth_failed', 502],
    [403, 'upstream_auth_failed', 502],
    [404, 'upstream_invalid_response', 502],
    [409, 'upstream_invalid_response', 502],
    [414, 'upstream_rejected', 422],
    [422, 'upstream_rejected', 422],
    [429, 'upstream_unavailable', 503],
    [431, 'upstream_rejected', 422],
    [500, 'upstream_unavailable', 503],
    [501, 'not_supported_by_integration', 501],
    [502, 'upstream_unavailable', 503],
    [503, 'upstream_unavailable', 503],
    [504, 'upstream_unavailable', 503],
    [599, 'upstream_unavailable', 503],
    [301, 'upstream_invalid_response', 502],
  ]
  for (const [status, problem, statusCode] of table) {
    t.match(toProblem(answer(status, errorBody('no', 'trackstar'))), {
      problem,
      statusCode,
      cause: { message: `upstream answered ${status}: no` },
    })
  }
})

tap.test('passes on what upstream says about the request', async (t) => {
  const rejected = toProblem(answer(422, errorBody('Unknown filter field: colour', 'trackstar')))
  t.equal(rejected.message, 'Unknown filter field: colour')
  t.strictSame(rejected.extras, { origin: 'trackstar' })
  const wrong = toProblem(answer(400, errorBody('100 %s, no %d', 'integration')))
  t.equal(wrong.message, '100 %s, no %d')
  t.strictSame(wrong.extras, { origin: 'integration' })
  const missing = toProblem(answer(501, errorBody('The ledger is off')))
  t.equal(missing.message, 'The connected warehouse system does not support this operation: The ledger is off')
  t.strictSame(missing.extras, { origin: 'trackstar' })
})

tap.test('passes on nothing else that upstream says', async (t) => {
  const secret = 'key sk_live_1 is not known'
  const headers = { 'x-trackstar-api-key': 'sk_live_2', 'set-cookie': ['sk_live_3'] }
  for (const status of [401, 403, 404, 409, 429, 500, 502, 503, 504]) {
    const problem = toProblem(answer(status, errorBody(secret, 'integration'), headers))
    t.notMatch(`${problem.message} ${JSON.stringify(problem.extras)}`, /sk_live|integration/)
    t.match(problem.cause, { message: `upstream answered ${status}: ${secret}` }, 'it is logged')
    t.notMatch(String(problem.cause), /sk_live_[23]/)
  }
})

tap.test("reads only Trackstar's own JSON errors", async (t) => {
  const foreign = [
    undefined,
    null,
    'text',
    7,
    [],
    {},
    [errorBody('no', 'trackstar')],
    errorBody('', 'trackstar'),
    errorBody(42, 'trackstar'),
    errorBody({ code: 'x' }, 'trackstar'),
    errorBody('Forbidden', 'gateway'),
    { message: 'Forbidden' },
    { timestamp: 1, status: 403, error: 'Forbidden', path: '/' },
  ]
  for (const status of [400, 401, 403, 404, 409, 422, 501]) {
    for (const body of foreign) {
      const isCapabilityGap = status === 501 && Object(body).error === 'Forbidden' && Object(body).origin === undefined
      const problem = isCapabilityGap ? 'not_supported_by_integration' : 'upstream_invalid_response'
      t.match(toProblem(answer(status, body)), { problem }, `${status} ${JSON.stringify(body)}`)
    }
  }
  t.match(toProblem(answer(501, errorBody('no', null))), { problem: 'not_supported_by_integration' })
})

tap.test('truncates long texts', async (t) => {
  const long = 'x'.repeat(501)
  t.equal(toProblem(answer(422, errorBody(long, 'trackstar'))).message, 'x'.repeat(500))
  t.match(toProblem(answer(501, errorBody(long, 'integration'))).message, /: x{500}$/)
  t.match(toProblem(answer(503, errorBody(long))).cause, { message: /: x{500}$/ })
})

tap.test('says when to retry: as requested on a 429 and a 503, otherwise after a second', async (t) => {
  const retryAfter = (status: number, headers: UpstreamAnswer['headers']) =>
    toProblem(answer(status, undefined, headers)).extras.retryAfter
  for (const status of [429, 503]) {
    t.equal(retryAfter(status, {}), 1)
    t.equal(retryAfter(status, { 'retry-after': '7' }), 7)
    t.equal(retryAfter(status, { 'retry-after': '1.2' }), 2)
    t.equal(retryAfter(status, { 'retry-after': '0' }), 1)
    t.equal(retryAfter(status, { 'retry-after': '3600' }), 60)
    t.equal(retryAfter(status, { 'retry-after': httpDate(noon + 5000), date: httpDate(noon) }), 5)
    t.equal(retryAfter(status, { 'retry-after': httpDate(noon + 5000) }), 1, 'upstream sends no date')
    t.equal(retryAfter(status, { 'retry-after': 'later' }), 1)
    const dated = answer(status, undefined, { 'retry-after': httpDate(noon + 5000) })
    t.equal(toProblem(dated, noon).extras.retryAfter, 5)
  }
  for (const status of [500, 502, 504]) t.equal(retryAfter(status, { 'retry-after': '7' }), 1)
})

tap.test('reports what is wrong with a success, and why', async (t) => {
  t.match(invalidResponse('/wms/products', { path: '/data', message: 'must be array' }), {
    problem: 'upstream_invalid_response',
    message: "In Trackstar's response, /data must be array",
    cause: { message: /\/wms\/products/ },
  })
  const unreadable = invalidResponse('/wms/x', { path: '', message: 'must be JSON' })
  t.equal(unreadable.message, "In Trackstar's response, the body must be JSON")
})
