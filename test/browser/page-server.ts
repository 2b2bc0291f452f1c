import { once } from 'node:events'
import { createServer, type RequestListener, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** An empty page for every path; without an icon in it the browser would request one. */
const html = '<!doctype html><title>A page</title><link rel="icon" href="data:,">'

/** Serves pages of an origin of its own; resolves to that origin. */
export const startPages = (t: Test): Promise<string> =>
  serve(t, (_request, response) => response.setHeader('content-type', 'text/html').end(html))

/** Serves a service below a prefix, as a proxy that strips it, and nothing else; resolves to the address of the service. */
export async function startBelowPrefix(t: Test, origin: string, prefix: string): Promise<string> {
  const proxy = await serve(t, (incoming, response) => {
    const { url = '', method = 'GET', headers } = incoming
    if (!url.startsWith(`${prefix}/`)) return response.writeHead(404).end()
    const forwarded = request(origin + url.slice(prefix.length), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    forwarded.once('error', () => response.destroy())
    return incoming.pipe(forwarded)
  })
  return proxy + prefix
}

async function serve(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
