// Writes dist/sbom.cdx.json, the CycloneDX bill of materials of the service in production. It reads the lock file and asks no
// registry. CI runs it; it fails if a production dependency is missing.
//
// `npm sbom --omit=dev` would be enough, but it leaves out every package that development needs as well (npm/cli#7909):
// 29 of 178 here. @cyclonedx/cyclonedx-npm gets this right, but brings a hundred packages with it, two of them native.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

process.chdir(join(import.meta.dirname, '..'))
const FILE = 'dist/sbom.cdx.json'

const whole = JSON.parse(
  execFileSync('npm', ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'inherit'],
  }),
)
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
const { name, version } = packages['']

/** `name@version` of each production package, with whether the service runs without it. */
const production = new Map(
  Object.entries(packages)
    .filter(([path, { dev }]) => path !== '' && !dev)
    .map(([path, entry]) => [
      `${entry.name ?? path.split('node_modules/').at(-1)}@${entry.version}`,
      entry.optional === true || entry.devOptional === true,
    ])
    // A package that is required in one place is required.
    .sort(([, a], [, b]) => Number(b) - Number(a)),
)

const components = whole.components.flatMap(({ properties, externalReferences, ...component }) => {
  const isOptional = production.get(component['bom-ref'])
  if (isOptional === undefined) return []
  return {
    ...component,
    // npm marks what development needs too as optional and as development's.
    scope: isOptional ? 'optional' : 'required',
    properties: properties.filter((property) => property.name !== 'cdx:npm:package:development'),
    // The address of the registry depends on the machine.
    externalReferences: externalReferences.filter(({ type }) => type !== 'distribution'),
  }
})
const root = whole.metadata.component
const listed = new Set(components.map((component) => component['bom-ref']))
const missing = [...production.keys()].filter((reference) => !listed.has(reference))
if (missing.length > 0) throw new Error(`the bill of materials lacks ${missing.join(', ')}`)

const sbom = {
  ...whole,
  // npm takes the name of the folder.
  metadata: { ...whole.metadata, component: { ...root, name, version, externalReferences: [] } },
  components,
  dependencies: whole.dependencies
    .filter(({ ref }) => listed.has(ref) || ref === root['bom-ref'])
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => listed.has(other)) })),
}
mkdirSync('dist', { recursive: true })
writeFileSync(FILE, `${JSON.stringify(sbom, null, 2)}\n`)
console.log(`${FILE} lists the ${components.length} packages of production`)
