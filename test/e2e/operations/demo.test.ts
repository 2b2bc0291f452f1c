import tap from 'tap'
import { startProcess } from '../../service-process.js'

tap.test('the demo logs for people, the service logs JSON', async (t) => {
  const [demo, service] = await Promise.all([
    startProcess(t, { LOG_LEVEL: 'info', SANDBOX_PRODUCTS: '40' }, 'demo'),
    startProcess(t, { LOG_LEVEL: 'info' }),
  ])
  await Promise.all(
    [demo, service].map(async ({ address, written }) => {
      await fetch(`${address}/livez`, { headers: { connection: 'close' } })
      await written(/"\/livez".*\n/)
    }),
  )
  t.match(demo.output(), /^\[[\d:]+\] INFO(?: <anonymous>)?: [^{]+ \{.*"route":"\/livez"/m)
  t.notMatch(demo.output(), /^\{/m)
  for (const line of service.output().trim().split('\n')) t.match(JSON.parse(line), { level: 30 })
  t.strictSame(await Promise.all([demo.stop(), service.stop()]), [0, 0])
})
