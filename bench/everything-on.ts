/** The settings and the request of the benchmarks that measure the service with every feature on. */

export const key = 'bench-0123456789abcdef0123456789abcdef'
const page = 'https://shop.example'

/** Every feature on, with a client limit that counts but never refuses. */
export const everythingOn = {
  AUTH_MODE: 'api-key',
  API_KEYS: `bench:${key}`,
  CORS_ORIGINS: page,
  CLIENT_RATE_LIMIT: '1000000000',
  CATALOG_MODE: 'mirror',
  LOG_LEVEL: 'info',
}

export const requestHeaders = [
  'Host: 127.0.0.1',
  `Authorization: Bearer ${key}`,
  `Origin: ${page}`,
  'Accept: application/json',
  'Accept-Encoding: gzip, deflate, br',
  'User-Agent: bench',
]

/** The options of Node that `npm start` and the image pass. */
export const nodeOptions = ['--heap-growing-percent=30', '--no-allocation-site-pretenuring']

/** The bytes of a request. */
export const getRequest = (path: string, moreHeaders: readonly string[] = []): string =>
  [`GET ${path} HTTP/1.1`, ...requestHeaders, ...moreHeaders, '\r\n'].join('\r\n')

export const stockPath = (sku: string): string => `/products/${encodeURIComponent(sku)}/stock`
