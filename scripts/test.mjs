// What `npm test` and `npm run test:browser` run: compiles, runs tap over the compiled tests, checks the coverage bar, and
// ends with one line `N passed, N failed` read from the run's own output. Arguments go to tap, files as tests or as what
// they compile to: `npm test -- test/stock/yields.test.ts`. With any argument the run is not the whole suite, so coverage
// is left out.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { coverageProblems } from './coverage.mjs'
import { TAP_OUTPUT } from './plain-reporter.mjs'

process.chdir(join(import.meta.dirname, '..'))

const COVERAGE_SUMMARY = '.tap/report/coverage-summary.json'

/** Lies in node_modules because `npm ci` empties that, and with it the test class that tap has built there. */
const PLUGINS_STAMP = 'node_modules/.tap-plugins'

const tapArguments = process.argv.slice(2).map(compiledTest)
const isWholeSuite = tapArguments.length === 0
const isWatched = process.stdout.isTTY && !process.env.CI

for (const stale of ['build', TAP_OUTPUT, COVERAGE_SUMMARY]) rmSync(stale, { recursive: true, force: true })
exitUnlessZero(run('tsc', []))
buildPluginsOnce()

const exitCode = run('tap', [
  ...(isWatched ? ['--reporter=base', `--output-file=${TAP_OUTPUT}`] : ['--reporter=./scripts/plain-reporter.mjs']),
  ...(isWholeSuite ? [] : ['--disable-coverage']),
  ...tapArguments,
])
const { passed, failed } = countsOf(TAP_OUTPUT)
const problems = [
  ...(passed + failed === 0 ? ['no test ran'] : []),
  ...(isWholeSuite ? coverageProblems(COVERAGE_SUMMARY) : []),
]

// On a terminal the reporter ends with an escape code and no line end, but the closing line has to stand alone.
if (isWatched) console.log()
for (const problem of problems) console.error(problem)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = exitCode === 0 && (problems.length > 0 || failed > 0) ? 1 : exitCode

/** Runs one of the installed tools, in an environment that holds nothing which would change what the tests do. */
function run(tool, args) {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => name !== 'NODE_ENV' && name !== 'TAP' && !name.startsWith('TAP_')),
  )
  const { status, error } = spawnSync(join('node_modules', '.bin', tool), args, { stdio: 'inherit', env })
  if (error) console.error(`${tool} could not be started: ${error.message}`)
  return status ?? 1
}

function exitUnlessZero(status) {
  if (status !== 0) process.exit(status)
}

/** tap compiles its plugins into node_modules; until that fits .taprc, the first run after an install may fail. */
function buildPluginsOnce() {
  const wanted = readFileSync('.taprc', 'utf8')
  if (existsSync(PLUGINS_STAMP) && readFileSync(PLUGINS_STAMP, 'utf8') === wanted) return
  exitUnlessZero(run('tap', ['build']))
  writeFileSync(PLUGINS_STAMP, wanted)
}

function compiledTest(argument) {
  return argument.startsWith('test/') ? `build/${argument.replace(/\.ts$/, '.js')}` : argument
}

/** Reads the last `# { total: 7, pass: 6, fail: 1 }` of a TAP stream, where counts of zero are left out. */
function countsOf(path) {
  const summary = existsSync(path)
    ? [...readFileSync(path, 'utf8').matchAll(/^# \{ (total: .*) \}$/gm)].at(-1)
    : undefined
  const countOf = (name) => Number(summary?.[1].match(new RegExp(`\\b${name}: (\\d+)`))?.[1] ?? 0)
  return { passed: countOf('pass'), failed: countOf('fail') }
}
