import type { FastifyInstance } from 'fastify'

/** How often the two ways are compared again, in case something changed in between. */
const attempts = 3

interface Results {
  readonly results?: readonly { readonly sku: string; readonly status: string }[]
}

/**
 * Asks for these SKUs twice: for the kept answers of the mirror, and for answers that are composed and serialised for the
 * request, which is so with any `Cache-Control`. Returns how they differ; undefined if they are the same, byte for byte.
 * Neither way calls upstream.
 * @param alone whether each SKU is asked for alone as well
 */
export async function differenceOfKept(
  app: FastifyInstance,
  skus: readonly string[],
  alone: boolean,
): Promise<string | undefined> {
  const isLive = (await app.inject('/stock/low?below=0')).statusCode === 200
  if (!isLive) return undefined
  let difference: string | undefined
  for (let attempt = 0; attempt < attempts; attempt++) {
    difference = await compare(app, skus, alone)
    if (difference === undefined) return undefined
  }
  return difference
}

async function compare(app: FastifyInstance, skus: readonly string[], alone: boolean): Promise<string | undefined> {
  const manyOf = (some: readonly string[]) => `/stock?${some.map((sku) => `sku=${encodeURIComponent(sku)}`).join('&')}`
  const held = await ask(app, manyOf(skus), true)
  const { results = [] } = JSON.parse(held.body) as Results
  const known = results.flatMap(({ sku, status }) => (status === 'ok' ? [sku] : []))
  if (known.length === 0) return undefined
  const urlOf = (sku: string) => `/products/${encodeURIComponent(sku)}/stock`
  const urls = [manyOf(known), ...(alone ? known.map(urlOf) : [])]
  for (const url of urls) {
    const kept = await ask(app, url, false)
    const composed = await ask(app, url, true)
    if (kept.body !== composed.body || kept.headers['etag'] !== composed.headers['etag']) {
      const [tags, bodies] = [[kept, composed].map(({ headers }) => headers['etag']), [kept.body, composed.body]]
      return [`${url}: the kept answer is not what is composed now`, ...tags, ...bodies].join('\n')
    }
  }
  return undefined
}

const ask = (app: FastifyInstance, url: string, isComposed: boolean) =>
  app.inject({ method: 'GET', url, headers: isComposed ? { 'cache-control': 'only-if-cached' } : {} })
