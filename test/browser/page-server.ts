import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** An empty page, whatever is asked for; without an icon of its own a browser would ask for one. */
const html = '<!doctype html><title>A page</title><link rel="icon" href="data:,">'

/** Serves pages of an origin of its own, and gives that origin. */
export async function startPages(t: Test): Promise<string> {
  const server = createServer((_request, response) => response.setHeader('content-type', 'text/html').end(html))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
