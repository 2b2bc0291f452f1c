// Runs before `npm start`: without a build Node would only say that it cannot find a module.
import { existsSync } from 'node:fs'

if (!existsSync(new URL('../dist/main.js', import.meta.url))) {
  console.error('dist/main.js is missing: run "npm run build" first')
  process.exitCode = 1
}
