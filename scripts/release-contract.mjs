// Takes openapi/openapi.json for the contract that is released now: writes it to openapi/released.json, which later ones are
// held against. Refuses, and writes nothing, if the version has not moved or if clients of the last release would break
// though the major version has not. Runs on what tsc has compiled into build/.
import { readFile, writeFile } from 'node:fs/promises'
import { releaseFaults } from '../build/test/openapi/release.js'

const folder = new URL('../openapi/', import.meta.url)
const text = await readFile(new URL('openapi.json', folder), 'utf8')
const current = JSON.parse(text)
const released = await readFile(new URL('released.json', folder), 'utf8').then(JSON.parse, (error) => {
  if (error.code === 'ENOENT') return undefined
  throw error
})

const faults = releaseFaults(released, current)
if (faults.length === 0) {
  await writeFile(new URL('released.json', folder), text)
  console.log(`openapi/released.json is the contract of ${current.info.version}`)
} else {
  for (const fault of faults) console.error(fault)
  console.error('openapi/released.json stays as it is')
  process.exitCode = 1
}
