// Adds to package-lock.json the builds for other platforms that npm left out of it.
//
// Biome, oxlint and the like come as one optional package for each platform. Where the registry at hand does not have
// all of them, `npm install` silently leaves the missing ones out of the lock file, and `npm ci` then refuses that very
// file ("Missing: … from lock file", npm/cli#9846). Run this after `npm install`; with --check it only reports.
// An entry made here has no integrity hash, since the registry at hand does not have the package: only the platforms in
// question use it.
import { readFile, writeFile } from 'node:fs/promises'

const lockPath = new URL('../package-lock.json', import.meta.url)
const OPERATING_SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32']
const PROCESSORS = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']

const lock = JSON.parse(await readFile(lockPath, 'utf8'))
const added = []

for (const [parentPath, parent] of Object.entries(lock.packages)) {
  const siblings = Object.keys(parent.optionalDependencies ?? {})
  for (const name of siblings) {
    if (isLocked(parentPath, name)) continue
    lock.packages[`node_modules/${name}`] = entryFor(name, parent, siblings)
    added.push(name)
  }
}

if (added.length === 0) {
  console.log('package-lock.json names every optional build')
} else if (process.argv.includes('--check')) {
  console.error(`package-lock.json lacks ${added.join(', ')}: run "node scripts/complete-lock.mjs"`)
  process.exitCode = 1
} else {
  const [root, ...others] = Object.entries(lock.packages)
  others.sort(([a], [b]) => a.localeCompare(b, 'en'))
  lock.packages = Object.fromEntries([root, ...others])
  await writeFile(lockPath, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`package-lock.json: added ${added.join(', ')}`)
}

/** Whether `name`, as seen from `parentPath`, is in the lock file: beside its parent or in any folder above. */
function isLocked(parentPath, name) {
  for (let folder = parentPath; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    if (lock.packages[`${folder}${folder === '' ? '' : '/'}node_modules/${name}`] !== undefined) return true
    if (folder === '') return false
  }
}

/** The entry of a build that its parent pins; its platform is read from its name, as `cli-linux-x64-musl`. */
function entryFor(name, parent, siblings) {
  const version = parent.optionalDependencies[name]
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) throw new Error(`${name} is not pinned: got ${version}`)
  const words = name.split(/[-/]/)
  const os = OPERATING_SYSTEMS.find((word) => words.includes(word))
  const cpu = PROCESSORS.find((word) => words.includes(word))
  if (os === undefined || cpu === undefined) throw new Error(`${name} does not name its platform`)
  const libc = os === 'linux' ? libcOf(name, siblings) : undefined
  return {
    version,
    cpu: [cpu],
    ...(parent.dev && { dev: true }),
    ...(libc && { libc: [libc] }),
    license: parent.license,
    optional: true,
    os: [os],
    ...(parent.engines && { engines: parent.engines }),
  }
}

/** The C library a Linux build is for; a build without a suffix is glibc's where a musl one stands beside it. */
function libcOf(name, siblings) {
  if (name.includes('-musl')) return 'musl'
  if (name.includes('-gnu') || siblings.includes(`${name}-musl`)) return 'glibc'
  return undefined
}
