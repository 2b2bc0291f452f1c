/** A fraction of two integers, not necessarily reduced; `denominator` is above zero. */
export interface Rational {
  readonly numerator: bigint
  readonly denominator: bigint
}

/**
 * An exact number. A JavaScript number means the decimal it is written as: 0.1 is one tenth, not the nearest double. Safe
 * integers, which nearly all quantities are, take a path without BigInt and without allocation.
 */
export type Exact = number | Rational

/** a + b */
export function plus(a: Exact, b: Exact): Exact {
  if (isSafe(a) && isSafe(b)) {
    const sum = a + b
    if (Number.isSafeInteger(sum)) return sum
  }
  const x = toRational(a)
  const y = toRational(b)
  return x.denominator < y.denominator ? add(y, x) : add(x, y)
}

/** a − b */
export function minus(a: Exact, b: Exact): Exact {
  return typeof b === 'number' ? plus(a, -b) : plus(a, { ...b, numerator: -b.numerator })
}

/** a · b */
export function times(a: Exact, b: Exact): Exact {
  if (isSafe(a) && isSafe(b)) {
    const product = a * b
    if (Number.isSafeInteger(product)) return product
  }
  const x = toRational(a)
  const y = toRational(b)
  return { numerator: x.numerator * y.numerator, denominator: x.denominator * y.denominator }
}

/** a / b; b must be above zero. */
export function over(a: Exact, b: Exact): Exact {
  if (b === 1) return a
  const x = toRational(a)
  const y = toRational(b)
  return { numerator: x.numerator * y.denominator, denominator: x.denominator * y.numerator }
}

/** The largest integer that is at most a / b; b must be above zero. */
export function floorOver(a: Exact, b: Exact): Exact {
  // The nearest double of a quotient of safe integers is never an integer above the quotient itself.
  if (isSafe(a) && isSafe(b)) return b === 1 ? a : Math.floor(a / b)
  const { numerator, denominator } = toRational(over(a, b))
  const quotient = numerator / denominator
  const rest = numerator % denominator
  return { numerator: rest < 0n ? quotient - 1n : quotient, denominator: 1n }
}

/** Negative if a < b, positive if a > b, else zero. */
export function compare(a: Exact, b: Exact): number {
  // The order of two doubles is the order of their shortest decimals.
  if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : a > b ? 1 : 0
  const { numerator } = toRational(minus(a, b))
  return numerator < 0n ? -1 : numerator > 0n ? 1 : 0
}

/** The larger of the two. */
export const larger = (a: Exact, b: Exact): Exact => (compare(a, b) < 0 ? b : a)

/** The smaller of the two. */
export const smaller = (a: Exact, b: Exact): Exact => (compare(a, b) > 0 ? b : a)

/** The nearest number, limited to ±`Number.MAX_SAFE_INTEGER`; never -0. */
export function toNumber(a: Exact): number {
  if (isSafe(a)) return a === 0 ? 0 : a
  const nearest = typeof a === 'number' ? a : nearestNumber(a)
  return Math.min(Math.max(nearest, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER) + 0
}

const isSafe = (value: Exact): value is number => Number.isSafeInteger(value)

/** a + b, where the denominator of `b` is not the larger one: for decimals it always divides the other. */
function add(a: Rational, b: Rational): Rational {
  if (a.denominator % b.denominator === 0n) {
    return { ...a, numerator: a.numerator + b.numerator * (a.denominator / b.denominator) }
  }
  return {
    numerator: a.numerator * b.denominator + b.numerator * a.denominator,
    denominator: a.denominator * b.denominator,
  }
}

/** `value` as a fraction, not reduced. */
export function toRational(value: Exact): Rational {
  if (typeof value !== 'number') return value
  const [significand = '', exponent] = value.toExponential().split('e')
  const [whole = '', decimals = ''] = significand.split('.')
  const digits = BigInt(whole + decimals)
  const power = Number(exponent) - decimals.length
  return power < 0
    ? { numerator: digits, denominator: 10n ** BigInt(-power) }
    : { numerator: digits * 10n ** BigInt(power), denominator: 1n }
}

function nearestNumber({ numerator, denominator }: Rational): number {
  // 25 digits decide any double, except a tie that takes more digits to break.
  const places = Math.max(0, denominator.toString().length - numerator.toString().length + 25)
  return Number(`${(numerator * 10n ** BigInt(places)) / denominator}e-${places}`)
}
