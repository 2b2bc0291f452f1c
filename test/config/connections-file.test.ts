import tap from 'tap'
import { ConfigError, readConfig } from '../../src/config/config.js'
import { readConnectionsFile } from '../../src/config/connections-file.js'

const defaults = { readRate: 10, writeRate: 50, catalogMode: 'mirror' } as const

/** Reads a file whose text, or content as JSON, is given; other files are those of tokens. */
const read = (content: unknown, files: Readonly<Record<string, string>> = {}) =>
  readConnectionsFile('/etc/bff/connections.json', defaults, (path) => {
    if (path === '/etc/bff/connections.json') return typeof content === 'string' ? content : JSON.stringify(content)
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return text
  })

function problemsOf(content: unknown, files?: Readonly<Record<string, string>>): readonly string[] {
  try {
    read(content, files)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

const au = { name: 'au', access_token: 'token-of-au' }

tap.test('reads connections and groups; what is not given follows the environment', async (t) => {
  const { connections, groups } = read(
    {
      connections: [
        { ...au, connection_id: 'conn_1' },
        { name: 'us', access_token_file: '/run/secrets/us', read_rate: 5, write_rate: 6, catalog_mode: 'on-demand' },
        { name: 'ca', access_token_file: 'ca-token' },
      ],
      groups: [{ name: 'all-of-it', connections: ['us', 'au'] }],
    },
    { '/run/secrets/us': 'token-of-us\n', '/etc/bff/ca-token': 'token-of-ca' },
  )
  t.strictSame(connections, [
    {
      name: 'au',
      accessToken: 'token-of-au',
      connectionId: 'conn_1',
      readRate: 10,
      writeRate: 50,
      catalogMode: 'mirror',
    },
    {
      name: 'us',
      accessToken: 'token-of-us',
      connectionId: undefined,
      readRate: 5,
      writeRate: 6,
      catalogMode: 'on-demand',
    },
    {
      name: 'ca',
      accessToken: 'token-of-ca',
      connectionId: undefined,
      readRate: 10,
      writeRate: 50,
      catalogMode: 'mirror',
    },
  ])
  t.strictSame(groups, [{ name: 'all-of-it', connections: ['us', 'au'] }])
})

tap.test('reports every fault by its place', async (t) => {
  t.strictSame(
    problemsOf({
      connections: [
        au,
        { name: 'Au', access_token: 'x y', conection_id: 'conn_1' },
        {
          name: 'au',
          access_token: 'token-of-au',
          connection_id: 7,
          read_rate: 0,
          write_rate: '5',
          catalog_mode: 'off',
        },
        { name: 'none' },
        { name: 'both', access_token: 'a', access_token_file: 'b' },
        { name: 'file', access_token_file: '/nowhere' },
        'us',
      ],
      groups: [
        { name: 'au', connections: ['au', 'uk', 'au'] },
        { name: 'empty', connections: [] },
        { connections: ['none'], more: 1 },
      ],
      extra: {},
    }),
    [
      '/extra: expected one of connections, groups, but got another field',
      '/connections/1/conection_id: expected one of name, access_token, access_token_file, connection_id, read_rate, write_rate, catalog_mode, but got another field',
      '/connections/1/name: expected a name of a-z, 0-9, _ and -, at most 63 characters, that begins with a letter or digit, but got "Au"',
      '/connections/1/access_token: expected a token of visible ASCII characters without spaces, but got something else (not shown: it is a secret)',
      '/connections/2/name: expected another value than /connections/0/name, but got the same',
      '/connections/2/access_token: expected another value than /connections/0/access_token, but got the same',
      '/connections/2/connection_id: expected visible ASCII characters without spaces, but got 7',
      '/connections/2/read_rate: expected a whole number from 1 to 10000, but got 0',
      '/connections/2/write_rate: expected a whole number from 1 to 10000, but got "5"',
      '/connections/2/catalog_mode: expected one of mirror, on-demand, but got "off"',
      '/connections/3: expected access_token or access_token_file, but got neither',
      '/connections/4: expected access_token or access_token_file, but got both',
      '/connections/5/access_token_file: expected a file that can be read, but got "/nowhere" (ENOENT)',
      '/connections/6: expected an object with name and access_token, but got a string',
      '/groups/0/name: expected another value than /connections/0/name, but got the same',
      '/groups/0/connections/1: expected the name of a connection of this file, but got "uk"',
      '/groups/0/connections/2: expected a connection that the group does not have yet, but got "au"',
      '/groups/1/connections: expected a list of names of connections, but got an empty list',
      '/groups/2/more: expected one of name, connections, but got another field',
      '/groups/2/name: expected a name of a-z, 0-9, _ and -, at most 63 characters, that begins with a letter or digit, but got nothing',
    ],
  )
})

tap.test('reports a file that is no such object', async (t) => {
  const place = 'CONNECTIONS_FILE is wrong: expected'
  t.strictSame(problemsOf('{\n"connections": [tok3n]}'), [`${place} JSON, but got a syntax error`])
  t.strictSame(problemsOf('[]'), [`${place} an object with connections, but got an empty list`])
  t.strictSame(problemsOf('null'), [`${place} an object with connections, but got null`])
  t.strictSame(problemsOf('{}'), ['/connections: expected a list of connections, but got nothing'])
  t.strictSame(problemsOf({ connections: [] }), ['/connections: expected a list of connections, but got an empty list'])
  t.throws(() => readConnectionsFile('/nowhere/connections.json', defaults), {
    message: `${place} a file that can be read, but got "/nowhere/connections.json" (ENOENT)`,
  })
})

tap.test('shows no token, wherever it is', async (t) => {
  const secret = 'S3CRET'
  const contents = [
    { connections: [{ name: secret, access_token: secret, connection_id: { token: secret } }] },
    { connections: [{ access_token: secret, [secret]: 1, read_rate: secret, catalog_mode: secret }] },
    { connections: [au, { name: 'us', access_token: secret }, { name: 'ca', access_token: secret }] },
    { connections: [{ name: 'us', access_token: [secret] }] },
    { connections: [{ name: 'us', access_token_file: 'file' }] },
    { connections: [{ name: 'us', access_token_file: secret }] },
    { connections: [secret, [secret], { name: 'us', access_token: 'token' }] },
    { connections: secret, groups: secret },
    { connections: [au], groups: [secret, { name: 'all', connections: secret }] },
    `{"connections": [{"name": "us", "access_token": "${secret}" oops`,
  ]
  for (const content of contents) {
    const problems = problemsOf(content, { '/etc/bff/file': `${secret} ${secret}` })
    t.ok(problems.length > 0)
    t.notMatch(problems.join('\n'), secret)
  }
})

const environment = { TRACKSTAR_API_KEY: 'k', AUTH_MODE: 'none' }

tap.test('is read in place of the variables of one connection', async (t) => {
  const problems = (given: Readonly<Record<string, string>>) => {
    try {
      readConfig({ ...environment, ...given })
      return []
    } catch (error) {
      return error instanceof ConfigError ? error.problems : [String(error)]
    }
  }
  t.match(problems({}), [/^TRACKSTAR_ACCESS_TOKEN is missing: /])
  t.match(
    problems({ CONNECTIONS_FILE: '/nowhere', TRACKSTAR_ACCESS_TOKEN: 'S3CRET', TRACKSTAR_CONNECTION_ID: 'conn_1' }),
    [
      'TRACKSTAR_ACCESS_TOKEN is wrong: expected it to be unset beside CONNECTIONS_FILE, but it is set',
      'TRACKSTAR_CONNECTION_ID is wrong: expected it to be unset beside CONNECTIONS_FILE, but it is set',
      'CONNECTIONS_FILE is wrong: expected a file that can be read, but got "/nowhere" (ENOENT)',
    ],
  )
  const { connections, groups } = readConfig({ ...environment, TRACKSTAR_ACCESS_TOKEN: 'token' })
  t.strictSame(
    connections.map(({ name, accessToken }) => [name, accessToken]),
    [['default', 'token']],
  )
  t.strictSame(groups, [])
})
