import fc from 'fast-check'
import tap from 'tap'
import { requestsOf } from './fuzz/requests.js'
import { promised, startFuzzStage } from './fuzz/stage.js'
import { operationsOf } from './openapi/document.js'

/** Set to the seed that a failure has printed, to see it again. */
const seed = Number(process.env['FUZZ_SEED']) || undefined

tap.test(
  'answers whatever comes as the document says, and asks upstream nothing that was put in its mouth',
  async (t) => {
    const { known, shoot } = await startFuzzStage(t)
    const counts = new Map<string, number>()
    const count = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)
    await fc.assert(
      fc.asyncProperty(requestsOf(promised, known), async (request) => {
        const { status, destination, faults, callFaults } = await shoot(request)
        const isSuccess = status !== undefined && status < 300
        if (isSuccess && destination?.operation) count(`${destination.method} ${destination.path}`)
        count(String(status))
        const all = [...faults, ...callFaults]
        if (all.length > 0) throw new Error(all.join('\n'))
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 1500), ...(seed !== undefined && { seed }) },
    )
    for (const { method, path } of operationsOf(promised)) {
      t.ok(counts.has(`${method} ${path}`), `${method} ${path} was asked for something that it has`)
    }
    console.error(counts)
  },
)
