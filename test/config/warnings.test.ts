import tap from 'tap'
import { configWarnings, connectionWarnings, unknownVariables } from '../../src/config/warnings.js'

const required = { TRACKSTAR_API_KEY: 'key', TRACKSTAR_ACCESS_TOKEN: 'token' }
const longKey = 'k'.repeat(16)

tap.test('has no warnings for a valid environment', async (t) => {
  t.strictSame(configWarnings({ ...required, HOST: '0.0.0.0', API_KEYS: `shop:${longKey}` }), [])
  t.strictSame(configWarnings({ ...required, AUTH_MODE: 'none' }), [])
})

tap.test('warns of open access on an address that other machines reach', async (t) => {
  const message = 'AUTH_MODE=none on a non-loopback address lets every caller in'
  for (const host of ['0.0.0.0', '::', '192.168.1.5', 'localhost.example.com', '127.example.com']) {
    t.strictSame(configWarnings({ ...required, AUTH_MODE: 'none', HOST: host }), [{ message, host }], host)
  }
  for (const host of ['', '127.0.0.1', '127.1.2.3', '::1', 'localhost']) {
    t.strictSame(configWarnings({ ...required, AUTH_MODE: 'none', HOST: host }), [], host)
  }
})

tap.test('warns of each API key of fewer than 16 characters by its name', async (t) => {
  const sha256 = 'a'.repeat(64)
  const keys = `shop:hunter2, office:${longKey}:read+write,old:sha256:${sha256},till:${'k'.repeat(15)}:read+write`
  const message = 'API key is shorter than 16 characters'
  t.strictSame(configWarnings({ ...required, API_KEYS: keys }), [
    { message, caller: 'shop', characters: 7 },
    { message, caller: 'till', characters: 15 },
  ])
})

tap.test('warns of a variable that looks like one of ours, with the nearest name', async (t) => {
  const table = {
    CACHE_TTL: 'CACHE_TTL_SECONDS',
    TRACKSTAR_ACESS_TOKEN: 'TRACKSTAR_ACCESS_TOKEN',
    TRACKSTAR_API_TOKEN: 'TRACKSTAR_API_KEY',
    SYNC_INTERVAL: 'SYNC_INTERVAL_SECONDS',
    API_KEY: 'API_KEYS',
    AUTH_MODES: 'AUTH_MODE',
    CORS_ORIGIN: 'CORS_ORIGINS',
    CLIENT_RATE_LIMITS: 'CLIENT_RATE_LIMIT',
    REQUEST_TIMEOUT: 'REQUEST_TIMEOUT_MS',
    SHUTDOWN_GRACE: 'SHUTDOWN_GRACE_SECONDS',
    ADMIN_PORTS: 'ADMIN_PORT',
    CATALOG_MODES: 'CATALOG_MODE',
    FULL_COMPARE_HOUR: 'FULL_COMPARE_HOURS',
  }
  for (const [variable, nearest] of Object.entries(table)) {
    const expected = [{ message: 'unknown environment variable', variable, nearest }]
    t.strictSame(configWarnings({ ...required, [variable]: 'x' }), expected, variable)
  }
})

tap.test('ignores variables that are empty, of other programs, or set by Kubernetes and Docker', async (t) => {
  const others = {
    CACHE_TTL: '',
    PATH: '/bin',
    HOME: '/root',
    OTEL_SERVICE_NAME: 'x',
    NODE_OPTIONS: '--x',
    SANDBOX_PRODUCTS: '5',
    TRACKSTAR_BFF_SERVICE_HOST: '10.0.0.1',
    TRACKSTAR_BFF_SERVICE_PORT: '80',
    TRACKSTAR_BFF_SERVICE_PORT_HTTP: '80',
    TRACKSTAR_BFF_PORT: 'tcp://10.0.0.1:80',
    TRACKSTAR_BFF_PORT_80_TCP: 'tcp://10.0.0.1:80',
    TRACKSTAR_BFF_PORT_80_TCP_ADDR: '10.0.0.1',
    CACHE_SERVICE_HOST: '10.0.0.2',
  }
  t.strictSame(configWarnings({ ...required, ...others, API_KEYS: `shop:${longKey}` }), [])
})

tap.test('knows additional variables of other commands', async (t) => {
  const environment = { ...required, AUTH_MODE: 'none', SANDBOX_PRODUCTS: '5', SANDBOX_PRODUCT: '5' }
  const expected = [
    { message: 'unknown environment variable', variable: 'SANDBOX_PRODUCT', nearest: 'SANDBOX_PRODUCTS' },
  ]
  t.strictSame(configWarnings(environment, ['SANDBOX_PRODUCTS', 'SANDBOX_PORT']), expected)
  t.strictSame(unknownVariables({ ...environment, CACHE_TTL: '5' }, ['SANDBOX_PRODUCTS', 'SANDBOX_PORT']), expected)
})

tap.test('warns of what the connections do not have: the names of keys, and ids for webhooks', async (t) => {
  const fields = { accessToken: 'token', readRate: 10, writeRate: 50, catalogMode: 'mirror' } as const
  const connections = [
    { name: 'au', connectionId: 'conn_1', ...fields },
    { name: 'us', connectionId: undefined, ...fields },
  ]
  const key = { sha256: 'a'.repeat(64), scopes: ['read'] as const }
  const config = {
    connections,
    groups: [{ name: 'both', connections: ['au', 'us'] }],
    apiKeys: [
      { ...key, name: 'shop', connections: ['au', 'both', 'uk'] },
      { ...key, name: 'office' },
    ],
    trackstarWebhookSecrets: undefined,
  }
  const ofKey = { message: 'API key names an unknown connection', caller: 'shop', connection: 'uk' }
  t.strictSame(connectionWarnings(config), [ofKey])
  t.strictSame(connectionWarnings({ ...config, trackstarWebhookSecrets: ['whsec_c2VjcmV0'] }), [
    ofKey,
    { message: 'webhooks of a connection without an id are ignored', connection: 'us' },
  ])
})
