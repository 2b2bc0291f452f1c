import tap from 'tap'
import { type Service, startService } from '../harness.js'

const environment = { AUTH_MODE: 'api-key', API_KEYS: 'shop:hunter2' }

/** The addresses of the scripts and styles of a page, relative to the page's own. */
async function filesOf({ get }: Service, page: string): Promise<string[]> {
  const { body } = await get(page)
  return Array.from(body.matchAll(/(?:href|src)="([^":]+)"/g), ([, address = '']) => address).filter(
    (address) => !address.includes('..'),
  )
}

tap.test('serves the page to everyone, with every file that it names, at both forms of its address', async (t) => {
  const service = await startService(t, { environment })
  for (const page of ['/ui', '/ui/']) {
    const reply = await service.get(page)
    t.equal(reply.statusCode, 200)
    t.match(reply.headers['content-type'], 'text/html')
    t.equal(reply.headers['cache-control'], 'no-cache')
    t.match(reply.headers['content-security-policy'], "script-src 'self';")
    t.match(reply.body, 'data-views="stock state"')
    t.notMatch(reply.body, /<script(?![^>]* src=)|<style| style=| on[a-z]+=/, 'nothing inline')
    const files = await filesOf(service, page)
    t.ok(files.length > 10)
    for (const file of files) {
      const { statusCode, headers } = await service.get(new URL(file, `http://host${page}`).pathname)
      t.equal(statusCode, 200, file)
      t.match(file, /-[0-9a-f]{12}\.(?:js|css)$/)
      t.equal(headers['cache-control'], 'public, max-age=31536000, immutable')
    }
  }
  t.equal((await service.get('/ui/none.js', { 'x-api-key': 'hunter2' })).statusCode, 404)
})

tap.test('takes less than 60 kB compressed in all', async (t) => {
  const service = await startService(t, { environment })
  for (const encoding of ['gzip', 'br']) {
    const files = (await filesOf(service, '/ui')).map((file) => `/${file}`)
    const sizes = await Promise.all(
      ['/ui', ...files].map(async (url) => {
        const { headers, rawPayload } = await service.get(url, { 'accept-encoding': encoding })
        t.equal(headers['content-encoding'], encoding)
        return rawPayload.length
      }),
    )
    const bytes = sizes.reduce((sum, size) => sum + size, 0)
    t.ok(bytes < 60_000, `${encoding}: ${bytes} bytes`)
  }
})

tap.test('is linked from the documentation, unless it is off', async (t) => {
  const on = await startService(t, { environment })
  t.match((await on.get('/openapi.json')).json().info.description, '(../ui)')
  const off = await startService(t, { environment: { ...environment, UI: 'off' } })
  t.equal((await off.get('/ui', { 'x-api-key': 'hunter2' })).statusCode, 404)
  t.notMatch((await off.get('/openapi.json')).json().info.description, '(../ui)')
})
