import type { SandboxOptions } from './sandbox.js'

/** One of several connections: its name in the demo, and its options. */
export interface NamedConnection {
  readonly name: string
  readonly options: SandboxOptions
}

/** Most connections that {@link severalConnections} names. */
export const maxConnections = 99

/**
 * The options of `count` connections named `one`, `two` and so on. The first is the one that a sandbox has otherwise; each of
 * the others has a token, an id and data of its own, which are the same at every start.
 */
export function severalConnections(
  count: number,
  options: SandboxOptions = {},
): readonly [NamedConnection, ...NamedConnection[]] {
  const others = Array.from({ length: count - 1 }, (_, index) => {
    const number = index + 2
    const own = {
      seed: (options.seed ?? 1) + index + 1,
      edition: number,
      accessToken: `sandbox-access-token-${number}`,
      connectionId: `conn_sandbox_${number}`,
    }
    return { name: numberInWords(number), options: { ...options, ...own } }
  })
  return [{ name: numberInWords(1), options }, ...others]
}

const small =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  )
const tens = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ')

/** A number up to 99 in English, as a name of a connection: `twenty-one`. */
function numberInWords(number: number): string {
  const units = small[number < 20 ? number : number % 10]
  if (number < 20) return String(units)
  const ten = tens[Math.floor(number / 10) - 2]
  return number % 10 === 0 ? String(ten) : `${ten}-${units}`
}
