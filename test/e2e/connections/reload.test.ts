import { readFileSync } from 'node:fs'
import { mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import tap from 'tap'
import { createLogger } from '../../../src/http/logging.js'
import type { Status } from '../../../src/routes/status.js'
import { startConnections } from '../../connections-service.js'
import { EventStream } from '../../event-stream.js'
import { eventually } from '../../harness.js'

type Shown = Status['connections'][number]

async function start(t: Parameters<typeof startConnections>[0], environment: Readonly<Record<string, string>> = {}) {
  const lines: string[] = []
  const service = await startConnections(
    t,
    { au: {}, us: {}, ca: {} },
    {
      environment: { LOG_LEVEL: 'info', CATALOG_MODE: 'mirror', SYNC_INTERVAL_SECONDS: '86400', ...environment },
      logger: (config) => createLogger(config, { write: (line) => void lines.push(line) }),
    },
  )
  const { app, get, write, entry } = service
  const status = async (): Promise<Status> => (await get('/status')).json()
  const shown = async () => (await status()).connections
  const areLive = async () => (await shown()).every(({ mirror }: Shown) => mirror?.state === 'live')
  await eventually(areLive)
  const reload = async (content: unknown) => {
    await write(content)
    app.reloadConnections()
  }
  const ask = async (connection: string) => get(`/products/CUP/stock?connection=${connection}`)
  const logged = (message: string) => lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === message)
  const entries = (...names: string[]) => ({ connections: names.map(entry) })
  return { ...service, lines, status, shown, areLive, reload, ask, logged, entries }
}

tap.test('a connection that is removed is let go, and one that is added begins', async (t) => {
  const { app, get, reload, ask, shown, areLive, logged, entries } = await start(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const port = Number(Object(app.server.address()).port)
  await eventually(async () => (await get('/stock/low?below=0&connection=us')).statusCode === 200)
  const stream = await EventStream.open(t, port, '/stock/events?connection=us')
  await reload(entries('au', 'ca'))
  await eventually(() => stream.isOver)
  t.equal((await ask('us')).statusCode, 404)
  t.equal((await ask('au')).statusCode, 200)
  t.strictSame(
    (await shown()).map(({ name }) => name),
    ['au', 'ca'],
  )
  await eventually(async () => !(await get('/metrics')).body.includes('connection="us"'))
  await reload(entries('us', 'au', 'ca'))
  t.equal((await ask('us')).statusCode, 200, 'at once, by read-through')
  await eventually(areLive)
  t.match(logged('connections reloaded'), [
    { added: [], removed: ['us'], replaced: [], rekeyed: [] },
    { added: ['us'], removed: [], replaced: [], rekeyed: [] },
  ])
})

tap.test('a changed token is used from the next call on, and what is held stays', async (t) => {
  const { reload, ask, get, setToken, shown, sandbox, entry, entries, lines, logged } = await start(t)
  const before = sandbox('au').calls.length
  setToken('au', 'another-token-of-au')
  t.equal((await get('/products?limit=1&connection=au')).statusCode, 502)
  t.match((await shown())[0], { credentials: 'refused' })
  await reload({
    connections: [{ ...entry('au'), access_token: 'another-token-of-au' }, ...entries('us', 'ca').connections],
  })
  t.match((await shown())[0], { credentials: 'unknown', mirror: { state: 'live', products: 60 } })
  t.equal((await ask('au')).headers['cache-status'], 'trackstar-bff; hit')
  t.equal((await get('/products?limit=1&connection=au')).statusCode, 200)
  t.equal(sandbox('au').calls.length, before + 1, 'nothing was loaded again')
  t.match((await shown())[0], { credentials: 'ok' })
  t.match(logged('connections reloaded'), [{ rekeyed: ['au'] }])
  t.notMatch(lines.join(''), 'token-of')
})

tap.test('groups that have changed are named', async (t) => {
  const { reload, entries, logged } = await start(t)
  const { connections } = entries('au', 'us', 'ca')
  const withGroups = (groups: Readonly<Record<string, readonly string[]>>) =>
    reload({ connections, groups: Object.entries(groups).map(([name, members]) => ({ name, connections: members })) })
  await withGroups({ both: ['au', 'us'], same: ['ca'], gone: ['us'] })
  await withGroups({ same: ['ca'], both: ['us', 'au'], added: ['au'] })
  t.match(
    logged('connections reloaded').map(({ regrouped }) => regrouped),
    [
      ['both', 'same', 'gone'],
      ['both', 'added', 'gone'],
    ],
  )
})

tap.test('a connection of which more has changed is made anew', async (t) => {
  const { reload, shown, areLive, entry, entries, logged } = await start(t)
  await reload({ connections: [{ ...entry('au'), read_rate: 7 }, ...entries('us', 'ca').connections] })
  t.match(logged('connections reloaded'), [{ replaced: ['au'], rekeyed: [] }])
  t.match((await shown())[0], { budget: { reads_per_second: 7 }, mirror: { state: 'loading' } })
  await eventually(areLive)
})

tap.test('a wrong file changes nothing, and is said', async (t) => {
  const { reload, ask, get, status, entries, logged, app } = await start(t)
  t.match(await status(), { configuration_error: null })
  t.match((await get('/metrics')).body, /^connections_file_wrong 0$/m)
  await reload({ connections: [{ name: 'AU', access_token: 'S3CRET' }] })
  app.reloadConnections()
  for (const connection of ['au', 'us', 'ca']) t.equal((await ask(connection)).statusCode, 200)
  const { configuration_error } = await status()
  t.match(configuration_error, /^\/connections\/0\/name: expected a name .*, but got "AU"$/)
  t.match((await get('/metrics')).body, /^connections_file_wrong 1$/m)
  t.match(logged('connections file is wrong, keeping the connections'), [
    { level: 50, problems: [configuration_error] },
  ])
  t.equal(logged('connections file is wrong, keeping the connections').length, 1, 'said once')
  await reload(entries('au', 'us', 'ca'))
  t.match(await status(), { configuration_error: null })
  t.equal(logged('connections file is valid again').length, 1)
})

tap.test('the command of the runbook shows the whole configuration_error', async (t) => {
  const { reload, get, status } = await start(t)
  const runbook = readFileSync(join(import.meta.dirname, '../../../../docs/runbook.md'), 'utf8')
  const patterns = Array.from(runbook.matchAll(/grep -oE '("configuration_error".*)'/g), ([, pattern = '']) => pattern)
  t.ok(patterns.length > 0)
  t.notMatch(runbook, /grep -o '"configuration_error/)
  const shown = async () => {
    const { body } = await get('/status')
    return patterns.map((pattern) => JSON.parse(`{${new RegExp(pattern).exec(body)?.[0]}}`).configuration_error)
  }
  for (const error of await shown()) t.equal(error, null)
  await reload({ connections: [{ name: 'A"U', access_tokn: 'x' }] })
  const { configuration_error } = await status()
  t.match(configuration_error, /"A\\"U"/)
  for (const error of await shown()) t.equal(error, configuration_error)
})

tap.test('a mounted folder may be swapped as a link', async (t) => {
  const { file, app, shown, entries } = await start(t)
  const folder = dirname(file)
  const swap = async (version: string, ...names: string[]) => {
    await mkdir(join(folder, version))
    await writeFile(join(folder, version, 'connections.json'), JSON.stringify(entries(...names)))
    await symlink(version, join(folder, 'next'))
    await rename(join(folder, 'next'), join(folder, '..data'))
  }
  await swap('1', 'au', 'us')
  await symlink('..data/connections.json', join(folder, 'linked'))
  await rename(join(folder, 'linked'), file)
  app.reloadConnections()
  t.equal((await shown()).length, 2)
  await swap('2', 'au')
  app.reloadConnections()
  t.equal((await shown()).length, 1)
})
