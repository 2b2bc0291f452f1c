// Checks the README's quick start: starts the built demo on a free port, requests the stock URL that it prints, stops it
// with SIGTERM, and fails with one line if any of that goes wrong. CI runs it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const START_TIMEOUT_MS = 30_000
const REPLY_TIMEOUT_MS = 10_000
const STOP_TIMEOUT_MS = 15_000
const STOCK_URL = /https?:\/\/[^\s"'<>]+\/products\/[^\s"'<>/]+\/stock/

const script = fileURLToPath(new URL('../dist/demo.js', import.meta.url))
const demo = spawn(process.execPath, [script], {
  env: { ...process.env, PORT: '0' },
  stdio: ['ignore', 'pipe', 'pipe'],
})
const ended = once(demo, 'exit')
let output = ''
for (const stream of [demo.stdout, demo.stderr]) {
  stream.setEncoding('utf8').on('data', (text) => {
    output += text
  })
}

try {
  const url = await printedStockUrl()
  await requestStock(url)
  await stop()
  console.log(`the demo answered ${url} and stopped on SIGTERM`)
} catch (error) {
  console.error(`${output.trimEnd()}\nthe demo failed: ${error.message}`)
  process.exitCode = 1
} finally {
  demo.kill('SIGKILL')
}

async function printedStockUrl() {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (Date.now() < deadline) {
    const url = STOCK_URL.exec(output)?.[0]
    if (url !== undefined) return url
    if (demo.exitCode !== null) throw new Error(`it exited with code ${demo.exitCode}`)
    await pause(50)
  }
  throw new Error(`it printed no stock URL within ${START_TIMEOUT_MS / 1000} s`)
}

async function requestStock(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(REPLY_TIMEOUT_MS) })
  const body = await response.text()
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${body}`)
  const { available } = JSON.parse(body)
  if (typeof available !== 'number') throw new Error(`"available" is not a number in ${body}`)
}

async function stop() {
  demo.kill('SIGTERM')
  const exit = await Promise.race([ended, pause(STOP_TIMEOUT_MS, undefined, { ref: false })])
  if (exit === undefined) throw new Error(`it was still running ${STOP_TIMEOUT_MS / 1000} s after SIGTERM`)
  const [code, signal] = exit
  if (code !== 0) throw new Error(`after SIGTERM it exited with ${signal ?? `code ${code}`} instead of 0`)
}
