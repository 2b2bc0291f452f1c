import tap from 'tap'
import { Compile } from 'typebox/compile'
import { isProblem, ProblemBody, type ProblemCode, problem, problemBody, problems } from '../src/errors.js'

const body = Compile(ProblemBody)
const codes = Object.keys(problems) as ProblemCode[]

tap.test('has a status and a title for every code', async (t) => {
  const statuses: Record<ProblemCode, number> = {
    validation_failed: 400,
    connection_required: 400,
    unauthorized: 401,
    forbidden: 403,
    product_not_found: 404,
    inventory_item_not_found: 404,
    warehouse_not_found: 404,
    connection_not_found: 404,
    route_not_found: 404,
    method_not_allowed: 405,
    not_acceptable: 406,
    request_timeout: 408,
    sku_ambiguous: 409,
    idempotency_conflict: 409,
    content_too_large: 413,
    uri_too_long: 414,
    unsupported_media_type: 415,
    misdirected_request: 421,
    upstream_rejected: 422,
    rate_limited: 429,
    headers_too_large: 431,
    internal_error: 500,
    not_supported_by_integration: 501,
    requires_mirror: 501,
    upstream_invalid_response: 502,
    upstream_auth_failed: 502,
    upstream_unavailable: 503,
    mirror_loading: 503,
    overloaded: 503,
    upstream_timeout: 504,
    not_cached: 504,
  }
  t.strictSame(Object.fromEntries(codes.map((code) => [code, problems[code].status])), statuses)
  for (const code of codes) {
    t.match(problems[code].title, /^[A-Z][^\n]+[^.]$/)
    const error = problem(code, 'what happened')
    t.match(error, { problem: code, statusCode: statuses[code], message: 'what happened', extras: {} })
    t.match(problemBody(error, 'req-1', '../docs/problems'), {
      status: statuses[code],
      title: problems[code].title,
      code,
    })
    t.ok(body.Check(problemBody(error, 'req-1', '../docs/problems')))
  }
})

tap.test('keeps the cause for the log and captures no stack trace', async (t) => {
  const cause = new Error('socket hang up')
  const error = problem('upstream_unavailable', 'The connection failed', { cause, retryAfter: 1 })
  t.ok(error instanceof Error)
  t.equal(error.cause, cause)
  t.strictSame(error.extras, { retryAfter: 1 })
  t.equal(error.stack, undefined)
  t.equal(problem('overloaded', 'x').cause, undefined)
})

tap.test('does not interpret percent signs in the detail', async (t) => {
  t.equal(problem('upstream_rejected', '100 %s of %d, %j, %%').message, '100 %s of %d, %j, %%')
})

tap.test('rejects an unknown code', async (t) => {
  t.throws(() => problem('constructor' as ProblemCode, 'x'), { message: 'Unknown problem code: constructor' })
})

tap.test('recognizes problems, by code if one is given', async (t) => {
  const error = problem('overloaded', 'x')
  t.equal(isProblem(error), true)
  t.equal(isProblem(error, 'overloaded'), true)
  t.equal(isProblem(error, 'not_cached'), false)
  for (const other of [new Error('x'), { problem: 'overloaded' }, 'overloaded', null, undefined]) {
    t.equal(isProblem(other), false)
  }
})

tap.test('sends the code, title, status and detail, but not the cause', async (t) => {
  const error = problem('product_not_found', 'Trackstar has no product with the SKU X', { cause: new Error('secret') })
  t.strictSame(problemBody(error, 'req-1', '../docs/problems'), {
    type: '../docs/problems#product_not_found',
    title: 'Product not found',
    status: 404,
    detail: 'Trackstar has no product with the SKU X',
    code: 'product_not_found',
    request_id: 'req-1',
  })
})

tap.test('sends the optional members, with `allow` only as a header', async (t) => {
  const errors = [{ field: 'limit', message: 'must be a number' }]
  const candidates = [
    { product_id: 'p1', name: null, warehouse_customer_id: 'c1', active: true },
    { product_id: 'p2', name: 'Honey', warehouse_customer_id: null, active: null },
  ]
  const extras = { errors, candidates, origin: 'integration', retryAfter: 0, allow: ['GET'] } as const
  const sent = problemBody(problem('sku_ambiguous', 'x', extras), 'req-1', undefined)
  t.match(sent, { errors, candidates, origin: 'integration', retry_after: 0 })
  t.notOk('allow' in sent, 'allow is a header')
  t.ok(body.Check(sent))
})
