import type { Steps } from '../steps.js'

/** A linear inequality: the sum is at most `bound`, which is not negative. */
export interface Constraint {
  readonly coefficients: readonly bigint[]
  readonly bound: bigint
}

/** The number of steps left, shared by everything that spends from it. */
export interface StepBudget {
  left: number
}

/** Takes `steps` from the budget. Returns false, and leaves nothing, if the budget has fewer. */
export function spend(budget: StepBudget, steps: number): boolean {
  budget.left = budget.left < steps ? 0 : budget.left - steps
  return budget.left > 0
}

/** The value of each variable is `values[variable] / denominator`. */
export interface Solution {
  readonly values: readonly bigint[]
  readonly denominator: bigint
}

/**
 * Solves a linear program: non-negative values that maximize `objective` within the constraints. Exact, by the simplex
 * method in integers over one common denominator (the division of each pivot leaves no remainder). A pivot costs one step
 * for each entry of the tableau that changes, more if numbers are long. Returns undefined if the budget runs out.
 *
 * @throws RangeError if the constraints do not bound the objective
 */
export function* maximize(
  objective: readonly bigint[],
  constraints: readonly Constraint[],
  budget: StepBudget,
): Steps<Solution | undefined> {
  const width = objective.length
  let rows = constraints.map(({ coefficients, bound }) => [...coefficients, bound])
  rows.push([...objective.map((coefficient) => -coefficient), 0n])
  // The variable of each row, initially the slack variables, and of each column, initially those of the program.
  const basic = constraints.map((_, row) => width + row)
  const free = objective.map((_, column) => column)
  let denominator = 1n
  let hasStalled = false
  for (;;) {
    const column = entering(rows.at(-1) ?? [], free, hasStalled)
    if (column === undefined) break
    const row = leaving(rows, column, basic)
    const pivot = rows[row]?.[column]
    if (pivot === undefined) throw new RangeError('The constraints do not bound the objective of the linear program.')
    const changed = rows.filter((entries) => entries[column] !== 0n || pivot !== denominator).length
    if (!spend(budget, changed * (width + 1) * (1 + pivot.toString(16).length / DIGITS_PER_STEP))) return undefined
    hasStalled = rows[row]?.at(-1) === 0n
    rows = yield* pivoted(rows, row, column, denominator)
    denominator = pivot
    ;[basic[row], free[column]] = [free[column] ?? 0, basic[row] ?? 0]
  }
  const values = objective.map(() => 0n)
  for (const [row, variable] of basic.entries()) if (variable < width) values[variable] = rows[row]?.at(-1) ?? 0n
  return { values, denominator }
}

/** Hexadecimal digits that cost one further step: arithmetic on long numbers is slower. */
const DIGITS_PER_STEP = 64

/**
 * The entering column: the one with the largest gain per unit or, after a pivot that gained nothing, the first variable
 * with any gain (Bland's rule, which cannot cycle).
 */
function entering(objectiveRow: readonly bigint[], free: readonly number[], hasStalled: boolean): number | undefined {
  let best: { readonly column: number; readonly entry: bigint; readonly variable: number } | undefined
  for (const [column, variable] of free.entries()) {
    const entry = objectiveRow[column] ?? 0n
    if (entry >= 0n) continue
    if (best === undefined || (hasStalled ? variable < best.variable : entry < best.entry)) {
      best = { column, entry, variable }
    }
  }
  return best?.column
}

/** The leaving row: the one that first limits the entering variable; on a tie, that of the first variable. */
function leaving(rows: readonly (readonly bigint[])[], column: number, basic: readonly number[]): number {
  let best:
    | { readonly row: number; readonly bound: bigint; readonly entry: bigint; readonly variable: number }
    | undefined
  for (const [row, variable] of basic.entries()) {
    const entry = rows[row]?.[column] ?? 0n
    if (entry <= 0n) continue
    const bound = rows[row]?.at(-1) ?? 0n
    const difference = best === undefined ? -1n : bound * best.entry - best.bound * entry
    if (best === undefined || difference < 0n || (difference === 0n && variable < best.variable)) {
      best = { row, bound, entry, variable }
    }
  }
  return best?.row ?? -1
}

/** The tableau after a pivot. */
function* pivoted(rows: readonly bigint[][], row: number, column: number, denominator: bigint): Steps<bigint[][]> {
  const pivotRow = rows[row] ?? []
  const pivot = pivotRow[column] ?? 1n
  const after: bigint[][] = []
  for (const [index, entries] of rows.entries()) {
    yield
    after.push(index === row ? entries.with(column, denominator) : pivotedRow(entries))
  }
  return after

  function pivotedRow(entries: bigint[]): bigint[] {
    const factor = entries[column] ?? 0n
    if (factor === 0n) return pivot === denominator ? entries : entries.map((entry) => (entry * pivot) / denominator)
    return entries.map((entry, at) =>
      at === column ? -factor : (entry * pivot - factor * (pivotRow[at] ?? 0n)) / denominator,
    )
  }
}
