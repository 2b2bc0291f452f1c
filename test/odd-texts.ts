import fc, { type StringConstraints } from 'fast-check'

/** Texts of 1 to 255 characters with a special meaning elsewhere that are valid SKUs and ids here. */
export const oddTexts = [
  ' ',
  '.',
  '..',
  '../..',
  '/',
  '//',
  '\\',
  '*',
  '%',
  '%00',
  '%2e%2e%2f',
  '\0',
  '__proto__',
  'constructor',
  'toString',
  'undefined',
  'null',
  '[object Object]',
  'a&sku[in]=b',
  'a&limit=1',
  'a?x=1',
  'a#b',
  'a;b',
  'a b+c',
  'e\u0301'.repeat(127),
  '{{7*7}}',
  "' OR 1=1 --",
  '<script>',
] as const

const surrogates = { first: 0xd800, count: 0x800 }

/**
 * Any character but half of a surrogate pair. Fast-check's own `binary` is the same, but takes two seconds to build a map of
 * all characters, which it needs for no more than finding the number of one.
 */
const anyCharacter = fc.nat({ max: 0x10ffff - surrogates.count }).map(
  (n) => String.fromCodePoint(n < surrogates.first ? n : n + surrogates.count),
  (character) => {
    const point = typeof character === 'string' ? (character.codePointAt(0) ?? -1) : -1
    if (point < 0 || String.fromCodePoint(point) !== character) throw new Error('expected one character')
    return point < surrogates.first ? point : point - surrogates.count
  },
)

/** Any text: of any characters, and of names with a meaning in JavaScript. */
export const anyText = (constraints: Pick<StringConstraints, 'minLength' | 'maxLength'> = {}) =>
  fc.string({ ...constraints, unit: anyCharacter })
