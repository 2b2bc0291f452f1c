// The coverage bar of `npm test`, in the one place where it is set.
// tap counts only files that a test has loaded. This script also reports the files that no test loads.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const BAR_PERCENT = 95
const METRICS = ['lines', 'branches', 'functions', 'statements']

/** Tests start these in a child process, where coverage is not counted. */
const MAY_BE_UNLOADED = new Set(['src/main.ts'])

/**
 * What is wrong with the coverage of `src` after a run of the whole suite, a line each; an empty list if all is well.
 *
 * @param {string} summaryPath what tap's json-summary report wrote
 * @returns {string[]}
 */
export function coverageProblems(summaryPath) {
  const summary = existsSync(summaryPath) ? JSON.parse(readFileSync(summaryPath, 'utf8')) : {}
  const sources = compiledSources()
  const rows = sources.flatMap((file) => (summary[resolve(file)] ? [{ file, ...summary[resolve(file)] }] : []))
  const loaded = new Set(rows.map((row) => row.file))
  const unloaded = sources.filter((file) => !loaded.has(file) && !MAY_BE_UNLOADED.has(file) && hasCode(file))
  const low = METRICS.filter((metric) => percent(rows, metric) < BAR_PERCENT)
  return [
    ...unloaded.map((file) => `no test loads ${file}`),
    ...low.map(
      (metric) => `${percent(rows, metric).toFixed(2)} % of ${metric} are covered, the bar is ${BAR_PERCENT} %`,
    ),
    ...(low.length > 0 ? lowFiles(rows) : []),
  ]
}

function percent(rows, metric) {
  const total = rows.reduce((sum, row) => sum + row[metric].total, 0)
  const covered = rows.reduce((sum, row) => sum + row[metric].covered, 0)
  return total === 0 ? 100 : (100 * covered) / total
}

function lowFiles(rows) {
  return rows
    .filter((row) => METRICS.some((metric) => row[metric].pct < BAR_PERCENT))
    .map((row) => `  ${row.file}: ${METRICS.map((metric) => `${metric} ${row[metric].pct} %`).join(', ')}`)
}

/** The source files, as `src/stock/yields.ts`, of everything compiled into build/src. */
function compiledSources() {
  return readdirSync('build/src', { recursive: true })
    .filter((name) => name.endsWith('.js'))
    .map((name) => join('src', name).replaceAll('\\', '/').replace(/\.js$/, '.ts'))
    .sort()
}

/** False for a file of nothing but types: it compiles to `export {}` and is never loaded. */
function hasCode(file) {
  const compiled = readFileSync(join('build', file.replace(/\.ts$/, '.js')), 'utf8')
  return compiled.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '').trim() !== 'export {};'
}
