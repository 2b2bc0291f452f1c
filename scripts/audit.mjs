// Fails if a package that production needs has a known vulnerability, and if that cannot be found out; where the registry has
// no audit service it says so and passes. CI runs it.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { auditVerdict } from './audit-verdict.mjs'

const { stdout, error } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
  cwd: join(import.meta.dirname, '..'),
  encoding: 'utf8',
  maxBuffer: 64 * 1024 * 1024,
})
const { outcome, lines } = auditVerdict(stdout || String(error ?? ''))
for (const line of lines) console.log(line)
if (outcome === 'vulnerable' || outcome === 'failed') process.exitCode = 1
