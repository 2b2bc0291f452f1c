import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { Access } from '../http/auth.js'
import { finishDocument } from '../openapi/document.js'
import { readExamples } from '../openapi/examples.js'
import { problemsPage } from './problems-page.js'

export interface DocsOptions {
  readonly version: string
}

const description = `How much of a SKU can be sold, and where it is: one call in front of Trackstar's WMS API.

Start with **GET /products/{sku}/stock**. Field names are Trackstar's own. Every answer from what is held says how old it
is (\`as_of\`, \`Age\`, \`Cache-Status\`), and every stock says what is wrong with the data behind it (\`complete\`,
\`issues\`). The whole catalog is held and follows Trackstar (\`CATALOG_MODE=mirror\`), which is what
**GET /stock/events**, **GET /stock/low** and **GET /inventory/{id}/products** answer from.
A key goes along as \`Authorization: Bearer …\` or \`X-API-Key: …\` (here: **Authorize**), unless the service runs with
\`AUTH_MODE=none\`. A \`traceparent\` (W3C Trace Context) is taken and passed on where the service makes traces.
Errors are \`application/problem+json\`; [the table of codes](/docs/problems) says what each means.`

/** What people have comes first: the page offers no more than the first two (see the styles). */
const securitySchemes = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'A key of `API_KEYS`, which goes along as `Authorization: Bearer …`',
  },
  apiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description: 'The same key in a header of its own; one of the two ways is enough',
  },
  ticket: {
    type: 'apiKey',
    in: 'query',
    name: 'ticket',
    description: 'Of `POST /stock/events/tickets`, good once: for a browser, whose `EventSource` can send no key',
  },
  signature: {
    type: 'apiKey',
    in: 'header',
    name: 'svix-signature',
    description: "Trackstar's signature of a delivery, with `svix-id` and `svix-timestamp`",
  },
} as const

/** What an operation asks of its callers; of a key the scope that it needs. */
function securityOf(access: Access = 'read', takesTicket = false): Record<string, string[]>[] {
  if (access === 'open') return []
  if (access === 'signature') return [{ signature: [] }]
  return [{ bearer: [access] }, { apiKey: [access] }, ...(takesTicket ? [{ ticket: [] }] : [])]
}

const tags = [
  {
    name: 'stock',
    description: 'The join of products with their inventory items: one, many, changes, what runs out, baskets',
  },
  { name: 'products', description: 'Products as Trackstar has them' },
  { name: 'inventory', description: 'Inventory items as Trackstar has them, where they are used, and adjusting them' },
  { name: 'warehouses', description: 'Warehouses as Trackstar has them' },
  { name: 'operation', description: 'For whoever runs the service' },
]

/**
 * The field for a filter holds one short line; a list and a block of code in a description look like the rest of it.
 * Authorize shows the two ways to give a key. It would show every scheme, scrolled to the last and with the cursor in it:
 * a signature, which nobody can type.
 */
const css = `.swagger-ui .auth-container:nth-child(n + 3) { display: none }
.swagger-ui .parameters textarea { min-height: 4rem }
.swagger-ui .opblock-description li { font-size: 14px }
.swagger-ui .opblock-description pre { padding: .5rem }
.swagger-ui .opblock-description pre code { background: none; color: inherit; font-weight: 400 }
`

/**
 * The contract document, made from the routes, at `/openapi.json` and `/openapi.yaml`; Swagger UI at `/docs`, all of its
 * files local; and the table of problem codes at `/docs/problems`. Registered before the routes that it describes.
 */
export default fastifyPlugin<DocsOptions>(
  async (app: FastifyInstance, { version }) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'trackstar-bff',
          version,
          description,
          license: { name: 'MIT', identifier: 'MIT' },
        },
        // Relative: "Try it out" then asks the host that the page came from, whatever it is called there.
        servers: [{ url: '/', description: 'This service' }],
        components: { securitySchemes },
        tags,
      },
      refResolver: {
        buildLocalReference: (json, _base, _fragment, index) =>
          typeof json.$id === 'string' ? json.$id : `schema-${index}`,
      },
      transform: ({ schema, url, route }) => {
        const { documentedQuery, documentedBody, access, takesTicket } = route.config ?? {}
        const documented = {
          ...(documentedQuery && { querystring: documentedQuery }),
          ...(documentedBody && { body: documentedBody }),
          security: securityOf(access, takesTicket),
        }
        return { schema: { ...schema, ...documented }, url }
      },
      transformObject: (made) =>
        finishDocument('openapiObject' in made ? made.openapiObject : made.swaggerObject, readExamples()),
    })
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: {
        deepLinking: true,
        displayRequestDuration: true,
        tryItOutEnabled: true,
        defaultModelsExpandDepth: 0,
        layout: 'BaseLayout',
      },
      theme: {
        title: 'trackstar-bff: stock in one call',
        css: [{ filename: 'ours.css', content: css }],
      },
    })
    const hidden = { schema: { hide: true }, config: { access: 'open' } } as const
    app.get('/', hidden, (_request, reply) => reply.redirect('/docs'))
    // Made once, since anybody may ask for them.
    let json: string | undefined
    let yaml: string | undefined
    app.get('/openapi.json', hidden, (_request, reply) => {
      json ??= JSON.stringify(app.swagger())
      return reply.type('application/json; charset=utf-8').send(json)
    })
    app.get('/openapi.yaml', hidden, (_request, reply) => {
      yaml ??= app.swagger({ yaml: true })
      return reply.type('application/yaml').send(yaml)
    })
    app.get('/docs/problems', hidden, (_request, reply) => reply.type('text/html; charset=utf-8').send(problemsPage()))
  },
  { name: 'docs', dependencies: ['access'] },
)
