// Writes openapi/openapi.json, the contract document, from the routes of the built service (dist/), and
// openapi/trackstar-bff.d.ts, the types of its clients, from that. With --check it writes nothing and fails if a committed
// file is not what the routes say.
import { readFile, writeFile } from 'node:fs/promises'
import { openapiDocument } from '../dist/openapi.js'
import { clientTypes } from './client-types.mjs'

const folder = new URL('../openapi/', import.meta.url)
const isCheck = process.argv.includes('--check')

const text = `${JSON.stringify(await openapiDocument(), null, 2)}\n`
await settle('openapi.json', text)
await settle('trackstar-bff.d.ts', await clientTypes(JSON.parse(text)))

/** Writes a file of the folder if it is not as wanted, or says so. */
async function settle(name, wanted) {
  const file = new URL(name, folder)
  const committed = await readFile(file, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (committed === wanted) {
    console.log(`openapi/${name} agrees with the routes`)
  } else if (isCheck) {
    const where = committed === undefined ? 'it does not exist' : `first at line ${firstDifference(committed, wanted)}`
    console.error(`openapi/${name} differs from the routes (${where}): run "npm run openapi" and commit the result`)
    process.exitCode = 1
  } else {
    await writeFile(file, wanted)
    console.log(`openapi/${name} written`)
  }
}

/** The number of the first line, from 1, in which two texts differ. */
function firstDifference(a, b) {
  const [left, right] = [a.split('\n'), b.split('\n')]
  return left.findIndex((line, index) => line !== right[index]) + 1 || left.length + 1
}
