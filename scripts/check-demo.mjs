// Does what the README promises a newcomer: starts the built demo on a free port, asks the stock address it prints for
// that stock, stops it with SIGTERM, and fails with one line unless all of that goes well. CI runs it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const START_TIMEOUT_MS = 30_000
const REPLY_TIMEOUT_MS = 10_000
const STOP_TIMEOUT_MS = 15_000
const STOCK_ADDRESS = /https?:\/\/[^\s"'<>]+\/products\/[^\s"'<>/]+\/stock/

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const demo = spawn(process.execPath, [main, 'demo'], {
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
  const address = await printedStockAddress()
  await askForStock(address)
  await stop()
  console.log(`the demo answered ${address} and ended on SIGTERM`)
} catch (error) {
  console.error(`${output.trimEnd()}\nthe demo failed: ${error.message}`)
  process.exitCode = 1
} finally {
  demo.kill('SIGKILL')
}

async function printedStockAddress() {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (Date.now() < deadline) {
    const address = STOCK_ADDRESS.exec(output)?.[0]
    if (address !== undefined) return address
    if (demo.exitCode !== null) throw new Error(`it ended by itself with exit code ${demo.exitCode}`)
    await pause(50)
  }
  throw new Error(`it printed no stock address within ${START_TIMEOUT_MS / 1000} s`)
}

async function askForStock(address) {
  const response = await fetch(address, { signal: AbortSignal.timeout(REPLY_TIMEOUT_MS) })
  const body = await response.text()
  if (response.status !== 200) throw new Error(`${address} answered ${response.status}: ${body}`)
  const { available } = JSON.parse(body)
  if (typeof available !== 'number') throw new Error(`"available" is not a number in ${body}`)
}

async function stop() {
  demo.kill('SIGTERM')
  const exit = await Promise.race([ended, pause(STOP_TIMEOUT_MS, undefined, { ref: false })])
  if (exit === undefined) throw new Error(`it still ran ${STOP_TIMEOUT_MS / 1000} s after SIGTERM`)
  const [code, signal] = exit
  if (code !== 0) throw new Error(`after SIGTERM it ended with ${signal ?? `exit code ${code}`} instead of 0`)
}
