import fc from 'fast-check'
import tap from 'tap'
import { operationsOf } from '../../openapi/document.js'
import { Expectations } from './fuzz/expectations.js'
import { contract, startFuzzHarness } from './fuzz/fuzz-harness.js'
import { type FuzzedRequest, requestsOf } from './fuzz/odd-requests.js'
import { faultsOfCall } from './fuzz/upstream-calls.js'
import type { WireAnswer } from './wire.js'

/** Set to the seed that a failure has printed, to repeat it. */
const seed = Number(process.env['FUZZ_SEED']) || undefined

tap.test('answers random requests as documented and sends upstream nothing that a caller smuggled in', async (t) => {
  const { known, send } = await startFuzzHarness(t)
  const succeeded = new Set<string>()
  await fc.assert(
    fc.asyncProperty(requestsOf(contract, known), async (request) => {
      const { status = 0, destination, faults, callFaults } = await send(request)
      if (status > 0 && status < 300) succeeded.add(`${destination?.method} ${destination?.path}`)
      const all = [...faults, ...callFaults]
      if (all.length > 0) throw new Error(all.join('\n'))
    }),
    { numRuns: 1500, ...(seed !== undefined && { seed }) },
  )
  for (const { method, path } of operationsOf(contract)) {
    t.ok(succeeded.has(`${method} ${path}`), `${method} ${path} was also requested with an existing value`)
  }
})

const expectations = new Expectations(contract)
const faultsOf = (fields: Partial<FuzzedRequest>, answer: Partial<WireAnswer>, more = {}) => {
  const request = {
    method: 'GET',
    target: '/livez',
    key: 'write',
    keyBy: 'x-api-key',
    isSigned: false,
    ...fields,
  } as const
  const headers = [
    ['x-request-id', 'mine'],
    ['content-type', answer.status === 200 ? 'application/json' : 'application/problem+json'],
    ['cache-control', 'no-store'],
    ...(answer.headers ?? []),
  ] as const
  const whole = { status: 200, body: Buffer.from('{"status":"ok"}'), ...answer, headers }
  return expectations.faultsOf(request, { answers: [whole], rest: '', fault: undefined, ...more })
}
const problem = (status: number, more = {}) => {
  const rest = { type: '/', title: 'No', detail: 'No', code: 'validation_failed', request_id: 'mine' }
  return { status, body: Buffer.from(JSON.stringify({ ...rest, status, ...more })) }
}

tap.test('the response check accepts documented responses', async (t) => {
  t.same(faultsOf({}, { status: 200 }), [])
  t.same(faultsOf({ target: '/stock?sku=A' }, problem(422)), [])
  t.same(faultsOf({ target: 'http://test/%6civez#a' }, { status: 200 }), [], 'in any spelling')
  t.same(faultsOf({ target: '/nowhere' }, problem(404)), [])
  t.same(faultsOf({ method: 'HEAD' }, { status: 200, body: Buffer.alloc(0) }), [])
  t.same(faultsOf({ method: 'DELETE' }, { ...problem(405), headers: [['allow', 'GET']] }), [])
  t.same(faultsOf({ method: 'PUT', target: '/inventory/a/adjust', key: 'read' }, problem(403)), [])
})

tap.test('the response check reports undocumented responses', async (t) => {
  const finds = (faults: string[], expected: RegExp) => t.match(faults.join('\n'), expected)
  finds(faultsOf({}, problem(500)), /answered 500/)
  finds(faultsOf({}, problem(503)), /not documented/)
  finds(faultsOf({ target: '/stock?sku=A' }, { status: 200 }), /must have required property/)
  finds(faultsOf({ target: '/stock?sku=A' }, problem(422, { stack: 'a' })), /must NOT have additional properties/)
  finds(faultsOf({ target: '/stock?sku=A' }, problem(422, { detail: 'TypeError: x' })), /reveals internals/)
  finds(faultsOf({ target: '/nowhere' }, { status: 200 }), /elsewhere answered 200/)
  finds(faultsOf({ method: 'DELETE' }, problem(405)), /which methods/)
  finds(faultsOf({ target: '/status', key: 'unknown' }, { status: 200 }), /without permission/)
  finds(faultsOf({ target: '/status', keyBy: 'twice' }, { status: 200 }), /without permission/)
  finds(faultsOf({ method: 'PUT', target: '/inventory/a/adjust', key: 'read' }, { status: 200 }), /without permission/)
  finds(faultsOf({ method: 'POST', target: '/webhooks/trackstar' }, { status: 204 }), /without permission/)
  finds(faultsOf({}, { status: 200, headers: [['x-injected', '1']] }), /that the caller wrote/)
  finds(faultsOf({}, { status: 200, headers: [['location', '/x-injected']] }), /that the caller wrote/)
  finds(faultsOf({}, { status: 200, headers: [['x-request-id', 'a b']] }), /no one X-Request-Id/)
  finds(faultsOf({}, { status: 200, headers: [['access-control-allow-origin', '*']] }), /pages of \* are let in/)
  finds(faultsOf({}, { status: 200 }, { rest: 'HTTP/1.1 400' }), /more than an answer/)
  finds(faultsOf({}, { status: 200 }, { answers: [] }), /no answer/)
  finds(faultsOf({}, { status: 200 }, { fault: 'late' }), /late/)
})

tap.test('the check of upstream calls reports everything that a caller has added', async (t) => {
  const headers = { accept: 'application/json', 'x-trackstar-api-key': 'sandbox-api-key' }
  const faultsOfGet = (url: string, more = {}, method = 'GET') => {
    const [path = '', query] = url.split('?')
    return faultsOfCall({ method, url, path, query: new URLSearchParams(query), headers: { ...headers, ...more } })
  }
  for (const url of ['/wms/products?sku%5Bin%5D=A', '/wms/inventory/a%2C..%2Fb', '/wms/inventory?active%5Beq%5D=1']) {
    t.same(faultsOfGet(url), [], url)
  }
  const wrong = [
    '/wms/orders',
    '/wms/products/prod_cup',
    '/wms/inventory/..',
    '/wms/inventory/a/b',
    '/wms/inventory/%2e%2e%zz',
    '/wms/inventory/a?limit=1',
    '/wms/products?active=1',
    '/wms/products?sku=A&sku=B',
    '/wms/products?sku=A"',
    '//wms/products',
  ]
  for (const url of wrong) t.equal(faultsOfGet(url).length, 1, url)
  t.equal(faultsOfGet('/wms/products', {}, 'DELETE').length, 1)
  for (const header of ['cookie', 'x-forwarded-for', 'content-type', 'idempotency-key', 'authorization']) {
    t.equal(faultsOfGet('/wms/products', { [header]: 'a' }).length, 1, header)
  }
  t.equal(faultsOfGet('/wms/products', { 'x-trackstar-access-token': 'injected' }).length, 1)
})
