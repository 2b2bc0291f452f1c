import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import tap from 'tap'
import { parse } from 'yaml'
import { type Config, ConfigError, readConfig } from '../../../src/config/config.js'
import { variables } from '../../../src/config/variables.js'
import { configWarnings } from '../../../src/config/warnings.js'
import { createSandbox, sandboxWebhookSecret } from '../../../src/sandbox/sandbox.js'
import { sandboxVariables } from '../../../src/sandbox/sandbox-variables.js'
import { severalConnections } from '../../../src/sandbox/several-connections.js'
import { version } from '../../../src/version.js'
import { startService } from '../../harness.js'
import { routesOf } from '../../openapi/routes.js'
import {
  alertRules,
  compose,
  composeConnections,
  image,
  manifestsIn,
  manifestsOf,
  read,
} from '../../operations/files.js'

type Environment = Readonly<Record<string, string>>

const root = join(import.meta.dirname, '..', '..', '..', '..')
const { bff, sandbox, prometheus } = compose.services
const [deployment] = manifestsOf('Deployment')
const [configMap] = manifestsOf('ConfigMap')
const [secret] = manifestsOf('Secret')
const pod = deployment.spec.template
const [container] = pod.spec.containers
const deployed: Environment = { ...configMap.data, ...secret.stringData }
/** A list of keys with a digest in place of each placeholder. */
const withDigests = (keys: string) => {
  let digit = 0
  return keys.replaceAll('<64 hex digits>', () => String(digit++).repeat(64))
}
/** The deployed environment with its placeholders filled in. */
const filled: Environment = {
  ...deployed,
  TRACKSTAR_CONNECTION_ID: 'conn_1',
  TRACKSTAR_API_KEY: 'key',
  TRACKSTAR_ACCESS_TOKEN: 'token',
  TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
  API_KEYS: withDigests(deployed['API_KEYS'] ?? ''),
}
const configOf = (environment: Environment) => readConfig({ ...image.environment, ...environment })

/** The MiB of `1024m` or `1024Mi`. */
const mebibytes = (text: unknown) => Number(/^(\d+)Mi?$/i.exec(String(text))?.[1])
const seconds = (text: unknown) => Number(/^(\d+)s$/.exec(String(text))?.[1])
const heapOf = ({ NODE_OPTIONS = '' }: Environment) => Number(/^--max-old-space-size=(\d+)$/.exec(NODE_OPTIONS)?.[1])
/** The rule under "Sizing memory" in the runbook. */
const leastMebibytes = ({ cacheMaxMb }: Config) => Math.max(512, 3 * cacheMaxMb + 256)

const paths = (await routesOf((await startService(tap)).app)).map((route) => route.replace(/^\w+ /, ''))

tap.test('the manifests set no variable that the service does not read', async (t) => {
  const known: readonly string[] = [...Object.values(variables).map(({ name }) => name), 'NODE_OPTIONS']
  const { bff: bffOfSeveral, sandbox: sandboxOfSeveral } = composeConnections.services
  const ofSeveral = manifestsIn('docs/kubernetes-connections.yaml').map(({ data }) => data ?? {})
  const given = [bff.environment, bffOfSeveral.environment, deployed, image.environment, ...ofSeveral].flatMap(
    (environment) => Object.keys(environment),
  )
  t.same(
    given.filter((name) => !known.includes(name) && !/^(OTEL_\w+|NODE_ENV)$/.test(name)),
    [],
  )
  const ofSandbox: readonly string[] = Object.values(sandboxVariables).map(({ name }) => name)
  t.same(
    Object.keys({ ...sandbox.environment, ...sandboxOfSeveral.environment }).filter(
      (name) => !ofSandbox.includes(name),
    ),
    [],
  )
})

tap.test('the compose file starts the service against the sandbox beside it', async (t) => {
  const config = configOf(bff.environment)
  const { credentials } = createSandbox({ products: 50 })
  const { SANDBOX_HOST: host, SANDBOX_PORT: port, SANDBOX_WEBHOOK_URL: webhooks } = sandbox.environment
  t.equal(host, '0.0.0.0')
  t.match(config, {
    host: '0.0.0.0',
    port: image.port,
    trackstarBaseUrl: `http://sandbox:${port}`,
    trackstarApiKey: credentials.apiKey,
    connections: [{ accessToken: credentials.accessToken, connectionId: credentials.connectionId }],
    trackstarWebhookSecrets: [sandboxWebhookSecret],
  })
  t.equal(webhooks, `http://bff:${config.port}/webhooks/trackstar`)
  t.same(sandbox.command, ['node', 'dist/demo.js', 'sandbox'])
  t.match(read('compose.yaml'), `X-API-Key: ${String(bff.environment['API_KEYS']).split(/[:,]/)[1]}'`)
})

tap.test('the image and `npm start` run Node with the same options', async (t) => {
  const { scripts } = JSON.parse(read('package.json'))
  const [, command = ''] = /^CMD (\[.*\])$/m.exec(read('Dockerfile')) ?? []
  t.equal(scripts.start, JSON.parse(command).join(' '))
})

tap.test('the compose file gives callers keys that the service does not warn of', async (t) => {
  t.same(configWarnings(bff.environment), [])
})

tap.test('the compose file builds one image and drops privileges in both containers', async (t) => {
  for (const service of [bff, sandbox]) {
    t.match(service, {
      build: '.',
      image: 'trackstar-bff',
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    })
  }
  for (const { ports = [] } of Object.values(compose.services)) {
    for (const port of ports) t.match(port, /^127\.0\.0\.1:\d+:\d+$/)
  }
  t.match(bff, { depends_on: { sandbox: { condition: 'service_healthy' } } })
})

tap.test('the health checks of the compose file request addresses that exist', async (t) => {
  const [command = '', sandboxCommand = ''] = [bff, sandbox].map(({ healthcheck }) => healthcheck.test.at(-1))
  const config = configOf(bff.environment)
  t.match(command, `'http://127.0.0.1:${config.port}/readyz'`)
  t.ok(paths.includes('/readyz') && paths.includes(String(image.healthPath)))
  const upstream = createSandbox({ products: 50 })
  t.teardown(() => upstream.close())
  const { apiKey, connectionId } = upstream.credentials
  const path = `/connections/${connectionId}`
  t.match(sandboxCommand, `'http://127.0.0.1:${sandbox.environment['SANDBOX_PORT']}${path}'`)
  t.match(sandboxCommand, `{headers: {'x-trackstar-api-key': '${apiKey}'}}`)
  const answer = await fetch(`${await upstream.listen()}${path}`, { headers: { 'x-trackstar-api-key': apiKey } })
  t.equal(answer.status, 200)
})

tap.test('Prometheus and Grafana of the compose file find the service, the rules and the dashboard', async (t) => {
  const config = configOf(bff.environment)
  const { scrape_configs: jobs, rule_files: rules } = parse(String(compose.configs['prometheus']?.content))
  t.match(jobs, [{ job_name: 'trackstar-bff', static_configs: [{ targets: [`bff:${config.adminPort}`] }] }])
  t.same(rules, ['alerts.yml'])
  t.match(prometheus.configs, [{ source: 'prometheus' }, { source: 'alerts', target: '/etc/prometheus/alerts.yml' }])
  for (const { configs = [] } of Object.values(compose.services)) {
    for (const { source } of configs) t.ok(compose.configs[source], source)
  }
  for (const { file } of Object.values(compose.configs)) if (file) t.ok(existsSync(join(root, file)), file)
})

tap.test('the manifest starts once its placeholders are filled in, and is refused with them', async (t) => {
  const config = configOf(filled)
  t.equal(config.adminPort, 9090)
  t.same(
    config.apiKeys?.map(({ name, scopes }) => [name, scopes]),
    [
      ['storefront', ['read']],
      ['orders', ['read', 'write']],
    ],
  )
  t.same(
    problemsOf(deployed).map((line) => line.split(' ', 1)[0]),
    Object.keys(deployed)
      .filter((name) => deployed[name]?.includes('<'))
      .toSorted((a, b) => order(a) - order(b)),
  )
})

/** Why an environment is refused. */
function problemsOf(environment: Environment): readonly string[] {
  try {
    configOf(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

tap.test('the compose file for several connections starts the service with those of the sandbox', async (t) => {
  const { environment, volumes } = composeConnections.services.bff
  const [outside = '', inside, access] = String(volumes?.[0]).split(':')
  const path = environment['CONNECTIONS_FILE'] ?? ''
  t.same([path, access], [`${inside}/connections.json`, 'ro'])
  const file = join(root, outside, 'connections.json')
  const { connections, groups, apiKeys } = configOf({ ...bff.environment, ...environment, CONNECTIONS_FILE: file })
  const given = severalConnections(Number(composeConnections.services.sandbox.environment['SANDBOX_CONNECTIONS']))
  t.match(
    connections,
    given.map(({ name, options }) => {
      const { accessToken, connectionId } = createSandbox({ ...options, products: 0 }).credentials
      return { name, accessToken, connectionId }
    }),
  )
  t.match(groups, [{ name: 'all', connections: given.map(({ name }) => name) }])
  t.same(configWarnings(environment), [])
  const known = [...connections, ...groups].map(({ name }) => name)
  const bound = apiKeys?.flatMap((key) => key.connections ?? []) ?? []
  t.ok(bound.length > 0 && bound.every((name) => known.includes(name)), bound.join())
  for (const [, key = ''] of read('compose.connections.yaml').matchAll(/X-API-Key: (.*?)'/g)) {
    t.match(environment['API_KEYS'], new RegExp(`:${key}(:|,|$)`))
  }
})

tap.test('the manifest for several connections is the other one with a mounted file', async (t) => {
  const several = manifestsIn('docs/kubernetes-connections.yaml')
  const [ownConfigMap] = manifestsOf('ConfigMap', several)
  const [ownSecret, file, ...more] = manifestsOf('Secret', several)
  const [ownDeployment, ...others] = manifestsOf('Deployment', several)
  t.same([more, others], [[], []])
  const isEqual = (kind: string) => t.same(manifestsOf(kind, several), manifestsOf(kind), kind)
  for (const kind of ['Service', 'NetworkPolicy']) isEqual(kind)
  const { CONNECTIONS_FILE: path = '', ...settings } = ownConfigMap.data ?? {}
  const { TRACKSTAR_CONNECTION_ID: _id, ...sameSettings } = configMap.data ?? {}
  t.same(settings, sameSettings)
  const spec = ownDeployment.spec.template.spec
  const { volumes = [], containers, ...sameSpec } = spec
  const [{ volumeMounts = [], ...sameContainer }] = containers
  const sameTemplate = { ...ownDeployment.spec.template, spec: { ...sameSpec, containers: [sameContainer] } }
  t.same({ ...ownDeployment, spec: { ...ownDeployment.spec, template: sameTemplate } }, deployment)
  t.same(volumes, [{ name: 'connections', secret: { secretName: file?.metadata.name } }])
  t.same(volumeMounts, [{ name: 'connections', mountPath: dirname(path), readOnly: true }])
  const [content = ''] = Object.entries(file?.stringData ?? {}).flatMap(([name, text]) =>
    name === basename(path) ? [text] : [],
  )
  const folder = await mkdtemp(join(tmpdir(), 'deployment-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const mounted = join(folder, 'connections.json')
  const environment: Environment = {
    ...ownConfigMap.data,
    ...filled,
    ...ownSecret.stringData,
    TRACKSTAR_API_KEY: 'key',
    TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
    API_KEYS: withDigests(ownSecret.stringData?.['API_KEYS'] ?? ''),
    TRACKSTAR_ACCESS_TOKEN: '',
    TRACKSTAR_CONNECTION_ID: '',
    CONNECTIONS_FILE: mounted,
  }
  await writeFile(mounted, content)
  t.match(problemsOf(environment), Array(4).fill(/^\/connections\/[01]\/\w+: expected .*visible ASCII/))
  await writeFile(
    mounted,
    content.replaceAll(/<the ([^>]*)>/g, (_, words: string) => words.replaceAll(' ', '-')),
  )
  const { connections, groups, apiKeys } = configOf(environment)
  const known = [...connections, ...groups].map(({ name }) => name)
  t.ok(connections.length > 1 && groups.length > 0)
  t.ok(apiKeys?.some((key) => key.connections !== undefined))
  for (const { name, connections: names = [] } of apiKeys ?? []) {
    t.same(
      names.filter((one) => !known.includes(one)),
      [],
      name,
    )
  }
})

const order = (name: string) =>
  Object.values<{ name: string }>(variables).findIndex((variable) => variable.name === name)

tap.test('the manifest runs the image as it is built', async (t) => {
  const { user, port } = image
  t.equal(user, 'node')
  t.match(pod.spec, {
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
  })
  t.match(container.securityContext, {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'] },
  })
  t.equal(container.image, `trackstar-bff:${version}`)
  t.same(container.envFrom, [
    { configMapRef: { name: configMap.metadata.name } },
    { secretRef: { name: secret.metadata.name } },
  ])
  const { port: httpPort, adminPort } = configOf(filled)
  t.equal(httpPort, port)
  t.same(container.ports, [
    { name: 'http', containerPort: httpPort },
    { name: 'admin', containerPort: adminPort },
  ])
})

tap.test('the probes of the manifest request addresses that exist, and services point to existing ports', async (t) => {
  const { startupProbe, livenessProbe, readinessProbe } = container
  t.same(
    [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => httpGet),
    ['/livez', '/livez', '/readyz'].map((path) => ({ path, port: 'http' })),
  )
  const { annotations, labels } = pod.metadata
  for (const path of ['/livez', '/readyz', annotations['prometheus.io/path']])
    t.ok(paths.includes(String(path)), String(path))
  t.equal(annotations['prometheus.io/port'], String(configOf(filled).adminPort))
  const names = container.ports.map(({ name }) => name)
  const [policy] = manifestsOf('NetworkPolicy')
  const services = manifestsOf('Service')
  t.same(
    services.map(({ spec }) => spec.ports.map(({ targetPort }) => targetPort)),
    [['http'], ['admin']],
  )
  t.same(
    policy.spec.ingress.flatMap(({ ports }) => ports.map(({ port }) => port)),
    names,
  )
  for (const { spec } of services) t.same(spec.selector, labels)
  t.same([deployment.spec.selector, policy.spec.podSelector], [{ matchLabels: labels }, { matchLabels: labels }])
})

tap.test('compose and Kubernetes wait longer for a stop than the grace time', async (t) => {
  t.ok(seconds(bff['stop_grace_period']) > configOf(bff.environment).shutdownGraceSeconds)
  const [command, pause] = container.lifecycle.preStop.exec.command
  t.equal(command, 'sleep')
  t.ok(pod.spec.terminationGracePeriodSeconds > Number(pause) + configOf(filled).shutdownGraceSeconds)
})

tap.test('the memory limits fit CACHE_MAX_MB', async (t) => {
  const { requests, limits } = container.resources
  t.equal(requests['memory'], limits['memory'])
  for (const [limit, environment] of [
    [mebibytes(bff['mem_limit']), bff.environment],
    [mebibytes(limits['memory']), filled],
  ] as const) {
    t.ok(limit >= leastMebibytes(configOf(environment)), `${limit} MiB`)
    t.equal(heapOf(environment), 0.75 * limit)
  }
  t.match(read('docs/runbook.md'), '3 × `CACHE_MAX_MB` + 256, and at least 512')
})

tap.test('the alerts follow the configuration of the manifest', async (t) => {
  const limit = mebibytes(container.resources.limits['memory'])
  const { syncIntervalSeconds, cacheTtlSeconds } = configOf(filled)
  const exprOf = (name: string) => alertRules.find(({ alert }) => alert === name)?.expr
  t.match(exprOf('TrackstarBffMemoryHigh'), `> 0.85 * ${limit} * 1048576`)
  t.match(exprOf('TrackstarBffMirrorBehind'), new RegExp(`> ${5 * syncIntervalSeconds}$`))
  t.ok(cacheTtlSeconds >= 2 * syncIntervalSeconds)
})
