import { connect } from 'node:net'
import tap, { type Test } from 'tap'
import { eventually } from '../../harness.js'
import { type SpawnedService, spawnService } from '../../spawned.js'

tap.jobs = 2

/** Runs beside the other tests: most of the time goes into starting processes. */
const concurrently = (name: string, test: (t: Test) => Promise<void>) => tap.test(name, { buffered: true }, test)

/** Sends a request that keeps the process from stopping until its grace time is over. */
async function hangingRequest(service: SpawnedService): Promise<void> {
  service.sandbox.fault('/wms/products', { delayMs: 60_000 })
  const socket = connect(service.port, '127.0.0.1').on('error', () => {})
  socket.write('GET /products/CUP/stock HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await eventually(() => service.sandbox.calls.some(({ path }) => path === '/wms/products'))
}

concurrently('a second signal ends the process at once', async (t) => {
  const service = await spawnService(t, { SHUTDOWN_GRACE_SECONDS: '60' })
  const { signal, exit } = service
  await hangingRequest(service)
  signal('SIGINT')
  await service.until(() => service.log.some(({ msg }) => msg === 'stopping'))
  signal('SIGTERM')
  t.strictSame(await exit, { code: 1, signal: null })
})

/** Makes the process run `statement` at SIGUSR2, which it does not use itself. */
const atSignal = (statement: string) => {
  const code = `process.on('SIGUSR2', () => { ${statement} })`
  return { nodeArguments: ['--import', `data:text/javascript,${encodeURIComponent(code)}`] }
}

concurrently('an uncaught error is logged with its cause and without secrets, and the exit code is 1', async (t) => {
  const statement = "throw new Error('outside: sandbox-access-token', { cause: new TypeError('inside') })"
  const { signal, exit, log } = await spawnService(t, {}, atSignal(statement))
  signal('SIGUSR2')
  t.strictSame(await exit, { code: 1, signal: null })
  const line = log.at(-1)
  t.match(line, { level: 60, msg: 'uncaught exception, exiting', err: { type: 'Error' } })
  const { stack } = Object(line?.['err'])
  t.match(stack, /^Error: outside: \[redacted\]\n +at process\.<anonymous> \(data:text/)
  t.match(stack, /caused by: TypeError: inside\n +at process\.<anonymous>/)
})

concurrently('an unhandled rejection ends the process in the same way, even while it stops', async (t) => {
  const service = await spawnService(t, { SHUTDOWN_GRACE_SECONDS: '60' }, atSignal("Promise.reject(new Error('lost'))"))
  const { signal, exit, log, until } = service
  await hangingRequest(service)
  signal('SIGTERM')
  await until(() => log.some(({ msg }) => msg === 'stopping'))
  signal('SIGUSR2')
  t.strictSame(await exit, { code: 1, signal: null })
  t.match(log.at(-1), { level: 60, err: { message: 'lost', stack: /^Error: lost\n +at / } })
})
