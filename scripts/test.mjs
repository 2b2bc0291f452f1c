// What `npm test`, `npm run test:browser` and `npm run test:replicas` run. It compiles, runs the tests, and ends with one line, `N passed, N failed`.
// With COVERAGE=true, as in CI, it also measures the coverage and checks its bar, which takes a fifth longer.
//
// Without arguments it runs everything: one process for each folder of tests, as many at a time as there are processors.
// With arguments (`npm test -- test/stock/yields.test.ts`) it runs these files, without types and coverage being checked.
// A file of tests is a program of its own, so Node runs it without tap's command line: that adds loaders to every process
// and runs one after the other.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { coverageProblems } from './coverage.mjs'
import { countsIn, failuresIn } from './tap-output.mjs'

process.chdir(join(import.meta.dirname, '..'))

const COVERAGE = 'build/coverage'
const OUTPUTS = 'build/test-output'
const SUITES = 'build/suites'

/** The suites that take longest, longest first: started last, one of them would be waited for alone. */
const LONGEST = [
  'e2e-mirror',
  'e2e-operations',
  'e2e-attacks',
  'routes',
  'e2e-stock',
  'e2e-access',
  'test',
  'http',
  'trackstar',
  'e2e-contract',
  'basket',
]

/** Nothing of the caller's environment changes what the tests do. */
const environment = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => name !== 'NODE_ENV' && name !== 'TAP' && !name.startsWith('TAP_')),
  ),
  // Seconds, for a test and for a whole program. On a busy machine both take many times as long as usual.
  TAP_TIMEOUT: '600',
}

const files = process.argv.slice(2)
const measuresCoverage = files.length === 0 && process.env.COVERAGE === 'true'
if (compile() !== 0) process.exit(1)
removeStaleOutputs()
const results = files.length === 0 ? await runSuites() : await runFiles()
const sum = (count) => results.reduce((total, result) => total + result[count], 0)
const [allPassed, allFailed] = [sum('passed'), sum('failed')]
const problems = [
  ...(allPassed + allFailed === 0 ? ['no test ran'] : []),
  ...results.filter(({ exitCode }) => exitCode !== 0).map(({ name, exitCode }) => `${name} ended with ${exitCode}`),
  ...(measuresCoverage ? await coverageProblems(COVERAGE) : []),
]
for (const problem of problems) console.error(problem)
console.log(`${allPassed} passed, ${allFailed} failed`)
process.exitCode = Number(problems.length > 0 || allFailed > 0)

/** Types are checked only with the whole: that takes longer than most files of tests. */
function compile() {
  const args = [
    '--incremental',
    '--tsBuildInfoFile',
    'build/tsconfig.tsbuildinfo',
    ...(files.length > 0 ? ['--noCheck'] : []),
  ]
  const { status, error } = spawnSync(join('node_modules', '.bin', 'tsc'), args, { stdio: 'inherit', env: environment })
  if (error) console.error(`tsc could not be started: ${error.message}`)
  return status ?? 1
}

async function runSuites() {
  rmSync(COVERAGE, { recursive: true, force: true })
  rmSync(OUTPUTS, { recursive: true, force: true })
  mkdirSync(OUTPUTS, { recursive: true })
  const waiting = writeSuites()
  const ended = []
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      for (let suite = waiting.shift(); suite !== undefined; suite = waiting.shift()) {
        const result = await runNode(suite, measuresCoverage ? { NODE_V8_COVERAGE: COVERAGE } : {})
        writeFileSync(join(OUTPUTS, `${result.name}.tap`), result.output)
        report(result)
        ended.push(result)
      }
    }),
  )
  return ended
}

/** One line for a suite that passed; for one that did not, what went wrong and where all that it said is. */
function report({ name, exitCode, passed, failed, seconds, output }) {
  const isGood = exitCode === 0 && failed === 0
  console.log(`${isGood ? 'ok' : 'not ok'} ${name}: ${passed} passed, ${failed} failed, ${seconds.toFixed(1)} s`)
  if (!isGood) console.log(`${failuresIn(output)}\n# all of it: ${OUTPUTS}/${name}.tap`)
}

async function runFiles() {
  const ended = []
  for (const file of files) {
    const result = await runNode(join('build', file.replace(/\.ts$/, '.js')), {})
    process.stdout.write(result.output)
    ended.push(result)
  }
  return ended
}

/** Runs a program of tests to its end. */
async function runNode(program, more) {
  const begunAt = performance.now()
  const child = spawn(process.execPath, ['--enable-source-maps', program], {
    env: { ...environment, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text
    })
  }
  const exitCode = await new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)))
  const seconds = (performance.now() - begunAt) / 1000
  return { name: basename(program, '.js'), exitCode, seconds, output, ...countsIn(output) }
}

/** A test whose source has been deleted or moved must not run from what an earlier build left behind. */
function removeStaleOutputs() {
  for (const file of compiledFiles('build')) {
    const copied = relative('build', file)
    const source = copied.replace(/\.js$/, '.ts')
    if (/^(src|test|bench)\//.test(source) && !existsSync(source) && !existsSync(copied)) rmSync(file)
  }
}

/** Writes one program for each folder that has tests. Returns them in the order in which they start. */
function writeSuites() {
  rmSync(SUITES, { recursive: true, force: true })
  mkdirSync(SUITES, { recursive: true })
  const tests = compiledFiles('build/test').filter((file) => file.endsWith('.test.js'))
  const suites = Array.from(new Set(tests.map(dirname)), (folder) => {
    const imports = tests.filter((file) => dirname(file) === folder).map((file) => `import '../../${file}'\n`)
    const name = relative('build/test', folder).replaceAll('/', '-') || 'test'
    const suite = join(SUITES, `${name}.js`)
    writeFileSync(suite, imports.join(''))
    return { name, suite }
  })
  const place = ({ name }) => (LONGEST.includes(name) ? LONGEST.indexOf(name) : LONGEST.length)
  return suites.sort((a, b) => place(a) - place(b)).map(({ suite }) => suite)
}

function compiledFiles(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(folder, name))
    .sort()
}
