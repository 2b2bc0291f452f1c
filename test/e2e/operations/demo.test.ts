import tap from 'tap'
import { startProcess } from '../../service-process.js'

tap.test('the demo writes its log for people, the service in JSON', async (t) => {
  const [demo, service] = await Promise.all([
    startProcess(t, { LOG_LEVEL: 'info' }, 'demo'),
    startProcess(t, { LOG_LEVEL: 'info' }),
  ])
  for (const { address, written } of [demo, service]) {
    await fetch(`${address}/livez`, { headers: { connection: 'close' } })
    await written(/"\/livez".*\n/)
  }
  t.match(demo.output(), /^\[[\d:]+\] INFO(?: <anonymous>)?: answered \{.*"route":"\/livez"/m)
  t.notMatch(demo.output(), /^\{/m)
  for (const line of service.output().trim().split('\n')) t.match(JSON.parse(line), { level: 30 })
  t.equal(await demo.stop(), 0)
  t.equal(await service.stop(), 0)
})
