import tap from 'tap'
import { ConfigError } from '../src/config/config-error.js'
import type { ConnectionConfig } from '../src/config/connections-file.js'
import { ConnectionsReload } from '../src/connections-reload.js'

const au: ConnectionConfig = {
  name: 'au',
  accessToken: 'token',
  connectionId: undefined,
  readRate: 10,
  writeRate: 50,
  catalogMode: 'mirror',
}

tap.test('looks at the file at least every ten seconds, until it is stopped', async (t) => {
  let connections = [au]
  const applied: string[][] = []
  let poll: (() => void) | undefined
  let everyMs = 0
  const reload = new ConnectionsReload({
    read() {
      if (connections.length === 0) throw new ConfigError(['/connections: expected a list'])
      return { connections, groups: [] }
    },
    apply(next) {
      applied.push(next.connections.map(({ accessToken }) => accessToken))
      return { added: [], removed: [], replaced: [], rekeyed: [], regrouped: [] }
    },
    current: { connections, groups: [] },
    log: { info() {}, error() {} },
    every(ms, work) {
      everyMs = ms
      poll = work
      return () => {
        poll = undefined
      }
    },
  })
  reload.start()
  t.ok(everyMs <= 10_000)
  poll?.()
  t.strictSame(applied, [], 'nothing has changed')
  connections = [{ ...au, accessToken: 'another' }]
  poll?.()
  poll?.()
  t.strictSame(applied, [['another']])
  connections = []
  poll?.()
  t.equal(reload.error, '/connections: expected a list')
  reload.stop()
  t.equal(poll, undefined)
})
