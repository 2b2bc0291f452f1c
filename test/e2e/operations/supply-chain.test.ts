import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import tap from 'tap'

const script = async <T>(name: string): Promise<T> =>
  (await import(pathToFileURL(join(import.meta.dirname, '..', '..', '..', '..', 'scripts', name)).href)) as T

interface Verdict {
  readonly outcome: string
  readonly lines: readonly string[]
}
const { auditVerdict } = await script<{ auditVerdict: (output: string) => Verdict }>('audit-verdict.mjs')
const verdictOn = (output: unknown) => auditVerdict(typeof output === 'string' ? output : JSON.stringify(output))

const counts = { info: 0, low: 0, moderate: 0, high: 0, critical: 0, total: 0 }
const report = (vulnerabilities: object, total: number) => ({
  auditReportVersion: 2,
  vulnerabilities,
  metadata: { vulnerabilities: { ...counts, total }, dependencies: { prod: 150, dev: 300, total: 450 } },
})
const vulnerable = {
  'left-pad': {
    name: 'left-pad',
    severity: 'low',
    via: [{ title: 'It pads too far', url: 'https://advisories.test/1', severity: 'low' }],
    range: '<1.3.0',
  },
  padder: { name: 'padder', severity: 'low', via: ['left-pad'], range: '*' },
}

/** What npm prints where the registry answered with an error. */
const refused = (statusCode: number) => ({
  message: `${statusCode} - POST https://registry.test/-/npm/v1/security/advisories/bulk`,
  method: 'POST',
  headers: {},
  statusCode,
  body: '',
  error: { summary: '', detail: '' },
})

tap.test('an audit that found nothing is clean', async (t) => {
  t.match(verdictOn(report({}, 0)), { outcome: 'clean', lines: [/no known vulnerability/] })
})

tap.test('an audit that found something names it, however slight', async (t) => {
  t.strictSame(verdictOn(report(vulnerable, 2)), {
    outcome: 'vulnerable',
    lines: ['left-pad <1.3.0 (low): It pads too far, https://advisories.test/1', 'padder * (low): by way of left-pad'],
  })
  t.equal(verdictOn(report({}, 1)).outcome, 'vulnerable', 'even if it does not say what')
  t.equal(verdictOn(report(vulnerable, 0)).outcome, 'vulnerable', 'even if it cannot count')
})

tap.test('a registry without an audit service makes a notice, and no other error does', async (t) => {
  for (const status of [404, 405, 410, 501]) {
    t.match(verdictOn(refused(status)), { outcome: 'no-service', lines: [new RegExp(`^NOTICE: .*${status}`)] })
  }
  for (const status of [400, 401, 403, 429, 500, 502, 503]) {
    t.match(verdictOn(refused(status)), { outcome: 'failed', lines: [new RegExp(`^npm audit failed: ${status}`)] })
  }
})

tap.test('an audit that could not be made has failed', async (t) => {
  const failures: [output: unknown, reason: RegExp][] = [
    [{ error: { code: 'ENOLOCK', summary: 'This command requires an existing lockfile.', detail: '' } }, /lockfile/],
    [{ message: 'request failed, reason: connect ECONNREFUSED', error: { summary: '', detail: '' } }, /ECONNREFUSED/],
    [{}, /{}/],
    [{ metadata: { vulnerabilities: {} } }, /metadata/],
    ['null', /null/],
    ['<html>405</html>', /<html>/],
    ['', /it printed nothing/],
  ]
  for (const [output, reason] of failures) t.match(verdictOn(output), { outcome: 'failed', lines: [reason] })
})

interface Sbom {
  readonly metadata: { readonly component: object }
  readonly components: readonly { readonly 'bom-ref': string; readonly scope: string }[]
  readonly dependencies: readonly object[]
}
const { productionSbom } = await script<{ productionSbom: (whole: object, lock: object) => Sbom }>(
  'production-sbom.mjs',
)

const lock = {
  packages: {
    '': { name: 'shop', version: '1.0.0' },
    'node_modules/server': { version: '2.0.0' },
    'node_modules/server/node_modules/shared': { version: '1.1.0' },
    'node_modules/shared': { version: '1.0.0', dev: true },
    'node_modules/alias': { name: '@scope/real', version: '3.0.0' },
    'node_modules/fsevents': { version: '4.0.0', optional: true },
    'node_modules/tester': { version: '5.0.0', dev: true },
    'node_modules/tester/node_modules/server': { version: '2.0.0', dev: true },
  },
}
const component = (name: string, version: string) => ({
  'bom-ref': `${name}@${version}`,
  name,
  version,
  scope: 'optional',
  properties: [{ name: 'cdx:npm:package:development', value: 'true' }],
  externalReferences: [
    { type: 'distribution', url: 'https://registry.test/x.tgz' },
    { type: 'website', url: 'https://x.test' },
  ],
})
const whole = {
  bomFormat: 'CycloneDX',
  metadata: { component: { 'bom-ref': 'shop@1.0.0', name: 'folder', version: '1.0.0' } },
  components: [
    component('server', '2.0.0'),
    component('shared', '1.1.0'),
    component('shared', '1.0.0'),
    component('@scope/real', '3.0.0'),
    component('fsevents', '4.0.0'),
    component('tester', '5.0.0'),
  ],
  dependencies: [
    { ref: 'shop@1.0.0', dependsOn: ['server@2.0.0', 'tester@5.0.0'] },
    { ref: 'server@2.0.0', dependsOn: ['shared@1.1.0'] },
    { ref: 'tester@5.0.0', dependsOn: ['server@2.0.0', 'shared@1.0.0'] },
  ],
}

tap.test(
  'the bill of materials lists what production needs, also what development needs too, and nothing else',
  async (t) => {
    const { metadata, components, dependencies } = productionSbom(whole, lock)
    t.strictSame(
      components.map((one) => [one['bom-ref'], one.scope]),
      [
        ['server@2.0.0', 'required'],
        ['shared@1.1.0', 'required'],
        ['@scope/real@3.0.0', 'required'],
        ['fsevents@4.0.0', 'optional'],
      ],
    )
    t.match(metadata.component, { name: 'shop', version: '1.0.0' })
    t.strictSame(dependencies, [
      { ref: 'shop@1.0.0', dependsOn: ['server@2.0.0'] },
      { ref: 'server@2.0.0', dependsOn: ['shared@1.1.0'] },
    ])
  },
)

tap.test('the bill of materials names no registry and nothing as for development', async (t) => {
  const text = JSON.stringify(productionSbom(whole, lock))
  t.notMatch(text, 'registry.test')
  t.notMatch(text, 'development')
  t.match(text, 'https://x.test')
})

tap.test('a bill of materials that lacks a package of production is none', async (t) => {
  const incomplete = { ...whole, components: whole.components.slice(1) }
  t.throws(() => productionSbom(incomplete, lock), /lacks server@2\.0\.0$/)
})
