import type { FastifyInstance } from 'fastify'

/** Files of Swagger UI and of the page for people. */
const isPartOfPage = (url: string) => /^\/docs\/(?!problems$)|^\/ui\/./.test(url)

/**
 * The routes of the application, as `GET /products/:sku`, without HEAD: the paths in Fastify's tree, with the methods
 * in the `Allow` header of each.
 */
export async function routesOf(app: FastifyInstance): Promise<string[]> {
  const routes: string[] = []
  for (const url of urlsOf(app.printRoutes({ commonPrefix: false }))) {
    if (url.includes('*') || isPartOfPage(url)) continue
    const { statusCode, headers } = await app.inject({ method: 'TRACE', url: url.replaceAll(/:\w+/g, 'x') } as object)
    if (statusCode !== 405) throw new Error(`${url} answers ${statusCode} to TRACE: expected 405 with Allow`)
    const methods = String(headers['allow']).split(', ')
    routes.push(...methods.filter((method) => method !== 'HEAD').map((method) => `${method} ${url}`))
  }
  return routes.toSorted()
}

/** The paths in Fastify's printed tree: each node adds to the path of its parent. */
function urlsOf(tree: string): string[] {
  const above: string[] = []
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part] = /^(.*?)[├└]── (\S+) \(/.exec(line) ?? []
    if (part === undefined) return []
    const depth = indent.length / 4
    above.length = depth
    above.push(part)
    return [above.join('')]
  })
}
