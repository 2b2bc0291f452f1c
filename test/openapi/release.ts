import { breakingChanges, type Contract, contractRules } from './breaking-changes.js'

/** What keeps `current` from carrying its version after `released`: each breaking change, unless the major has moved. */
export function compatibilityFaults(released: Contract, current: Contract): string[] {
  if (compare(numbersOf(current).slice(0, 1), numbersOf(released).slice(0, 1)) > 0) return []
  return breakingChanges(released, current).map(
    ({ rule, at, detail }) => `${rule} at ${at}: ${contractRules[rule]}${detail && ` (${detail})`}`,
  )
}

/** What keeps `current` from being released after `released`; undefined where nothing has been. */
export function releaseFaults(released: Contract | undefined, current: Contract): string[] {
  if (released === undefined) return []
  const [was, is] = [released.info.version, current.info.version]
  if (compare(numbersOf(current), numbersOf(released)) > 0) return compatibilityFaults(released, current)
  return [`version ${was} has been released and the contract says ${is}: move it in package.json and src/version.ts`]
}

/** Major, minor and patch. */
const numbersOf = ({ info }: Contract) => (info.version.split(/[-+]/, 1)[0] ?? '').split('.').map(Number)

function compare(a: readonly number[], b: readonly number[]): number {
  const place = a.findIndex((number, index) => number !== b[index])
  return (a[place] ?? 0) - (b[place] ?? 0)
}
