import { createHash } from 'node:crypto'
import tap from 'tap'
import { ConfigError, readConfig } from '../../src/config/config.js'
import { variables } from '../../src/config/variables.js'

const required = { TRACKSTAR_API_KEY: 'the-key', TRACKSTAR_ACCESS_TOKEN: 'the-token', AUTH_MODE: 'none' }
const read = (more: Record<string, string | undefined> = {}) => readConfig({ ...required, ...more })

/** The problems of an environment, a line each. */
function problemsOf(environment: Record<string, string | undefined>): readonly string[] {
  try {
    readConfig(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

tap.test('requires the credentials and API keys; everything else has a default', async (t) => {
  t.strictSame(
    { ...read() },
    {
      host: '127.0.0.1',
      port: 3000,
      logLevel: 'info',
      trackstarBaseUrl: 'https://production.trackstarhq.com',
      trackstarApiKey: 'the-key',
      trackstarReadRate: 10,
      trackstarWriteRate: 50,
      trackstarTimeoutMs: 5000,
      requestTimeoutMs: 10_000,
      cacheTtlSeconds: 60,
      cacheRevalidateSeconds: 300,
      cacheMaxStaleSeconds: 86_400,
      cacheNegativeTtlSeconds: 30,
      cacheMaxMb: 256,
      catalogMode: 'mirror',
      syncIntervalSeconds: 30,
      syncOverlapSeconds: 300,
      fullCompareHours: 0.25,
      trackstarWebhookSecrets: undefined,
      authMode: 'none',
      apiKeys: undefined,
      corsOrigins: undefined,
      clientRateLimit: 60_000,
      adminPort: undefined,
      ui: 'on',
      publicUrl: undefined,
      redisUrl: undefined,
      trustProxy: false,
      shutdownGraceSeconds: 10,
      connectionsFile: undefined,
      groups: [],
      connections: [
        {
          name: 'default',
          accessToken: 'the-token',
          connectionId: undefined,
          readRate: 10,
          writeRate: 50,
          catalogMode: 'mirror',
        },
      ],
    },
  )
  t.strictSame(problemsOf({}), [
    'TRACKSTAR_API_KEY is missing: expected visible ASCII characters without spaces',
    'TRACKSTAR_ACCESS_TOKEN is missing: expected visible ASCII characters without spaces',
    'API_KEYS is missing: expected name:key or name:sha256:<64 hex digits>, with :read+write where the key may write, and :au+us behind the scopes where it may use only these connections, several separated by commas, no key twice; or AUTH_MODE=none, to let every caller in',
  ])
})

tap.test('reads every variable', async (t) => {
  const given = {
    HOST: '0.0.0.0',
    PORT: '0',
    LOG_LEVEL: 'silent',
    TRACKSTAR_BASE_URL: 'http://localhost:8080/proxy/',
    TRACKSTAR_CONNECTION_ID: 'conn_1',
    TRACKSTAR_READ_RATE: '1',
    TRACKSTAR_WRITE_RATE: '10000',
    TRACKSTAR_TIMEOUT_MS: '1',
    REQUEST_TIMEOUT_MS: '600000',
    CACHE_TTL_SECONDS: '0.5',
    CACHE_REVALIDATE_SECONDS: '0',
    CACHE_MAX_STALE_SECONDS: '31536000',
    CACHE_NEGATIVE_TTL_SECONDS: '1.25',
    CACHE_MAX_MB: '65536',
    CATALOG_MODE: 'on-demand',
    SYNC_INTERVAL_SECONDS: '1',
    SYNC_OVERLAP_SECONDS: '0',
    FULL_COMPARE_HOURS: '0.01',
    TRACKSTAR_WEBHOOK_SECRET: 'whsec_AAAA, whsec_b+/9bw==',
    API_KEYS: 'shop:key-1',
    CORS_ORIGINS: 'https://shop.example, http://localhost:5173',
    CLIENT_RATE_LIMIT: '0',
    ADMIN_PORT: '9090',
    UI: 'off',
    PUBLIC_URL: 'https://api.example.com/stock-api/',
    REDIS_URL: 'rediss://stock:secret@redis.example:6380/2',
    TRUST_PROXY: '2',
    SHUTDOWN_GRACE_SECONDS: '0',
  }
  t.match(read(given), {
    host: '0.0.0.0',
    port: 0,
    logLevel: 'silent',
    trackstarBaseUrl: 'http://localhost:8080/proxy',
    trackstarReadRate: 1,
    trackstarWriteRate: 10_000,
    trackstarTimeoutMs: 1,
    requestTimeoutMs: 600_000,
    cacheTtlSeconds: 0.5,
    cacheRevalidateSeconds: 0,
    cacheMaxStaleSeconds: 31_536_000,
    cacheNegativeTtlSeconds: 1.25,
    cacheMaxMb: 65_536,
    catalogMode: 'on-demand',
    syncIntervalSeconds: 1,
    syncOverlapSeconds: 0,
    fullCompareHours: 0.01,
    trackstarWebhookSecrets: ['whsec_AAAA', 'whsec_b+/9bw=='],
    corsOrigins: ['https://shop.example', 'http://localhost:5173'],
    clientRateLimit: 0,
    adminPort: 9090,
    ui: 'off',
    publicUrl: 'https://api.example.com/stock-api',
    redisUrl: 'rediss://stock:secret@redis.example:6380/2',
    trustProxy: 2,
    shutdownGraceSeconds: 0,
    connections: [{ connectionId: 'conn_1', readRate: 1, writeRate: 10_000, catalogMode: 'on-demand' }],
  })
  const names = Object.values(variables).map(({ name }) => name)
  // It has tests of its own: with it, the variables of one connection must be unset.
  const others = ['CONNECTIONS_FILE']
  t.strictSame(new Set([...Object.keys(given), ...Object.keys(required), ...others]), new Set(names))
})

tap.test('treats an empty variable as unset', async (t) => {
  t.strictSame(read(Object.fromEntries(Object.keys(variables).map(() => ['PORT', '']))), read())
  t.strictSame(read({ PORT: '', HOST: '', TRACKSTAR_CONNECTION_ID: '', TRUST_PROXY: undefined }), read())
  t.match(problemsOf({ ...required, AUTH_MODE: '' }), [/^API_KEYS is missing: /])
})

tap.test('ignores unknown variables', async (t) => {
  t.strictSame(read({ PATH: '/bin', port: '1', npm_config_port: '2' }), read())
})

tap.test('reports each invalid variable in one line: its name, what was expected and what was given', async (t) => {
  const table: [string, string[], string][] = [
    ['PORT', ['65536', '-1', '1.5', '0x10', '1e3', ' 3000', 'http'], 'a whole number from 0 to 65535'],
    ['LOG_LEVEL', ['INFO', 'verbose'], 'one of fatal, error, warn, info, debug, trace, silent'],
    [
      'TRACKSTAR_BASE_URL',
      ['production.trackstarhq.com', 'ftp://host', 'https://', 'https://host?key=1', 'https://host#top'],
      'an http or https address without query or credentials',
    ],
    ['TRACKSTAR_CONNECTION_ID', ['a b', 'a\r\nb', 'ä'], 'visible ASCII characters without spaces'],
    ['TRACKSTAR_READ_RATE', ['0', '10001', '2.5'], 'a whole number from 1 to 10000'],
    ['TRACKSTAR_WRITE_RATE', ['0', '10001', '2.5'], 'a whole number from 1 to 10000'],
    ['TRACKSTAR_TIMEOUT_MS', ['0', '5s', '600001'], 'a whole number of milliseconds from 1 to 600000'],
    ['REQUEST_TIMEOUT_MS', ['0', 'Infinity', '600001'], 'a whole number of milliseconds from 1 to 600000'],
    ['CACHE_TTL_SECONDS', ['-1', '.5', '5.', '86401', 'NaN'], 'a number of seconds from 0 to 86400'],
    ['CACHE_REVALIDATE_SECONDS', ['604801'], 'a number of seconds from 0 to 604800'],
    ['CACHE_MAX_STALE_SECONDS', ['31536001', '9'.repeat(400)], 'a number of seconds from 0 to 31536000'],
    ['CACHE_NEGATIVE_TTL_SECONDS', ['86401'], 'a number of seconds from 0 to 86400'],
    ['CACHE_MAX_MB', ['0', '65537', '1.5'], 'a whole number of MB from 1 to 65536'],
    ['CATALOG_MODE', ['Mirror', 'on demand'], 'one of mirror, on-demand'],
    ['SYNC_INTERVAL_SECONDS', ['0', '0.9', '86401', '30s'], 'a number of seconds from 1 to 86400'],
    ['SYNC_OVERLAP_SECONDS', ['-1', '604801', '5m'], 'a number of seconds from 0 to 604800'],
    ['FULL_COMPARE_HOURS', ['0', '0.009', '8761', '-6'], 'a number of hours from 0.01 to 8760'],
    ['AUTH_MODE', ['off', 'None', 'none '], 'one of api-key, none'],
    [
      'CORS_ORIGINS',
      [
        '*',
        'null',
        'shop.example',
        'https://shop.example/',
        'https://Shop.example',
        'https://a.example,',
        'ftp://a.example',
      ],
      'origins such as https://shop.example, without a path, several separated by commas',
    ],
    ['CLIENT_RATE_LIMIT', ['-1', '1.5', '1000000001'], 'a whole number from 0 to 1000000000'],
    ['ADMIN_PORT', ['65536', 'no'], 'a whole number from 0 to 65535'],
    ['UI', ['yes', 'On'], 'one of on, off'],
    ['PUBLIC_URL', ['api.example.com', '/stock-api'], 'an http or https address without query or credentials'],
    [
      'TRUST_PROXY',
      ['yes', 'TRUE', '-1', '10.0.0.0/33', '::1/129', '10.0.0.0/0', '10.0.0.0/8/8', '10.0.0.256', '127.0.0.1,', '/8'],
      'true, false, a number of hops, or addresses',
    ],
    ['SHUTDOWN_GRACE_SECONDS', ['3601'], 'a number of seconds from 0 to 3600'],
  ]
  for (const [name, values, expected] of table) {
    for (const value of values) {
      const line = `${name} is wrong: expected ${expected}, but got ${JSON.stringify(value)}`
      t.strictSame(problemsOf({ ...required, [name]: value }), [line])
    }
  }
  for (const value of ['http://user:hunter2@redis', 'redis://', 'redis:6379', '6379']) {
    const [line = '', ...more] = problemsOf({ ...required, REDIS_URL: value })
    t.match(line, /^REDIS_URL is wrong: expected redis:.*, but got something else \(not shown: it is a secret\)$/)
    t.strictSame(more, [])
  }
  const secrets = ['TRACKSTAR_API_KEY', 'TRACKSTAR_ACCESS_TOKEN', 'TRACKSTAR_WEBHOOK_SECRET', 'API_KEYS', 'REDIS_URL']
  const tested = new Set(['HOST', 'CONNECTIONS_FILE', ...secrets, ...table.map(([name]) => name)])
  t.strictSame(new Set(Object.values(variables).map(({ name }) => name)), tested)
})

tap.test('regression: a credential in quotes, as docker --env-file passes it, was sent with its quotes', async (t) => {
  const secrets: Record<string, string[]> = {
    TRACKSTAR_API_KEY: ['"hunter2"', "'hunter2'", '`hunter2`', '“hunter2”'],
    TRACKSTAR_ACCESS_TOKEN: ['"hunter2"', ' "hunter2" '],
    TRACKSTAR_WEBHOOK_SECRET: ['"whsec_AAAA"', 'whsec_AAAA,"whsec_BBBB"', '"whsec_AAAA,whsec_BBBB"'],
    API_KEYS: [
      '"shop:hunter2"',
      "shop:'hunter2'",
      'shop:"hunter2":read+write',
      'a:b,"shop:hunter2"',
      "shop:sha256:'ab'",
    ],
  }
  for (const [name, values] of Object.entries(secrets)) {
    for (const value of values) {
      const [line = '', ...more] = problemsOf({ ...required, TRACKSTAR_CONNECTION_ID: 'conn', [name]: value })
      t.match(line, new RegExp(`^${name} is wrong: expected .*, without quotes around it, but got quotes \\(not shown`))
      t.notMatch(line, /hunter2|AAAA|BBBB/)
      t.strictSame(more, [], value)
    }
  }
  t.match(problemsOf({ ...required, HOST: '"0.0.0.0"' }), [
    /^HOST is wrong: .* without quotes around it, but got "\\"0/,
  ])
  t.strictSame(problemsOf({ ...required, TRACKSTAR_API_KEY: 'it"s\'fine"' }), [])
})

tap.test('never shows a secret, not even an invalid one', async (t) => {
  for (const name of ['TRACKSTAR_API_KEY', 'TRACKSTAR_ACCESS_TOKEN']) {
    t.strictSame(problemsOf({ ...required, [name]: 'sk live\n1' }), [
      `${name} is wrong: expected visible ASCII characters without spaces, but got something else (not shown: it is a secret)`,
    ])
  }
  for (const secret of [
    'hunter2',
    'whsec_',
    'whsec_AAA',
    'whsec_AAAA;whsec_BBBB',
    'whsec_AAAA,',
    'whsec_AAAA,hunter2',
  ]) {
    t.strictSame(problemsOf({ ...required, TRACKSTAR_CONNECTION_ID: 'conn', TRACKSTAR_WEBHOOK_SECRET: secret }), [
      'TRACKSTAR_WEBHOOK_SECRET is wrong: expected whsec_ and base64, several separated by commas, but got something else (not shown: it is a secret)',
    ])
  }
  for (const url of ['https://me:p@ss@host/x', 'https:me:p@ss@host/x', 'https://p@ss@host/x']) {
    t.match(problemsOf({ ...required, TRACKSTAR_BASE_URL: url }), [/^TRACKSTAR_BASE_URL is wrong: .* got "…@host\/x"$/])
  }
})

tap.test('requires the connection id if there is a webhook secret', async (t) => {
  const secret = { TRACKSTAR_WEBHOOK_SECRET: 'whsec_AAAA' }
  for (const id of [undefined, '']) {
    t.strictSame(problemsOf({ ...required, ...secret, TRACKSTAR_CONNECTION_ID: id }), [
      'TRACKSTAR_CONNECTION_ID is missing: TRACKSTAR_WEBHOOK_SECRET needs it, to ignore webhooks of other connections',
    ])
  }
  t.strictSame(read({ ...secret, TRACKSTAR_CONNECTION_ID: 'conn' }).trackstarWebhookSecrets, ['whsec_AAAA'])
  t.equal(read({ TRACKSTAR_CONNECTION_ID: 'conn' }).trackstarWebhookSecrets, undefined)
})

tap.test('keeps only the hash of each key, with its name and scopes', async (t) => {
  const sha256 = (key: string) => createHash('sha256').update(key).digest('hex')
  const { apiKeys, authMode } = readConfig({
    ...required,
    AUTH_MODE: undefined,
    API_KEYS: `shop:old, shop:new:read,office:sha256:${sha256('third').toUpperCase()}:read+write, a.b-c_d:x=/+:read+write`,
  })
  t.equal(authMode, 'api-key')
  t.strictSame(apiKeys, [
    { name: 'shop', sha256: sha256('old'), scopes: ['read'] },
    { name: 'shop', sha256: sha256('new'), scopes: ['read'] },
    { name: 'office', sha256: sha256('third'), scopes: ['read', 'write'] },
    { name: 'a.b-c_d', sha256: sha256('x=/+'), scopes: ['read', 'write'] },
  ])
  const wrongKeys = [
    'hunter2',
    ':hunter2',
    'shop:',
    'shop:hunter2:',
    'shop:hunter2:write',
    'shop:hunter2:read+write:more:still',
    'shop:hunter 2',
    'sh op:hunter2',
    `${'n'.repeat(65)}:hunter2`,
    'anonymous:hunter2',
    'shop:sha256',
    'shop:sha256:hunter2',
    `shop:sha256:${'g'.repeat(64)}`,
    `shop:sha256:${'a'.repeat(63)}`,
    'shop:hunter2,',
    'shop:hunter2,office:hunter2',
    `shop:hunter2,shop:sha256:${sha256('hunter2')}`,
  ]
  for (const keys of wrongKeys) {
    for (const mode of ['none', undefined]) {
      const lines = problemsOf({ ...required, AUTH_MODE: mode, API_KEYS: keys })
      t.equal(lines.length, 1, keys)
      t.match(
        lines[0],
        /^API_KEYS is wrong: expected name:key .*, but got something else in entry \d \(not shown: it is a secret\)$/,
      )
    }
  }
})

tap.test('reports which of several keys is invalid without showing it', async (t) => {
  const entryOf = (keys: string) => /in entry (\d) /.exec(problemsOf({ ...required, API_KEYS: keys })[0] ?? '')?.[1]
  t.equal(entryOf('hunter2'), '1')
  t.equal(entryOf('a:1, b:2:wrong, c:3'), '2')
  t.equal(entryOf('a:1,b:2,c:1'), '3', 'the same key again')
})

tap.test('rejects the same port for PORT and ADMIN_PORT', async (t) => {
  t.strictSame(problemsOf({ ...required, PORT: '8080', ADMIN_PORT: '8080' }), [
    'ADMIN_PORT is wrong: expected a port other than PORT, but got 8080 for both',
  ])
  t.equal(read({ PORT: '0', ADMIN_PORT: '0' }).adminPort, 0)
})

tap.test('reports all problems at once, in the order of the variables', async (t) => {
  const environment = { PORT: 'x', CACHE_MAX_MB: '0', AUTH_MODE: 'none', TRACKSTAR_API_KEY: 'k' }
  t.throws(() => readConfig(environment), {
    name: 'ConfigError',
    message:
      'PORT is wrong: expected a whole number from 0 to 65535, but got "x"\n' +
      'TRACKSTAR_ACCESS_TOKEN is missing: expected visible ASCII characters without spaces\n' +
      'CACHE_MAX_MB is wrong: expected a whole number of MB from 1 to 65536, but got "0"',
  })
  t.equal(problemsOf(environment).length, 3)
})

tap.test('parses TRUST_PROXY as Fastify does', async (t) => {
  t.equal(read({ TRUST_PROXY: 'true' }).trustProxy, true)
  t.equal(read({ TRUST_PROXY: 'false' }).trustProxy, false)
  t.equal(read({ TRUST_PROXY: '0' }).trustProxy, 0)
  for (const addresses of ['127.0.0.1', '10.0.0.0/8, ::1', 'loopback,uniquelocal', 'linklocal', 'fe80::/10', '::/1']) {
    t.equal(read({ TRUST_PROXY: addresses }).trustProxy, addresses)
  }
})

tap.test('returns a frozen configuration', async (t) => {
  const config = read()
  t.ok(Object.isFrozen(config))
  t.throws(() => Object.assign(config, { port: 1 }), { name: 'TypeError' })
})

tap.test('a key may be bound to connections and groups, behind its scopes', async (t) => {
  const keysOf = (keys: string) =>
    readConfig({ ...required, API_KEYS: keys }).apiKeys?.map(({ name, scopes, connections }) => [
      name,
      scopes.join('+'),
      connections,
    ])
  t.strictSame(keysOf(`a:one:read:au,b:two:read+write:au+us_1,c:sha256:${'0'.repeat(64)}:read:all-of-it,d:three`), [
    ['a', 'read', ['au']],
    ['b', 'read+write', ['au', 'us_1']],
    ['c', 'read', ['all-of-it']],
    ['d', 'read', undefined],
  ])
  for (const keys of ['a:one:read:', 'a:one:read:Au', 'a:one:read:au+', 'a:one:au', 'a:one:read:au:us', 'a:one::au']) {
    t.match(
      problemsOf({ ...required, AUTH_MODE: 'api-key', API_KEYS: keys }),
      [/^API_KEYS is wrong: .* in entry 1 /],
      keys,
    )
  }
})
