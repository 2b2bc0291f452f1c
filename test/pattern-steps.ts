/** A part of a pattern: one character, a place, a group of ways, or a part that may be repeated. */
type Part =
  | { readonly kind: 'character'; readonly source: string; readonly fits: (character: string) => boolean }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' }
  | { readonly kind: 'ways'; readonly ways: readonly (readonly Part[])[] }
  | {
      readonly kind: 'repeat'
      readonly part: Part
      readonly min: number
      readonly max: number
      readonly isLazy: boolean
    }

/** A pattern taken apart. */
export interface Pattern {
  readonly ways: readonly (readonly Part[])[]
}

/** More than any linear pattern takes on what {@link hostileInputs} makes. */
const maxSteps = 300_000

const characters =
  /\\(?:[pP]\{[^}]*\}|x[\da-fA-F]{2}|u[\da-fA-F]{4}|[^\dkbB])|\[(?:\\.|[^\]\\])*\]|[^\\[\]()|*+?{}^$]/suy
const quantifier = /(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})(\?)?/y

/**
 * Takes a pattern apart. Knows no look-around and no back-reference, with which the steps of a match are not what is
 * counted here; throws where there is one, and for whatever else it does not know.
 */
export function parsePattern(source: string, flags = ''): Pattern {
  let at = 0
  const charFlags = flags.replaceAll(/[^iusv]/g, '')

  function ways(): (readonly Part[])[] {
    const all: Part[][] = [[]]
    for (; at < source.length && source[at] !== ')'; ) {
      if (source[at] === '|') {
        at++
        all.push([])
      } else all.at(-1)?.push(repeated(atom()))
    }
    return all
  }

  function atom(): Part {
    const sign = source[at]
    if (sign === '^' || sign === '$') {
      at++
      return { kind: sign === '^' ? 'start' : 'end' }
    }
    if (sign === '(') return group()
    characters.lastIndex = at
    const found = characters.exec(source)?.[0]
    if (found === undefined) throw new Error(`cannot read ${source} from ${at} on`)
    at += found.length
    const one = new RegExp(`^(?:${found})$`, charFlags)
    const known = new Map<string, boolean>()
    const fits = (character: string) => {
      const answer = known.get(character) ?? one.test(character)
      known.set(character, answer)
      return answer
    }
    return { kind: 'character', source: found, fits }
  }

  function group(): Part {
    const opening = /^\((?:\?:|\?<\w+>|(?!\?))/.exec(source.slice(at))?.[0]
    if (opening === undefined) throw new Error(`${source} has a group of an unknown kind at ${at}`)
    at += opening.length
    const part: Part = { kind: 'ways', ways: ways() }
    if (source[at] !== ')') throw new Error(`${source} has a group without an end`)
    at++
    return part
  }

  function repeated(part: Part): Part {
    quantifier.lastIndex = at
    const found = quantifier.exec(source)
    if (found === null) return part
    at += found[0].length
    const [, sign, least, comma, most] = found
    const min = sign === undefined ? Number(least) : Number(sign === '+')
    const open = sign === '*' || sign === '+' || (comma !== undefined && most === '')
    const max = open ? Number.POSITIVE_INFINITY : sign === '?' ? 1 : comma === undefined ? min : Number(most)
    return { kind: 'repeat', part, min, max, isLazy: found[5] !== undefined }
  }

  const all = ways()
  if (at < source.length) throw new Error(`${source} ends before ${at}`)
  return { ways: all }
}

/**
 * How many parts are tried, one after the other, by an engine that goes back and tries otherwise until it finds the
 * pattern or has tried all: what V8 does at worst. Infinite beyond some hundred thousand.
 */
export function stepsOn({ ways }: Pattern, input: string): number {
  const text = Array.from(input)
  let steps = 0
  type Next = (at: number) => boolean

  const anyOf = (all: readonly (readonly Part[])[], at: number, next: Next) =>
    all.some((parts) => inTurn(parts, 0, at, next))

  const inTurn = (parts: readonly Part[], index: number, at: number, next: Next): boolean => {
    const part = parts[index]
    return part === undefined ? next(at) : one(part, at, (after) => inTurn(parts, index + 1, after, next))
  }

  const one = (part: Part, at: number, next: Next): boolean => {
    if (++steps > maxSteps) throw new RangeError('too many steps')
    if (part.kind === 'start') return at === 0 && next(at)
    if (part.kind === 'end') return at === text.length && next(at)
    if (part.kind === 'ways') return anyOf(part.ways, at, next)
    if (part.kind === 'repeat') return again(part, 0, at, next)
    const character = text[at]
    return character !== undefined && part.fits(character) && next(at + 1)
  }

  const again = (part: Part & { kind: 'repeat' }, times: number, at: number, next: Next): boolean => {
    // What has matched nothing is not tried again.
    const more = () =>
      times < part.max && one(part.part, at, (after) => after > at && again(part, times + 1, after, next))
    const enough = () => times >= part.min && next(at)
    return part.isLazy ? enough() || more() : more() || enough()
  }

  try {
    for (let start = 0; start <= text.length; start++) if (anyOf(ways, start, () => true)) break
  } catch (error) {
    if (error instanceof RangeError) return Number.POSITIVE_INFINITY
    throw error
  }
  return steps
}

const pool = Array.from({ length: 95 }, (_, n) => String.fromCharCode(32 + n)).concat('\n', '\u00e9', '\ud800')

/**
 * Inputs that are long by `times` and hard for this pattern: a beginning that it matches, something that one of its parts
 * repeats, and an end by which all is in vain.
 */
export function* hostileInputs(pattern: Pattern, times: number): Generator<string> {
  const letters = new Set<string>()
  const beginnings = new Set([''])
  const collect = (ways: readonly (readonly Part[])[], before: string): void => {
    for (const parts of ways) {
      let sample = before
      for (const part of parts) {
        const inner = part.kind === 'repeat' ? part.part : part
        if (part.kind === 'repeat') beginnings.add(sample)
        if (inner.kind === 'ways') collect(inner.ways, sample)
        if (inner.kind === 'character') letters.add(letterFor(inner))
        sample += sampleOf(part)
        if (part.kind === 'repeat') beginnings.add(sample)
      }
      beginnings.add(sample)
    }
  }
  collect(pattern.ways, '')
  const some = Array.from(letters).slice(0, 7)
  const pairs = some.flatMap((first) => some.map((second) => first + second))
  const stranger = pool.find((letter) => !some.includes(letter)) ?? '\0'
  for (const pump of new Set([...some, ...pairs, ...beginnings])) {
    if (pump === '') continue
    for (const beginning of beginnings) {
      for (const end of ['', stranger, '\n']) yield beginning + pump.repeat(times) + end
    }
  }
}

const letterFor = ({ fits }: Part & { kind: 'character' }) => pool.find(fits) ?? '\0'

/** The shortest text that a part matches, or near it; once where it may be left out. */
function sampleOf(part: Part): string {
  if (part.kind === 'character') return letterFor(part)
  if (part.kind === 'ways') return (part.ways[0] ?? []).map(sampleOf).join('')
  return part.kind === 'repeat' ? sampleOf(part.part).repeat(Math.max(1, part.min)) : ''
}
