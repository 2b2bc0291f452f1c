// Runs before `npm start`. Without a build, Node would only report a missing module.
import { existsSync } from 'node:fs'

if (!existsSync(new URL('../dist/main.js', import.meta.url))) {
  console.error('dist/main.js is missing: run "npm run build" first')
  process.exitCode = 1
}
