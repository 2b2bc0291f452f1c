/** Compares a cached stock with a constant route of the same size, in one process and one run. */
import Fastify from 'fastify'
import { Pool } from 'undici'
import { buildApp } from '../src/app.js'
import { readConfig } from '../src/config/config.js'
import { generatedSku } from '../src/sandbox/generated-catalog.js'
import { createSandbox } from '../src/sandbox/sandbox.js'
import { ask, percentile, print } from './load.js'

const rounds = 5
const requests = 10_000

export async function warm(): Promise<void> {
  const sandbox = createSandbox({ products: 100, readRate: 0 })
  const config = readConfig({
    TRACKSTAR_BASE_URL: await sandbox.listen(),
    TRACKSTAR_API_KEY: sandbox.credentials.apiKey,
    TRACKSTAR_ACCESS_TOKEN: sandbox.credentials.accessToken,
    CACHE_TTL_SECONDS: '3600',
    AUTH_MODE: 'none',
    CATALOG_MODE: 'on-demand',
    LOG_LEVEL: 'silent',
  })
  const app = await buildApp(config)
  const url = `/products/${generatedSku(0)}/stock`
  const { body } = await app.inject(url)
  const constant = Fastify()
  constant.get('/constant', (_request, reply) => reply.type('application/json').send(body))

  const clients = {
    'warm stock': { client: new Pool(await app.listen({ port: 0 }), { connections: 1 }), path: url },
    'constant route, same size': {
      client: new Pool(await constant.listen({ port: 0 }), { connections: 1 }),
      path: '/constant',
    },
  }
  const times = new Map<string, number[]>()
  for (let round = 0; round < rounds; round++) {
    for (const [name, { client, path }] of Object.entries(clients)) {
      const taken: number[] = []
      for (let n = 0; n < requests; n++) taken.push((await ask(client, path)).ms)
      // The first round warms up.
      if (round > 0) times.set(name, [...(times.get(name) ?? []), ...taken])
    }
  }
  print(
    `warm: ${requests} sequential requests, ${rounds - 1} alternating rounds, client in the same process, ${body.length} bytes`,
    Array.from(times, ([name, taken]) => ({
      case: name,
      measured: `p50 ${(percentile(taken, 0.5) * 1000).toFixed(0)} µs, p99 ${(percentile(taken, 0.99) * 1000).toFixed(0)} µs`,
      bound: name === 'warm stock' ? 'well under 1 ms' : '',
      ok: name === 'warm stock' ? percentile(taken, 0.5) < 0.5 : null,
    })),
  )
  for (const { client } of Object.values(clients)) await client.close()
  await Promise.all([app.close(), constant.close(), sandbox.close()])
}
