import tap from 'tap'
import { createLogger } from '../../src/http/logging.js'

function start(trackstarApiKey = 'the-key', trackstarAccessToken = 'the-token') {
  const lines: string[] = []
  const config = { logLevel: 'trace', trackstarApiKey, trackstarAccessToken } as const
  return { lines, logger: createLogger(config, { write: (line) => void lines.push(line) }) }
}

tap.test('censors headers of the known names, however deep', async (t) => {
  const { lines, logger } = start()
  const headers = { authorization: 'Bearer x1', 'x-api-key': 'x2', 'x-trackstar-access-token': 'x3', host: 'kept' }
  logger.info(headers, 'flat')
  logger.info({ headers }, 'deep')
  logger.info({ req: { headers } }, 'deeper')
  logger.info({ err: { config: { request: { headers: [headers] } } } }, 'deepest')
  t.equal(lines.length, 4)
  for (const line of lines) {
    t.notMatch(line, /x[123]/)
    t.match(line, 'kept')
  }
})

tap.test('cuts the configured secrets out of whatever they got into', async (t) => {
  const { lines, logger } = start('the-k"e\\y', 'the-token')
  logger.error(new Error('upstream said the-k"e\\y'), 'a the-token b')
  logger.child({ deep: { deeper: { deepest: ['the-token'] } } }).trace('the-k"e\\y')
  for (const line of lines) {
    t.notMatch(line, 'the-token')
    t.notMatch(JSON.stringify(JSON.parse(line)), JSON.stringify('the-k"e\\y').slice(1, -1))
    t.match(line, /\[redacted\]/)
  }
})

tap.test('leaves alone what is too short to be a secret', async (t) => {
  const { lines, logger } = start('a', 'info')
  logger.info('a line with information')
  t.equal(JSON.parse(lines[0] ?? '').msg, 'a line with information')
})

tap.test('writes from its level on', async (t) => {
  t.equal(createLogger({ logLevel: 'silent', trackstarApiKey: 'a', trackstarAccessToken: 'b' }).level, 'silent')
})

tap.test('adds to each line the fields of the moment it is written', async (t) => {
  const lines: string[] = []
  const config = { logLevel: 'info', trackstarApiKey: 'the-key', trackstarAccessToken: 'the-token' } as const
  let turn = 0
  const logger = createLogger(config, { write: (line) => void lines.push(line) }, () => ({ turn: ++turn }))
  logger.info('one')
  logger.child({ of: 'two' }).info({ also: true }, 'two')
  t.match(
    lines.map((line) => JSON.parse(line)),
    [
      { msg: 'one', turn: 1 },
      { msg: 'two', of: 'two', also: true, turn: 2 },
    ],
  )
})
