import tap, { type Test } from 'tap'
import { createLogger } from '../../src/http/logging.js'
import { eventually, overSocket, startService } from '../harness.js'

const shop = 'https://shop.example'

/** The whole service, among whose plugins are some that take a turn of the event loop. */
async function start(t: Test) {
  const lines: string[] = []
  const { listen } = await startService(t, {
    environment: { CORS_ORIGINS: shop, LOG_LEVEL: 'info' },
    logger: (config) => createLogger(config, { write: (line) => void lines.push(line) }),
  })
  const port = await listen()
  const ask = (first: string, ...codings: string[]) => {
    const headers = ['Host: test', `Origin: ${shop}`, ...codings.map((coding) => `Transfer-Encoding: ${coding}`)]
    return overSocket(port, [first, ...headers, 'Connection: close', '', '0', '', ''].join('\r\n'))
  }
  const told = () => lines.map((line) => JSON.parse(line)).filter(({ status }) => status !== undefined)
  return { ask, told }
}

tap.test('takes no transfer coding but chunked', async (t) => {
  const { ask } = await start(t)
  for (const coding of ['chunked', 'Chunked']) t.equal((await ask('GET /livez HTTP/1.1', coding)).status, 200, coding)
  for (const codings of [['gzip, chunked'], ['identity, chunked'], ['identity', 'chunked'], ['gzip'], ['identity']]) {
    t.equal((await ask('GET /livez HTTP/1.1', ...codings)).status, 400, codings.join(' and '))
  }
  t.equal((await ask('GET /livez HTTP/1.0', 'chunked')).status, 400, 'which HTTP/1.0 does not know')
})

tap.test('regression: a coding without an end was refused past all plugins where clients were counted', async (t) => {
  const { ask, told } = await start(t)
  for (const coding of ['gzip', 'identity']) {
    const before = told().length
    const reply = await ask('POST /stock/query HTTP/1.1', coding)
    t.equal(reply.status, 400)
    t.match(JSON.parse(reply.body), { code: 'validation_failed', detail: /no transfer coding but chunked/ })
    t.equal(reply.headers.get('access-control-allow-origin'), shop)
    t.equal(reply.headers.get('connection'), 'close')
    await eventually(() => told().length > before)
    t.match(told().slice(before), [
      { msg: 'answered', status: 400, route: '/stock/query', request_id: reply.headers.get('x-request-id') },
    ])
    t.equal(told().length, before + 1, 'and told once')
  }
})
