// What `scripts/test.mjs` reads from the output of a program of tests, which is TAP and whatever else was printed.

/**
 * Adds up the last `# { total: 7, pass: 6, fail: 1 }` of each program; tap leaves out counts of zero.
 *
 * @param {string} output
 * @returns {{ passed: number, failed: number }}
 */
export function countsIn(output) {
  const totals = [...output.matchAll(/^# \{ total: .*\}$/gm)].map(([line]) => line)
  const sum = (name) =>
    totals.reduce((total, line) => total + Number(new RegExp(`\\b${name}: (\\d+)`).exec(line)?.[1] ?? 0), 0)
  return { passed: sum('pass'), failed: sum('fail') }
}

/**
 * The assertions that failed, each with its diagnosis and followed by the test it is in, and everything that is not TAP.
 *
 * @param {string} output
 * @returns {string}
 */
export function failuresIn(output) {
  const kept = []
  let endOfDiagnosis
  let isTestsOwn = false
  for (const line of output.split('\n')) {
    if (endOfDiagnosis !== undefined) {
      if (!isTestsOwn) kept.push(line)
      if (line === endOfDiagnosis) endOfDiagnosis = undefined
    } else if (/^ +---$/.test(line)) {
      endOfDiagnosis = line.replace('---', '...')
      if (!isTestsOwn) kept.push(line)
    } else if (/^ *not ok /.test(line)) {
      // What follows the line of a whole test says only where that test is.
      isTestsOwn = / # time=/.test(line)
      kept.push(line)
    } else if (!/^ *(?:ok \d|\d+\.\.\d+|# Subtest|# time=|# \{|TAP version|$)/.test(line)) kept.push(line)
  }
  return kept.join('\n')
}
