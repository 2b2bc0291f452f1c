// What `npm test` and `npm run test:browser` run. It compiles, runs the tests with tap, checks the coverage bar, and ends
// with one line, `N passed, N failed`.
//
// Without arguments it runs everything, one process for each folder of tests: starting a process for each file, with the
// loader hooks and the coverage that tap adds, took most of the time. With arguments (`npm test -- test/stock/yields.test.ts`)
// it runs these files, without coverage; a file is a program of its own, so Node runs it without tap's command line.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { coverageProblems } from './coverage.mjs'

process.chdir(join(import.meta.dirname, '..'))

const TAP_OUTPUT = '.tap/all.tap'
const COVERAGE_SUMMARY = '.tap/report/coverage-summary.json'
const SUITES = 'build/suites'
/** In node_modules, because `npm ci` empties it together with the test class that tap has built there. */
const PLUGINS_STAMP = 'node_modules/.tap-plugins'

/** Nothing of the caller's environment changes what the tests do. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => name !== 'NODE_ENV' && name !== 'TAP' && !name.startsWith('TAP_')),
)

const files = process.argv.slice(2)
if (run('tsc', ['--incremental', '--tsBuildInfoFile', 'build/tsconfig.tsbuildinfo']) !== 0) process.exit(1)
removeStaleOutputs()
const result = files.length === 0 ? runSuite() : runFiles(files)
const { passed, failed } = countsIn(result.output)
const problems = [
  ...(passed + failed === 0 ? ['no test ran'] : []),
  ...(files.length === 0 ? coverageProblems(COVERAGE_SUMMARY) : []),
]
for (const problem of problems) console.error(problem)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = result.exitCode || Number(problems.length > 0 || failed > 0)

function runSuite() {
  rmSync(TAP_OUTPUT, { force: true })
  rmSync(COVERAGE_SUMMARY, { force: true })
  buildPlugins()
  writeSuites()
  const status = run('tap', ['--reporter=./scripts/plain-reporter.mjs'])
  return { exitCode: status, output: existsSync(TAP_OUTPUT) ? readFileSync(TAP_OUTPUT, 'utf8') : '' }
}

function runFiles(tests) {
  let exitCode = 0
  let output = ''
  for (const test of tests) {
    const compiled = join('build', test.replace(/\.ts$/, '.js'))
    const { status, stdout } = spawnSync(process.execPath, ['--enable-source-maps', compiled], {
      env: { ...environment, TAP_TIMEOUT: '180' },
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    process.stdout.write(stdout)
    output += stdout
    exitCode ||= status ?? 1
  }
  return { exitCode, output }
}

function run(tool, args) {
  const { status, error } = spawnSync(join('node_modules', '.bin', tool), args, { stdio: 'inherit', env: environment })
  if (error) console.error(`${tool} could not be started: ${error.message}`)
  return status ?? 1
}

/** A test whose source has been deleted or moved must not run from what an earlier build left behind. */
function removeStaleOutputs() {
  for (const file of compiledFiles('build')) {
    const source = relative('build', file).replace(/\.js$/, '.ts')
    if (/^(src|test|bench)\//.test(source) && !existsSync(source)) rmSync(file)
  }
}

/** Writes one entry file for each folder that has tests; they are what `.taprc` includes. */
function writeSuites() {
  rmSync(SUITES, { recursive: true, force: true })
  mkdirSync(SUITES, { recursive: true })
  const tests = compiledFiles('build/test').filter((file) => file.endsWith('.test.js'))
  for (const folder of new Set(tests.map(dirname))) {
    const members = tests.filter((file) => dirname(file) === folder)
    const name = relative('build', folder).replaceAll('/', '-')
    const imports = members.map((file) => `import '../../${file}'\n`)
    writeFileSync(join(SUITES, `${name}.js`), imports.join(''))
  }
}

/** tap compiles its plugins into node_modules; unless that is up to date, the first run after an install fails. */
function buildPlugins() {
  const expected = readFileSync('.taprc', 'utf8')
  if (existsSync(PLUGINS_STAMP) && readFileSync(PLUGINS_STAMP, 'utf8') === expected) return
  if (run('tap', ['build']) !== 0) process.exit(1)
  writeFileSync(PLUGINS_STAMP, expected)
}

function compiledFiles(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(folder, name))
    .sort()
}

/** Adds up the last `# { total: 7, pass: 6, fail: 1 }` of each file's TAP; tap leaves out counts of zero. */
function countsIn(tap) {
  const totals = [...tap.matchAll(/^# \{ total: .*\}$/gm)].map(([line]) => line)
  const sum = (name) =>
    totals.reduce((total, line) => total + Number(new RegExp(`\\b${name}: (\\d+)`).exec(line)?.[1] ?? 0), 0)
  return { passed: sum('pass'), failed: sum('fail') }
}
