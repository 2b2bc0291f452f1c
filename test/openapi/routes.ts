import type { FastifyInstance } from 'fastify'

/** What Swagger UI needs for itself. */
const isPartOfSwaggerUi = (url: string) => /^\/docs\/(?!problems$)/.test(url)

/**
 * The routes that the application really has, as `GET /products/:sku`, `HEAD` aside. From Fastify's own tree of addresses
 * and, since every address knows a refusal for the methods that it does not take, from the `Allow` of that.
 */
export async function routesOf(app: FastifyInstance): Promise<string[]> {
  const routes: string[] = []
  for (const url of urlsOf(app.printRoutes({ commonPrefix: false }))) {
    if (url.includes('*') || isPartOfSwaggerUi(url)) continue
    const { statusCode, headers } = await app.inject({ method: 'TRACE', url: url.replaceAll(/:\w+/g, 'x') } as object)
    if (statusCode !== 405) throw new Error(`${url} answers ${statusCode} to TRACE: expected 405 with Allow`)
    const methods = String(headers['allow']).split(', ')
    routes.push(...methods.filter((method) => method !== 'HEAD').map((method) => `${method} ${url}`))
  }
  return routes.toSorted()
}

/** The addresses in Fastify's drawing of its tree: each node adds to the address of the node above. */
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
