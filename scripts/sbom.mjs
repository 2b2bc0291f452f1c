// Writes dist/sbom.cdx.json: what the service is made of in production, as CycloneDX. Asks no registry: it reads the lock
// file. Fails if a production dependency is not listed. CI runs it.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { productionSbom } from './production-sbom.mjs'

process.chdir(join(import.meta.dirname, '..'))
const FILE = 'dist/sbom.cdx.json'

const output = execFileSync(
  'npm',
  ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application', '--package-lock-only'],
  { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'inherit'] },
)
const sbom = productionSbom(JSON.parse(output), JSON.parse(readFileSync('package-lock.json', 'utf8')))
mkdirSync('dist', { recursive: true })
writeFileSync(FILE, `${JSON.stringify(sbom, null, 2)}\n`)
console.log(`${FILE} lists the ${sbom.components.length} packages of production`)
