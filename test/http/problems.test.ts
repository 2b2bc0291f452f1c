import tap from 'tap'
import { problem } from '../../src/errors.js'
import { toProblem } from '../../src/http/problems.js'

const invalid = (validationContext: string | undefined, entry: object) =>
  toProblem({
    statusCode: 400,
    message: 'not valid',
    validationContext,
    validation: [
      { keyword: 'type', instancePath: '', schemaPath: '', params: {}, message: 'must be string', ...entry },
    ],
  })

tap.test('returns a problem unchanged', async (t) => {
  const ours = problem('overloaded', 'too much', { retryAfter: 2 })
  t.equal(toProblem(ours), ours)
})

tap.test('names the invalid field as the caller sent it', async (t) => {
  const field = (context: string | undefined, entry: object) => invalid(context, entry).extras.errors
  t.strictSame(field('body', { instancePath: '/skus/3' }), [{ field: 'skus[3]', message: 'must be string' }])
  t.strictSame(field('body', { instancePath: '/lines/0/sku' }), [{ field: 'lines[0].sku', message: 'must be string' }])
  t.strictSame(field('querystring', { instancePath: '/sku[in]' }), [{ field: 'sku[in]', message: 'must be string' }])
  t.strictSame(field('querystring', { instancePath: '/sku/in' }), [{ field: 'sku[in]', message: 'must be string' }])
  t.strictSame(field('body', { instancePath: '/a~1b~0c' }), [{ field: 'a/b~c', message: 'must be string' }])
  t.strictSame(field('body', { keyword: 'additionalProperties', params: { additionalProperty: 'x' } }), [
    { field: 'x', message: 'is not recognized' },
  ])
  t.strictSame(field('querystring', { keyword: 'required', params: { missingProperty: 'sku' } }), [
    { field: 'sku', message: 'is required' },
  ])
  t.strictSame(field('body', { keyword: 'enum', message: undefined, params: { allowedValues: ['a', 'b'] } }), [
    { field: '', message: 'is not valid: a, b' },
  ])
})

tap.test('names the part of the request', async (t) => {
  t.equal(invalid('querystring', { instancePath: '/a' }).message, 'The query parameter a must be string')
  t.equal(invalid('params', { instancePath: '/sku' }).message, 'The path sku must be string')
  t.equal(invalid('body', { instancePath: '/a' }).message, 'The field a must be string')
  t.equal(invalid(undefined, {}).message, 'The field body must be string')
})

tap.test("maps Fastify's errors by status", async (t) => {
  const codeOf = (statusCode: number) => toProblem(Object.assign(new Error('said so'), { statusCode })).problem
  t.equal(codeOf(408), 'request_timeout')
  t.equal(codeOf(413), 'content_too_large')
  t.equal(codeOf(414), 'uri_too_long')
  t.equal(codeOf(415), 'unsupported_media_type')
  t.equal(codeOf(431), 'headers_too_large')
  t.equal(codeOf(418), 'validation_failed')
  t.equal(toProblem({ statusCode: 400 }).message, 'Invalid request')
})

tap.test('reveals nothing about an internal error', async (t) => {
  const cause = new TypeError('the inside of things')
  const found = toProblem(cause)
  t.equal(found.problem, 'internal_error')
  t.notMatch(found.message, /inside/)
  t.equal(found.cause, cause)
  t.equal(toProblem(Object.assign(new Error('x'), { statusCode: 503 })).problem, 'internal_error')
  t.equal(toProblem('a text').problem, 'internal_error')
})
