import fc from 'fast-check'
import tap from 'tap'
import type { BasketCheck } from '../../src/basket/basket-result.js'
import { type BasketAnswer, combineBaskets } from '../../src/basket/group-basket.js'
import { type ProblemCode, problem, problemBody } from '../../src/errors.js'
import { runToEnd } from '../../src/steps.js'

const problemOf = (code: ProblemCode) => problemBody(problem(code, `It is ${code}.`), 'r1', undefined)
const skus = ['A', 'B', 'C']
const lines = skus.map((sku) => ({ sku, quantity: 2 }))

/** The check of a basket in one connection; a line is what is available, or why it has no answer. */
const basketOf = (fulfillable: boolean, ...given: (number | ProblemCode)[]): BasketCheck => ({
  fulfillable,
  lines: given.map((one, n) =>
    typeof one === 'number'
      ? { sku: skus[n] ?? '', requested: 2, available: one, fulfillable: one >= 2 }
      : { sku: skus[n] ?? '', requested: 2, available: 0, fulfillable: false, problem: problemOf(one) },
  ),
  shortages: fulfillable ? [] : [{ inventory_item_ids: ['i'], sku: 'A', required: 3, available: 1, shortfall: 2 }],
  complete: true,
  issues: [],
  as_of: '2026-11-23T10:00:00.000Z',
  stale: false,
})
const combine = (answers: readonly BasketAnswer[], unknown?: readonly string[]) =>
  runToEnd(combineBaskets(lines, answers, unknown))
const au = (basket: BasketCheck) => ({ connection: 'au', basket })
const us = (basket: BasketCheck) => ({ connection: 'us', basket })
const lost = { connection: 'us', problem: problemOf('upstream_unavailable') }

tap.test('is fulfillable if one connection can ship all of it, and lists the reply of each', async (t) => {
  const early = { ...basketOf(false, 1, 9, 9), as_of: '2026-11-23T09:00:00Z', stale: true }
  const combined = combine([au(early), us(basketOf(true, 2, 2, 2))])
  t.match(combined, {
    fulfillable: true,
    lines: [
      { sku: 'A', requested: 2, available: 3, fulfillable: true },
      { sku: 'B', available: 11, fulfillable: true },
      { sku: 'C', available: 11, fulfillable: true },
    ],
    shortages: [],
    complete: true,
    as_of: early.as_of,
    stale: true,
  })
  t.strictSame(combined.connections, [
    { connection: 'au', ...early, problem: null },
    { connection: 'us', ...basketOf(true, 2, 2, 2), problem: null },
  ])
})

tap.test('is not fulfillable by what two connections could only ship together', async (t) => {
  const combined = combine([au(basketOf(false, 2, 0, 1)), us(basketOf(false, 0, 2, 1))])
  t.equal(combined.fulfillable, false)
  t.strictSame(
    combined.lines.map(({ available, fulfillable }) => [available, fulfillable]),
    [
      [2, true],
      [2, true],
      [2, false],
    ],
  )
  t.strictSame(
    combined.shortages.map(({ connection }) => connection),
    ['au', 'us'],
  )
})

tap.test('a connection without an answer hides no answer of another, and is named', async (t) => {
  const combined = combine([au(basketOf(true, 5, 5, 5)), lost])
  t.match(combined, {
    fulfillable: true,
    lines: [{ available: 5, problem: undefined }],
    complete: false,
    issues: [{ code: 'connection_unanswered', connection: 'us' }],
    connections: [
      { connection: 'au', fulfillable: true, complete: true, problem: null },
      { connection: 'us', fulfillable: false, complete: false, lines: [], as_of: null, problem: lost.problem },
    ],
  })
})

tap.test('a line has a problem only if no connection has its SKU', async (t) => {
  const problemsOf = (...answers: BasketAnswer[]) => {
    const { lines: combined, complete } = combine(answers)
    return [complete, ...combined.map((line) => Object(line.problem).code)]
  }
  const none = 'product_not_found'
  t.strictSame(problemsOf(au(basketOf(false, 1, none, none)), us(basketOf(false, none, 1, none))), [
    true,
    undefined,
    undefined,
    none,
  ])
  t.strictSame(
    problemsOf(au(basketOf(false, 'sku_ambiguous', none, 'sku_ambiguous')), us(basketOf(false, 1, 1, none))),
    [false, undefined, undefined, 'sku_ambiguous'],
  )
  t.strictSame(problemsOf(au(basketOf(false, 1, none, 'sku_ambiguous')), lost), [
    false,
    undefined,
    'upstream_unavailable',
    'upstream_unavailable',
  ])
})

tap.test('a warehouse that no connection knows is an issue of each', async (t) => {
  const combined = combine([au(basketOf(false, 0, 0, 0)), us(basketOf(false, 0, 0, 0))], ['wh_x'])
  t.match(combined, { complete: false, connections: [{ complete: false }, { complete: false }] })
  t.strictSame(
    combined.issues.map(({ code, connection }) => [code, connection]),
    [
      ['warehouse_unknown', 'au'],
      ['warehouse_unknown', 'us'],
    ],
  )
})

const given = fc.oneof(fc.nat({ max: 4 }), fc.constantFrom<ProblemCode>('product_not_found', 'sku_ambiguous'))
const anyBasket = fc
  .tuple(fc.boolean(), fc.tuple(given, given, given))
  .map(([fulfillable, counts]) => basketOf(fulfillable && counts.every((one) => Number(one) >= 2), ...counts))
const anyAnswer = (connection: string) =>
  fc.oneof(
    anyBasket.map((basket): BasketAnswer => ({ connection, basket })),
    fc.constant<BasketAnswer>({ connection, problem: lost.problem }),
  )

tap.test('one connection alone is that connection', async () => {
  fc.assert(
    fc.property(anyBasket, (basket) => {
      const { connections, complete: _complete, issues: _issues, shortages, ...combined } = combine([au(basket)])
      const { complete: _own, issues: _none, shortages: ownShortages, ...own } = basket
      return (
        JSON.stringify(combined) === JSON.stringify(own) &&
        JSON.stringify(shortages) === JSON.stringify(ownShortages.map((one) => ({ ...one, connection: 'au' }))) &&
        JSON.stringify(connections) === JSON.stringify([{ connection: 'au', ...basket, problem: null }])
      )
    }),
  )
})

tap.test('another connection never takes a yes away, and the order only orders the replies', async () => {
  fc.assert(
    fc.property(anyBasket.map(au), anyAnswer('us'), (first, second) => {
      const [alone, both, reversed] = [combine([first]), combine([first, second]), combine([second, first])]
      const numbersOf = (one: BasketCheck) =>
        JSON.stringify([one.fulfillable, one.complete, one.lines.map(({ problem: _, ...line }) => line)])
      return (
        (both.fulfillable || !alone.fulfillable) &&
        alone.lines.every((line, n) => (both.lines[n]?.available ?? 0) >= line.available) &&
        numbersOf(both) === numbersOf(reversed) &&
        both.connections?.map(({ connection }) => connection).join() === 'au,us'
      )
    }),
  )
})
