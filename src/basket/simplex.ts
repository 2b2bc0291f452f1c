/** A sum that must not exceed `bound`, which is not below zero. */
export interface Constraint {
  readonly coefficients: readonly bigint[]
  readonly bound: bigint
}

/** How many more steps may be spent, over all that share it. */
export interface Budget {
  left: number
}

/** Takes `steps` from the budget; false, and nothing left, where it has not that many. */
export function spend(budget: Budget, steps: number): boolean {
  budget.left = budget.left < steps ? 0 : budget.left - steps
  return budget.left > 0
}

/** One value for each variable, as `values / denominator`. */
export interface Solution {
  readonly values: readonly bigint[]
  readonly denominator: bigint
}

/**
 * A best solution of a linear program: values of at least 0 that give the greatest `objective` within the constraints.
 * Exact, by the simplex method with whole numbers over one common denominator (each pivot's division leaves no rest).
 * A pivot costs a step for each entry of the table that changes, more where numbers are long. Undefined where that
 * exceeds the budget; the objective must be bounded.
 */
export function maximise(
  objective: readonly bigint[],
  constraints: readonly Constraint[],
  budget: Budget,
): Solution | undefined {
  const width = objective.length
  let rows = constraints.map(({ coefficients, bound }) => [...coefficients, bound])
  rows.push([...objective.map((coefficient) => -coefficient), 0n])
  // The variable of each row and of each column: at first the slack of a constraint, and one of the program's own.
  const basic = constraints.map((_, row) => width + row)
  const free = objective.map((_, column) => column)
  let denominator = 1n
  let stalled = false
  for (;;) {
    const column = entering(rows.at(-1) ?? [], free, stalled)
    if (column === undefined) break
    const row = leaving(rows, column, basic)
    const pivot = rows[row]?.[column]
    if (pivot === undefined) throw new RangeError('The objective of a linear program must be bounded.')
    const changed = rows.filter((entries) => entries[column] !== 0n || pivot !== denominator).length
    if (!spend(budget, changed * (width + 1) * (1 + pivot.toString(16).length / DIGITS_A_STEP))) return undefined
    stalled = rows[row]?.at(-1) === 0n
    rows = pivoted(rows, row, column, denominator)
    denominator = pivot
    ;[basic[row], free[column]] = [free[column] ?? 0, basic[row] ?? 0]
  }
  const values = objective.map(() => 0n)
  for (const [row, variable] of basic.entries()) if (variable < width) values[variable] = rows[row]?.at(-1) ?? 0n
  return { values, denominator }
}

/** Hexadecimal digits of a number that cost as much again as handling any number at all. */
const DIGITS_A_STEP = 64

/**
 * The column that promises most or, after a step that brought nothing, the one of the first variable that promises
 * something (Bland's rule, which cannot go round in circles).
 */
function entering(goal: readonly bigint[], free: readonly number[], stalled: boolean): number | undefined {
  let best: { readonly column: number; readonly entry: bigint; readonly variable: number } | undefined
  for (const [column, variable] of free.entries()) {
    const entry = goal[column] ?? 0n
    if (entry >= 0n) continue
    if (best === undefined || (stalled ? variable < best.variable : entry < best.entry)) {
      best = { column, entry, variable }
    }
  }
  return best?.column
}

/** The row whose bound is reached first when the column's variable grows, on a tie that of the first variable. */
function leaving(rows: readonly (readonly bigint[])[], column: number, basic: readonly number[]): number {
  let best:
    | { readonly row: number; readonly bound: bigint; readonly entry: bigint; readonly variable: number }
    | undefined
  for (const [row, variable] of basic.entries()) {
    const entry = rows[row]?.[column] ?? 0n
    if (entry <= 0n) continue
    const bound = rows[row]?.at(-1) ?? 0n
    const further = best === undefined ? -1n : bound * best.entry - best.bound * entry
    if (best === undefined || further < 0n || (further === 0n && variable < best.variable)) {
      best = { row, bound, entry, variable }
    }
  }
  return best?.row ?? -1
}

function pivoted(rows: readonly bigint[][], row: number, column: number, denominator: bigint): bigint[][] {
  const pivotRow = rows[row] ?? []
  const pivot = pivotRow[column] ?? 1n
  return rows.map((entries, index) => {
    if (index === row) return entries.with(column, denominator)
    const factor = entries[column] ?? 0n
    if (factor === 0n) return pivot === denominator ? entries : entries.map((entry) => (entry * pivot) / denominator)
    return entries.map((entry, at) =>
      at === column ? -factor : (entry * pivot - factor * (pivotRow[at] ?? 0n)) / denominator,
    )
  })
}
