// The coverage bar of `npm test`, in the one place where it is set.
// c8 reports only files that a test has loaded, or also files with nothing but types. This script reports the files that no
// test loads.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Report } from 'c8'

const BAR_PERCENT = 95
/** What speaks to Redis has tests of its own, `npm run test:replicas`, which need a server that npm does not install. */
const TESTED_ELSEWHERE = /^src\/shared-state\/redis-/
const METRICS = ['lines', 'branches', 'functions', 'statements']

/**
 * Prints the coverage of the files of `src` that are not covered completely. Returns what is wrong with it, a line each; an
 * empty list if all is well.
 *
 * @param {string} folder where Node wrote the coverage of each process (`NODE_V8_COVERAGE`)
 * @returns {Promise<string[]>}
 */
export async function coverageProblems(folder) {
  const report = new Report({
    tempDirectory: folder,
    reportsDirectory: folder,
    include: ['build/src/**'],
    excludeNodeModules: true,
    reporter: ['text'],
    skipFull: true,
  })
  await report.run()
  const covered = await report.getCoverageMapFromAllCoverageFiles()
  const loaded = new Set(covered.files())
  const sources = compiledSources()
  const rows = sources.flatMap((file) =>
    loaded.has(resolve(file)) ? [{ file, ...covered.fileCoverageFor(resolve(file)).toSummary().data }] : [],
  )
  const unloaded = sources.filter((file) => !loaded.has(resolve(file)) && hasCode(file))
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
  return (
    readdirSync('build/src', { recursive: true })
      .filter((name) => name.endsWith('.js'))
      .map((name) => join('src', name).replaceAll('\\', '/').replace(/\.js$/, '.ts'))
      .filter((file) => !TESTED_ELSEWHERE.test(file))
      // The scripts of the page are JavaScript, and run in the browser tests only.
      .filter((file) => existsSync(file))
      .sort()
  )
}

/** False for a file of nothing but types: it compiles to `export {}` and is never loaded. */
function hasCode(file) {
  const compiled = readFileSync(join('build', file.replace(/\.ts$/, '.js')), 'utf8')
  return compiled.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '').trim() !== 'export {};'
}
