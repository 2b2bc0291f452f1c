import type { Test } from 'tap'
import { type MirroredService, startMirrored } from '../e2e/mirror/mirrored.js'
import { eventually } from '../harness.js'

/** A key with read scope, and one with write scope too. */
export const readingKey = 'only-reads-2vXq8Lw4'
export const writingKey = 'also-writes-9Tn3Rk7B'

/** A request that the service received, and its response. */
export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly authorization: string | undefined
  readonly apiKey: string | string[] | undefined
  /** 0 until there is a response. */
  readonly status: number
}

export interface KeyedService extends MirroredService {
  /** The origin of the service. */
  readonly origin: string
  /** Every request that arrived over a socket, preflights included, in order. */
  readonly seen: SeenRequest[]
}

/** The whole service as in production: it requires keys, and allows pages of `allowed`. */
export async function startKeyedService(t: Test, allowed = ''): Promise<KeyedService> {
  const service = await startMirrored(t, {
    waits: false,
    environment: {
      AUTH_MODE: 'api-key',
      API_KEYS: `storefront:${readingKey},office:${writingKey}:read+write`,
      CORS_ORIGINS: allowed,
    },
  })
  const { app, get, listen } = service
  const key = { 'x-api-key': readingKey }
  await eventually(async () => (await get('/stock/low?below=0', key)).statusCode === 200)
  const seen: SeenRequest[] = []
  app.server.on('request', ({ method = '', url = '', headers }, response) => {
    seen.push({
      method,
      url,
      authorization: headers.authorization,
      apiKey: headers['x-api-key'],
      get status() {
        return response.headersSent ? response.statusCode : 0
      },
    })
  })
  return { ...service, origin: `http://127.0.0.1:${await listen()}`, seen }
}
