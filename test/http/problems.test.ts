import Fastify from 'fastify'
import tap from 'tap'
import { problem } from '../../src/errors.js'
import problemDetails, { toProblem } from '../../src/http/problems.js'
import { validatorFactory } from '../../src/http/schema-compilers.js'

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

/** An application whose route `/:id` has a schema for each part of a request. */
async function startWithSchemas() {
  const app = Fastify({ schemaController: { compilersFactory: { buildValidator: validatorFactory as never } } })
  await app.register(problemDetails)
  const text = { type: 'string', maxLength: 3 }
  app.post(
    '/:id',
    {
      schema: {
        params: { type: 'object', properties: { id: text } },
        querystring: { type: 'object', properties: { limit: { type: 'integer' } }, additionalProperties: false },
        headers: { type: 'object', properties: { 'idempotency-key': text } },
        body: {
          type: 'object',
          required: ['sku', 'quantity'],
          properties: { sku: text, quantity: { type: 'integer' }, tags: { type: 'array', maxItems: 2, items: text } },
          additionalProperties: false,
        },
      },
    },
    ({ body }) => body,
  )
  return async (url: string, payload: unknown, headers: Record<string, string> = {}) =>
    (await app.inject({ method: 'POST', url, headers, payload: payload as object })).json()
}

tap.test('regression: a missing field hid unknown ones, and the body the query', async (t) => {
  const post = await startWithSchemas()
  const body = { skuu: 'A', quantity: '1', tags: ['abcd', 5, 'a', 'b'] }
  const reply = await post('/abcd?limit=ten&colour=red', body, { 'idempotency-key': 'long one' })
  t.equal(reply.code, 'validation_failed')
  t.strictSame(reply.errors.map(({ field }: { field: string }) => field).toSorted(), [
    'colour',
    'id',
    'idempotency-key',
    'limit',
    'quantity',
    'sku',
    'skuu',
    'tags',
    'tags[0]',
    'tags[1]',
  ])
  t.match(reply.detail, /^The path id must .*; the query parameter colour is not recognized; .*; and 5 more$/)
  t.match(await post('/abc', { sku: 'A', quantity: 1, tags: ['a'] }), { sku: 'A' })
  t.match(await post('/abc', null), { errors: [{ field: '', message: 'must be object' }], detail: /^The field body / })
})

tap.test('reports a bounded number of errors, whatever the size of the body', async (t) => {
  const post = await startWithSchemas()
  const unknown = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`field${n}`, n]))
  const reply = await post('/abc', { ...unknown, sku: 'A', tags: Array.from({ length: 50_000 }, () => 1) })
  t.equal(reply.errors.length, 100)
  const fields = reply.errors.map(({ field }: { field: string }) => field)
  t.ok(fields.includes('quantity'), 'name is required')
  t.notOk(fields.includes('sku'), 'valid fields are not reported')
})

tap.test('says which content type was sent and which is expected', async (t) => {
  const app = Fastify()
  await app.register(problemDetails)
  app.post('/', ({ body }) => ({ body }))
  const detailOf = async (type: string | undefined) => {
    const headers = type === undefined ? {} : { 'content-type': type }
    return (await app.inject({ method: 'POST', url: '/', headers, payload: 'a=b' })).json().detail
  }
  t.equal(
    await detailOf('application/x-www-form-urlencoded'),
    'Expected Content-Type: application/json, but got "application/x-www-form-urlencoded"',
  )
  t.equal(await detailOf(undefined), 'Expected Content-Type: application/json, but got none')
})
