import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import tap, { type Test } from 'tap'
import type { WalkOrders, WalkReport } from './oracle/walks.js'

/**
 * Random walks of the service against an upstream in memory, compared with a join that shares no code with the service.
 *
 * A failure prints its seed. To repeat one walk, or to walk further:
 * `ORACLE_SEED=7 ORACLE_ROUNDS=6 npm test -- test/e2e/mirror/oracle.test.ts`
 */
const { ORACLE_ROUNDS, ORACLE_SEED } = process.env
const roundsPerWalk = 6
const walks = Math.ceil(Number(ORACLE_ROUNDS || 60) / roundsPerWalk)
const firstSeed = Number(ORACLE_SEED || 1)

/** Seeds that failed once, with the reason. */
const regressions: Readonly<Record<number, string>> = {
  5: 'a product without stock left its SKU to another, and no event had the number',
  86: 'products that their SKU did not select left it to another, and no event had the number',
}

async function walk(t: Test, seeds: readonly number[]): Promise<void> {
  const orders: WalkOrders = { seeds, rounds: roundsPerWalk }
  const worker = new Worker(new URL('./oracle/walks.js', import.meta.url), {
    workerData: orders,
    execArgv: ['--enable-source-maps'],
  })
  worker.on('message', ({ seed, rounds, failure, counts, ms }: WalkReport) => {
    t.equal(failure, undefined, `seed ${seed}, ${rounds} rounds${regressions[seed] ? `: ${regressions[seed]}` : ''}`)
    if (ORACLE_SEED || ORACLE_ROUNDS) t.comment(`seed ${seed}: ${ms} ms, ${JSON.stringify(counts)}`)
  })
  await once(worker, 'exit')
}

tap.test('agrees with upstream on all routes once it has settled, and is never wrong without saying so', async (t) => {
  t.plan(walks)
  await walk(
    t,
    Array.from({ length: walks }, (_, n) => firstSeed + n),
  )
})

tap.test('agrees in the walks that failed before', { skip: Boolean(ORACLE_SEED) }, async (t) => {
  const seeds = Object.keys(regressions)
    .map(Number)
    .filter((seed) => seed < firstSeed || seed >= firstSeed + walks)
  t.plan(seeds.length)
  if (seeds.length > 0) await walk(t, seeds)
})
