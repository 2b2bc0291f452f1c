import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tap from 'tap'
import { spawnMain, spawnService } from '../../spawned.js'

tap.test('the demo logs for people, the service logs JSON', async (t) => {
  const demo = spawnMain(t, { PORT: '0', LOG_LEVEL: 'info', SANDBOX_PRODUCTS: '40' }, { script: 'demo' })
  const service = await spawnService(t, { LOG_LEVEL: 'info' })
  const demoAddress = () => /Server listening at (http:[\w.:/]+)/.exec(demo.output())?.[1]
  await demo.until(() => demoAddress() !== undefined)
  const addresses = new Map([
    [demo, String(demoAddress())],
    [service, `http://127.0.0.1:${service.port}`],
  ])
  for (const [{ output, until }, address] of addresses) {
    await fetch(`${address}/livez`, { headers: { connection: 'close' } })
    await until(() => /"\/livez"/.test(output()))
  }
  t.match(demo.output(), /^\[[\d:]+\] INFO(?: <anonymous>)?: [^{]+ \{.*"route":"\/livez"/m)
  t.notMatch(demo.output(), /^\{/m)
  for (const line of service.output().trim().split('\n')) t.match(JSON.parse(line), { level: 30 })
  for (const { signal, exit } of [demo, service]) {
    signal('SIGTERM')
    t.strictSame(await exit, { code: 0, signal: null })
  }
})

tap.test('with several connections the demo serves each of them, from a file that it removes at the end', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'demo-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const environment = { PORT: '0', TMPDIR: folder, SANDBOX_CONNECTIONS: '2', SANDBOX_PRODUCTS: '40' }
  const { output, until, signal, exit } = spawnMain(t, environment, { script: 'demo' })
  await until(() => output().includes('Ctrl-C'))
  const [, stock = ''] = /Stock +(http\S+)/.exec(output()) ?? []
  const answers = ['one', 'two'].map(async (name) =>
    (await fetch(new URL(`?connection=${name}`, stock), { headers: { connection: 'close' } })).json(),
  )
  t.match(await Promise.all(answers), [
    { connection: 'one', available: 6 },
    { connection: 'two', available: 12 },
  ])
  t.match(output(), /Combined +curl 'http\S+\/stock\?connection=all'/)
  const [temporary = ''] = await readdir(folder)
  const file = JSON.parse(await readFile(join(folder, temporary, 'connections.json'), 'utf8'))
  t.match(file, {
    connections: [{ name: 'one' }, { name: 'two' }],
    groups: [{ name: 'all', connections: ['one', 'two'] }],
  })
  signal('SIGTERM')
  t.strictSame(await exit, { code: 0, signal: null })
  t.strictSame(await readdir(folder), [])
})

tap.test('the demo and the sandbox refuse a number of connections that they cannot have', async (t) => {
  for (const count of ['0', '100', 'two']) {
    const { exit, stderr } = spawnMain(t, { SANDBOX_CONNECTIONS: count }, { script: 'demo' })
    t.strictSame(await exit, { code: 1, signal: null })
    t.match(stderr(), `SANDBOX_CONNECTIONS is wrong: expected a whole number from 1 to 99, but got "${count}"`)
  }
})
