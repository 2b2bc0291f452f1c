import tap from 'tap'
import { createLogger } from '../../../src/http/logging.js'
import { EventStream } from '../../event-stream.js'
import { eventually, RunningClock, type ServiceOptions, startService } from '../../harness.js'
import { startMirrored } from '../mirror/mirrored.js'

interface Line {
  readonly level: number
  readonly msg: string
  readonly [field: string]: unknown
}

/** The log lines of the service at level info and above. */
function keepLog(): { lines: Line[]; options: Required<Pick<ServiceOptions, 'logger' | 'environment'>> } {
  const lines: Line[] = []
  return {
    lines,
    options: {
      environment: { LOG_LEVEL: 'info' },
      logger: (config) => createLogger(config, { write: (line) => void lines.push(JSON.parse(line)) }),
    },
  }
}

const rejection =
  'Trackstar rejects the credentials of this service: check TRACKSTAR_API_KEY and the access token of the connection'

tap.test(
  'regression: refused credentials logged a stack trace for each call, in words meant for callers',
  async (t) => {
    const { lines, options } = keepLog()
    const clock = new RunningClock()
    const { get, sandbox } = await startService(t, { ...options, clock })
    const connection = async () => (await get('/status')).json().connections[0]
    t.match(await connection(), { name: 'default', leader: true, credentials: 'unknown', last_error: null })
    await get('/products?limit=1')
    t.equal((await connection()).credentials, 'ok')

    sandbox.fault('*', { status: 401 })
    for (const url of ['/products', '/inventory', '/products/CUP/stock', '/warehouses', '/products']) {
      const reply = await get(url)
      t.match(reply.json(), { code: 'upstream_auth_failed', detail: /credentials of your request are valid/ })
    }
    await get('/readyz')
    const above = lines.filter(({ level }) => level > 30)
    t.match(above, [{ level: 50, msg: rejection }], 'one line')
    t.notMatch(JSON.stringify(above), /your request|stack/)
    t.match(await connection(), {
      credentials: 'refused',
      last_error: { code: 'upstream_auth_failed', detail: rejection, at: /Z$/ },
    })

    sandbox.clearFaults()
    await get('/products?limit=1')
    t.equal((await connection()).credentials, 'ok')
    t.equal((await connection()).last_error.code, 'upstream_auth_failed', 'the latest error is kept')
    t.match(lines.filter(({ msg }) => msg.startsWith('Trackstar')).at(-1), { level: 30, credentials: 'ok' })
    sandbox.fault('*', { status: 403, times: 2 })
    await get('/products?limit=1')
    t.equal(lines.filter(({ level }) => level === 50).length, 2, 'refused again')
  },
)

tap.test('regression: a mirror without valid credentials logged a stack trace for each list', async (t) => {
  const { lines, options } = keepLog()
  const { app, sandbox, get } = await startService(t, {
    ...options,
    sandbox: { accessToken: 'another-token' },
    environment: {
      ...options.environment,
      CATALOG_MODE: 'mirror',
      TRACKSTAR_ACCESS_TOKEN: 'revoked-token',
      TRACKSTAR_CONNECTION_ID: 'conn_sandbox',
    },
  })
  await app.ready()
  const lists = () => new Set(sandbox.calls.filter(({ status }) => status === 401).map(({ path }) => path))
  await eventually(() => lists().size === 3)
  await eventually(async () => (await get('/status')).json().connections[0].source !== null)
  t.match(
    lines.filter(({ level }) => level > 30),
    [{ level: 50, msg: rejection }],
  )
  t.equal((await get('/status')).json().connections[0].credentials, 'refused')
})

tap.test('shows the latest failure of a connection, but no mistakes of callers', async (t) => {
  const { get, sandbox } = await startService(t)
  const lastError = async () => (await get('/status')).json().connections[0].last_error
  for (const status of [400, 422, 501]) {
    sandbox.fault('/wms/products', { status, times: 1 })
    await get('/products?limit=1')
    t.equal(await lastError(), null, String(status))
  }
  const failures = [
    [{ status: 500, body: { error: 'secret of Trackstar' } }, 'upstream_unavailable', /500/],
    [{ body: { data: 'none' } }, 'upstream_invalid_response', /data/],
    [{ body: 'no JSON' }, 'upstream_invalid_response', /JSON/],
  ] as const
  for (const [fault, code, detail] of failures) {
    sandbox.fault('/wms/products', { ...fault, times: 3 })
    await get('/products?limit=1')
    sandbox.clearFaults()
    t.match(await lastError(), { code, detail, at: /^\d{4}-.*Z$/ })
    t.notMatch(JSON.stringify(await lastError()), /secret/)
  }
})

const path = '/webhooks/trackstar'

tap.test('regression: nearly every line of the log was a webhook delivery', async (t) => {
  const { lines, options } = keepLog()
  const clock = new RunningClock()
  const { deliver, post, get, sandbox } = await startMirrored(t, { ...options, clock })
  const webhooks = async () => (await get('/status')).json().connections[0].webhooks
  t.strictSame(await webhooks(), { last_received_at: null, received: 0, ignored: 0 })
  const before = (await get('/metrics')).body
  t.match(
    before,
    /^trackstar_webhook_deliveries_total\{connection="default",outcome="applied"\} 0$/m,
    'the first delivery counts as an increase',
  )
  t.notMatch(before, /^trackstar_webhook_last_received_timestamp_seconds\{/m)

  const { record } = sandbox.move('inv_jasmine', { by: -1, warehouse_id: 'wh_oslo' })
  const newer = { ...record, trackstar_updated_date: '2031-01-01T00:00:00Z' }
  const older = { ...record, trackstar_updated_date: '2001-01-01T00:00:00Z' }
  await deliver('inventory.updated', newer, {}, 'msg_first')
  await deliver('inventory.updated', newer, {}, 'msg_first')
  await deliver('inventory.updated', older)
  await deliver('inventory.updated', { id: 'inv_cup' }, { data_truncated: true })
  await deliver('inventory.updated', newer, { connection_id: 'conn_other' })
  await deliver('order.created', { id: 'ord_1' })
  t.strictSame(
    lines.filter(({ route }) => route === path),
    [],
  )
  await deliver('inventory.updated', 'no record')
  await post(path, {})
  t.match(
    lines.filter(({ route }) => route === path),
    [
      { level: 30, status: 400, problem: 'validation_failed' },
      { level: 30, status: 401, problem: 'unauthorized' },
    ],
    'a rejected delivery is logged',
  )

  const { body } = await get('/metrics')
  const counted = Array.from(
    body.matchAll(/^trackstar_webhook_deliveries_total\{connection="\w*",outcome="(\w+)"\} (\d+)$/gm),
  )
  t.strictSame(Object.fromEntries(counted.map(([, outcome, count]) => [outcome, Number(count)])), {
    applied: 1,
    read_back: 1,
    older: 1,
    duplicate: 1,
    ignored: 1,
    other_connection: 1,
    malformed: 1,
    unsigned: 1,
  })
  const [, seconds] =
    /^trackstar_webhook_last_received_timestamp_seconds\{connection="default"\} (\S+)$/m.exec(body) ?? []
  const { last_received_at, received, ignored } = await webhooks()
  t.strictSame([received, ignored], [7, 5])
  t.equal(Date.parse(last_received_at), Number(seconds) * 1000)
})

tap.test('shows no webhooks without a secret', async (t) => {
  const { get } = await startService(t)
  t.equal((await get('/status')).json().connections[0].webhooks, null)
})

tap.test('regression: an event stream closed by its reader was logged as aborted, without a status', async (t) => {
  const { lines, options } = keepLog()
  const { get, listen } = await startMirrored(t, options)
  const stream = await EventStream.open(t, await listen())
  stream.response.destroy()
  const logged = () => lines.filter(({ route }) => route === '/stock/events')
  await eventually(() => logged().length > 0)
  t.match(logged(), [{ msg: 'request completed', status: 200, problem: null, caller: 'anonymous', ms: Number }])
  const { body } = await get('/metrics')
  t.match(body, /^http_request_seconds_count\{method="GET",route="\/stock\/events",status="200"\} 1$/m)
  t.match(body, /^stock_event_readers\{connection="default"\} 0$/m)
})
