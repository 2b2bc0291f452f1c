import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** An empty page for every path; without an icon in it the browser would request one. */
const html = '<!doctype html><title>A page</title><link rel="icon" href="data:,">'

/** Serves pages of an origin of its own; resolves to that origin. */
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
