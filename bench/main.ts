/** `npm run bench -- <name>`: runs a benchmark, prints a table, and exits with 1 if a bound is missed. */
import { connections } from './connections.js'
import { economy } from './economy.js'
import { mirror } from './mirror.js'
import { speed } from './speed.js'
import { surface } from './surface.js'
import { warm } from './warm.js'

const benches: Readonly<Record<string, () => Promise<void>>> = {
  warm,
  speed: () => speed(process.argv[3]),
  surface: () => surface(process.argv[3]),
  mirror: () => mirror(Number(process.argv[3] ?? 100_000)),
  connections: () => connections(process.argv[3]),
  economy: () => economy(Number(process.argv[3] ?? 4), process.argv[4]),
}

const bench = benches[process.argv[2] ?? '']
if (bench === undefined) {
  process.stderr.write(
    `usage: npm run bench -- <${Object.keys(benches).join(' | ')}> [minutes of the mixed load] [part]\n`,
  )
  process.exit(2)
}
await bench()
