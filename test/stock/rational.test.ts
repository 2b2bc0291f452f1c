import fc from 'fast-check'
import t from 'tap'
import {
  compare,
  type Exact,
  floorOver,
  larger,
  minus,
  over,
  plus,
  smaller,
  times,
  toNumber,
} from '../../src/stock/rational.js'

const { MAX_SAFE_INTEGER, MIN_SAFE_INTEGER } = Number

/** A decimal of up to 15 digits, and its exact value in units of 10^-20. */
const decimal = fc
  .tuple(fc.integer({ min: -(10 ** 15) + 1, max: 10 ** 15 - 1 }), fc.integer({ min: -20, max: 20 }))
  .map(([digits, exponent]) => ({
    number: Number(`${digits}e${exponent}`),
    scaled: BigInt(digits) * 10n ** BigInt(exponent + 20),
  }))
const positive = decimal.filter(({ number }) => number > 0)
const safeInteger = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -20, max: 20 }))
const asRational = (integer: number): Exact => ({ numerator: BigInt(integer), denominator: 1n })
const floorOf = (a: bigint, b: bigint): bigint => (a - (((a % b) + b) % b)) / b
const clamped = (a: bigint): number =>
  a > MAX_SAFE_INTEGER ? MAX_SAFE_INTEGER : a < MIN_SAFE_INTEGER ? MIN_SAFE_INTEGER : Number(a)

t.test('reads a number as the decimal it is written as', async (t) => {
  t.equal(toNumber(plus(0.1, 0.2)), 0.3)
  t.equal(toNumber(minus(0.3, 0.1)), 0.2)
  t.equal(toNumber(times(0.1, 3)), 0.3)
  t.equal(toNumber(floorOver(3, 0.1)), 30)
  t.equal(toNumber(floorOver(0.3, 0.1)), 3)
  t.equal(toNumber(floorOver(1e21, 1e21)), 1)
  t.equal(toNumber(floorOver(1e-7, 1e-7)), 1)
  t.equal(toNumber(plus(5e-324, 5e-324)), 1e-323)
})

t.test('rounds down', async (t) => {
  t.equal(toNumber(floorOver(7, 2)), 3)
  t.equal(toNumber(floorOver(-7, 2)), -4)
  t.equal(toNumber(floorOver(-0.7, 0.2)), -4)
  t.equal(toNumber(floorOver(-0.8, 0.2)), -4)
  t.equal(toNumber(floorOver(0.7, 0.2)), 3)
})

t.test('stays exact beyond the precision of doubles', async (t) => {
  t.equal(toNumber(minus(plus(MAX_SAFE_INTEGER, 2), 2)), MAX_SAFE_INTEGER)
  t.equal(toNumber(floorOver(times(MAX_SAFE_INTEGER, 3), MAX_SAFE_INTEGER)), 3)
  t.equal(compare(plus(MAX_SAFE_INTEGER, 2), plus(MAX_SAFE_INTEGER, 3)), -1)
  t.equal(compare(plus(MAX_SAFE_INTEGER, 3), plus(MAX_SAFE_INTEGER, 2)), 1)
  t.equal(compare(plus(0.1, 0.2), 0.3), 0)
})

t.test('limits numbers to safe integers and has no -0', async (t) => {
  t.equal(toNumber(1e300), MAX_SAFE_INTEGER)
  t.equal(toNumber(-1e300), MIN_SAFE_INTEGER)
  t.equal(toNumber(times(1e300, 1e300)), MAX_SAFE_INTEGER)
  t.equal(toNumber(times(1e300, -1e300)), MIN_SAFE_INTEGER)
  t.ok(Object.is(toNumber(-0), 0))
  t.ok(Object.is(toNumber(floorOver(-0, 3)), 0))
  t.ok(Object.is(toNumber(minus(0.1, 0.1)), 0))
  t.ok(Object.is(toNumber(times(-5e-324, 5e-324)), 0))
})

t.test('compares numbers', async (t) => {
  t.equal(larger(1, 2), 2)
  t.equal(larger(2, 1), 2)
  t.equal(smaller(1, 2), 1)
  t.equal(smaller(2, 1), 1)
  t.equal(compare(2, 2), 0)
})

t.test('agrees with integer arithmetic at a common scale', async () => {
  fc.assert(
    fc.property(decimal, decimal, (a, b) => {
      const sameValue = (exact: Exact, scaled: bigint, scale: bigint) =>
        compare(exact, { numerator: scaled, denominator: scale }) === 0
      const scale = 10n ** 20n
      return (
        sameValue(plus(a.number, b.number), a.scaled + b.scaled, scale) &&
        sameValue(minus(a.number, b.number), a.scaled - b.scaled, scale) &&
        sameValue(times(a.number, b.number), a.scaled * b.scaled, scale * scale) &&
        compare(a.number, b.number) === (a.scaled < b.scaled ? -1 : a.scaled > b.scaled ? 1 : 0)
      )
    }),
  )
  fc.assert(
    fc.property(decimal, positive, decimal, (a, b, c) => {
      const floored = toNumber(floorOver(a.number, b.number))
      const sum = plus(over(a.number, b.number), c.number)
      return (
        floored === clamped(floorOf(a.scaled, b.scaled)) &&
        compare(sum, {
          numerator: a.scaled * 10n ** 20n + c.scaled * b.scaled,
          denominator: b.scaled * 10n ** 20n,
        }) === 0
      )
    }),
  )
})

t.test('round-trips every number within the limits', async () => {
  fc.assert(
    fc.property(fc.double({ min: MIN_SAFE_INTEGER, max: MAX_SAFE_INTEGER, noNaN: true }), (number) => {
      const exact = plus(number, { numerator: 0n, denominator: 1n })
      return toNumber(exact) === number && toNumber(number) === number
    }),
  )
})

t.test('gives the same result with and without the safe integer path', async () => {
  fc.assert(
    fc.property(safeInteger, safeInteger, (a, b) => {
      const same = (fast: Exact, slow: Exact) => compare(fast, slow) === 0 && toNumber(fast) === toNumber(slow)
      const [x, y] = [asRational(a), asRational(b)]
      return same(plus(a, b), plus(x, y)) && same(minus(a, b), minus(x, y)) && same(times(a, b), times(x, y))
    }),
  )
  fc.assert(
    fc.property(
      safeInteger,
      safeInteger.filter((units) => units > 0),
      (a, units) => {
        const fast = toNumber(floorOver(a, units))
        return (
          fast === toNumber(floorOver(asRational(a), asRational(units))) &&
          fast === Number(floorOf(BigInt(a), BigInt(units)))
        )
      },
    ),
  )
})

t.test('floors quotients next to an integer, up to the largest safe one', async () => {
  const beside = fc.tuple(fc.integer({ min: 1, max: 2 ** 27 }), fc.integer({ min: 1, max: 2 ** 26 - 1 }), fc.boolean())
  fc.assert(
    fc.property(beside, fc.constantFrom(-1, 0, 1), ([units, yielded, negative], step) => {
      const amount = (negative ? -1 : 1) * units * yielded + step
      return toNumber(floorOver(amount, units)) === Number(floorOf(BigInt(amount), BigInt(units)))
    }),
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 30 }), fc.integer({ min: 0, max: 3 }), (units, step) => {
      const multiple = Math.floor(MAX_SAFE_INTEGER / units) * units
      return [multiple - step, -multiple + step].every(
        (amount) => floorOver(amount, units) === Number(floorOf(BigInt(amount), BigInt(units))),
      )
    }),
  )
})
