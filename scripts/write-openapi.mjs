// Writes openapi/openapi.json, the contract document, from the routes of the built service (dist/). With --check it
// writes nothing and fails if the committed document is not what the routes say.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { openapiDocument } from '../dist/openapi.js'

const folder = new URL('../openapi/', import.meta.url)
const file = new URL('openapi.json', folder)

const wanted = `${JSON.stringify(await openapiDocument(), null, 2)}\n`
const committed = await readFile(file, 'utf8').catch((error) => {
  if (error.code === 'ENOENT') return undefined
  throw error
})

if (committed === wanted) {
  console.log('openapi/openapi.json agrees with the routes')
} else if (process.argv.includes('--check')) {
  const where = committed === undefined ? 'it does not exist' : `first at line ${firstDifference(committed, wanted)}`
  console.error(`openapi/openapi.json differs from the routes (${where}): run "npm run openapi" and commit the result`)
  process.exitCode = 1
} else {
  await mkdir(folder, { recursive: true })
  await writeFile(file, wanted)
  console.log('openapi/openapi.json written')
}

/** The number of the first line, from 1, in which two texts differ. */
function firstDifference(a, b) {
  const [left, right] = [a.split('\n'), b.split('\n')]
  return left.findIndex((line, index) => line !== right[index]) + 1 || left.length + 1
}
