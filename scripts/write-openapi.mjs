// Writes, from the built service (dist/):
//   openapi/examples.json      answers of the sandbox, which the contract document shows
//   openapi/openapi.json       the contract document
//   openapi/trackstar-bff.d.ts the types of its clients
// With --check it writes nothing, and fails if a committed file differs.
import { readFile, writeFile } from 'node:fs/promises'
import { buildApp } from '../dist/app.js'
import { readConfig } from '../dist/config/config.js'
import { captureExamples } from './capture-examples.mjs'
import { clientTypes } from './client-types.mjs'

const folder = new URL('../openapi/', import.meta.url)
const isCheck = process.argv.includes('--check')

const toJson = (value) => `${JSON.stringify(value, null, 2)}\n`

await update('examples.json', toJson(await captureExamples()))
// After the examples: the service reads them when it starts.
const document = toJson(await contractDocument())
await update('openapi.json', document)
await update('trackstar-bff.d.ts', await clientTypes(JSON.parse(document)))

/** The document as the service serves it, with every route: webhooks need a secret. */
async function contractDocument() {
  const config = readConfig({
    TRACKSTAR_API_KEY: 'none',
    TRACKSTAR_ACCESS_TOKEN: 'none',
    TRACKSTAR_CONNECTION_ID: 'none',
    TRACKSTAR_WEBHOOK_SECRET: 'whsec_AAAA',
    AUTH_MODE: 'none',
    CATALOG_MODE: 'on-demand',
    LOG_LEVEL: 'silent',
  })
  const app = await buildApp(config)
  const { body } = await app.inject('/openapi.json')
  await app.close()
  return JSON.parse(body)
}

/** Writes a file of the folder if its text differs; with --check it only reports the difference. */
async function update(name, text) {
  const file = new URL(name, folder)
  const committed = await readFile(file, 'utf8').catch((error) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  if (committed === text) {
    console.log(`openapi/${name} is up to date`)
  } else if (isCheck) {
    console.error(
      `openapi/${name} differs from the routes at line ${firstDifference(committed, text)}: run "npm run openapi" and commit the result`,
    )
    process.exitCode = 1
  } else {
    await writeFile(file, text)
    console.log(`openapi/${name} written`)
  }
}

/** The number of the first line, from 1, in which two texts differ. */
function firstDifference(a, b) {
  const [left, right] = [a.split('\n'), b.split('\n')]
  return left.findIndex((line, index) => line !== right[index]) + 1 || left.length + 1
}
