import type { FastifyRouteSchemaDef } from 'fastify/types/schema.js'
import tap from 'tap'
import { validatorFactory } from '../../src/http/schema-compilers.js'

const schema = {
  type: 'object',
  properties: { limit: { type: 'integer' }, sku: { type: 'array', items: { type: 'string' } } },
  additionalProperties: false,
}
const validator = (httpPart: string) => {
  const route = { schema, httpPart, method: 'GET', url: '/' } as FastifyRouteSchemaDef<object>
  return (data: unknown) => {
    const result = validatorFactory()(route)(data)
    return result === true || Object(result).value !== undefined
  }
}

tap.test('coerces numbers and single values in a query', async (t) => {
  const isValid = validator('querystring')
  const query: Record<string, unknown> = { limit: '10', sku: 'A' }
  t.ok(isValid(query))
  t.strictSame(query, { limit: 10, sku: ['A'] })
  t.notOk(isValid({ limit: 'ten' }))
})

tap.test('does not coerce values in a body', async (t) => {
  const isValid = validator('body')
  t.ok(isValid({ limit: 10, sku: ['A'] }))
  t.notOk(isValid({ limit: '10' }))
  t.notOk(isValid({ sku: 'A' }))
})

tap.test('rejects unknown fields instead of dropping them', async (t) => {
  for (const part of ['body', 'querystring']) {
    const data = { limit: 1, more: 2 }
    t.notOk(validator(part)(data))
    t.strictSame(data, { limit: 1, more: 2 })
  }
})

tap.test('regression: an array in brackets, as axios sends it, was an unknown parameter', async (t) => {
  const isValid = validator('querystring')
  const ways: Record<string, unknown>[] = [
    { 'sku[]': ['A', 'B'] },
    { sku: 'A', 'sku[]': 'B' },
    { 'sku[0]': 'A', 'sku[1]': 'B' },
    { sku: ['A', 'B'] },
  ]
  for (const query of ways) {
    t.ok(isValid(query))
    t.strictSame(query, { sku: ['A', 'B'] })
  }
  for (const name of ['limit[]', 'sku[in]', 'sku[][]', 'sku[', 'more[]']) t.notOk(isValid({ [name]: '1' }), name)
  t.notOk(validator('body')({ 'sku[]': ['A'] }), 'a body names its fields exactly')
})
