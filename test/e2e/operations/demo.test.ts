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
