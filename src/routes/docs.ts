import { readFileSync } from 'node:fs'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import type { Access } from '../http/auth.js'
import { finishDocument } from '../openapi/document.js'
import { readExamples } from '../openapi/examples.js'
import { problemsPage } from './problems-page.js'
import { StaticDocument } from './static-document.js'

export interface DocsOptions {
  readonly version: string
  /** Where callers find the service; undefined if that is unknown. */
  readonly publicUrl?: string | undefined
  /** Whether this server has the page for people, which the documentation then links to; default: false. */
  readonly hasUi?: boolean | undefined
  /** Whether this is the server of `ADMIN_PORT`, whose routes are for operators only; default: false. */
  readonly isAdmin?: boolean | undefined
  /** Whether the documents are rendered before the service listens, and not with the first request; default: false. */
  readonly preparesDocuments?: boolean | undefined
}

const forCallers = `Stock from Trackstar's WMS API in one call: how many units of a SKU can be sold, and where they are.

Start with **GET /products/{sku}/stock**. Field names are Trackstar's own. Every cached response says how old it is
(\`as_of\`, \`Age\`, \`Cache-Status\`), and every stock reports problems in the data behind it (\`complete\`, \`issues\`).
With \`CATALOG_MODE=mirror\` the service keeps a copy of the whole catalog and follows its changes.
**GET /search**, **GET /stock/events**, **GET /stock/low** and **GET /inventory/{id}/products** need that mode.

Send your key as \`Authorization: Bearer …\` or \`X-API-Key: …\` (on this page: **Authorize**), unless the service runs with
\`AUTH_MODE=none\`. If the service exports traces, it continues the trace of a \`traceparent\` header (W3C Trace Context).

Errors are \`application/problem+json\`; [the page of problems](problems) explains each code.`

const forOperators = `The state of the service, for its operators: **GET /status** to read, **GET /metrics** for Prometheus. The
routes for callers are on another port.

Errors are \`application/problem+json\`; [the page of problems](problems) explains each code.`

/** As seen from `/docs/`, like the link to the page of problems. */
const uiLink = 'To look rather than to call, open [the page for people](../ui).'

/** The two ways to send a key come first: the styles hide the others in the Authorize dialog. */
const securitySchemes = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'A key of `API_KEYS`, sent as `Authorization: Bearer …`',
  },
  apiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description: 'The same key, sent as `X-API-Key`. Either header is enough',
  },
  ticket: {
    type: 'apiKey',
    in: 'query',
    name: 'ticket',
    description: 'A single-use ticket from `POST /stock/events/tickets`, for browsers: `EventSource` cannot send a key',
  },
  signature: {
    type: 'apiKey',
    in: 'header',
    name: 'svix-signature',
    description:
      "Trackstar's signature of a webhook delivery, with `svix-id` and `svix-timestamp`; or `webhook-signature` with `webhook-id` and `webhook-timestamp`",
  },
} as const

/** The `security` of an operation: the schemes it accepts, and for keys the scope. */
function securityOf(access: Access = 'read', acceptsTicket = false): Record<string, string[]>[] {
  if (access === 'open') return []
  if (access === 'signature') return [{ signature: [] }]
  return [{ bearer: [access] }, { apiKey: [access] }, ...(acceptsTicket ? [{ ticket: [] }] : [])]
}

const tags = [
  {
    name: 'stock',
    description: 'Stock computed from products and inventory items: of one SKU or many, low stock, changes and baskets',
  },
  { name: 'products', description: 'Product records from Trackstar' },
  {
    name: 'inventory',
    description: 'Inventory item records from Trackstar, the products that use them, and adjustments',
  },
  { name: 'warehouses', description: 'Warehouse records from Trackstar' },
  { name: 'connections', description: 'The connections that a key may use' },
  { name: 'operation', description: 'For operators of the service' },
]

/**
 * Makes operations short enough to read: filter fields and examples are small, and errors show their description and,
 * where it teaches something, one example; their headers and schema are the same everywhere. Formats lists and code in
 * descriptions. Limits the Authorize dialog to the two ways to send a key: by default it shows every scheme and focuses
 * the last, a signature that no person can type.
 */
const css = `.swagger-ui .auth-container:nth-child(n + 3) { display: none }
.swagger-ui .parameters textarea { height: 3rem; min-height: 3rem }
.swagger-ui .parameters .parameter-controls:has(+ .model-example) { float: right; margin: 0 0 4px 12px }
.swagger-ui .parameters .examples-select { margin: 0 }
.swagger-ui .parameters .examples-select__section-label { display: none }
.swagger-ui .parameters .model-example { margin-top: 8px }
.swagger-ui .parameters .model-example .tab { margin: 8px 0 4px }
.swagger-ui .response-col_links { display: none }
.swagger-ui .response[data-code] .example.microlight { max-height: 20rem }
.swagger-ui .response[data-code]:not([data-code^="20"]) .headers-wrapper { display: none }
.swagger-ui .response[data-code]:not([data-code^="20"]) .response-control-media-type { display: none }
.swagger-ui .response[data-code]:not([data-code^="20"]):not(:has(.response-control-examples)) .model-example { display: none }
.swagger-ui .response[data-code]:not([data-code^="20"]) .tab { display: none }
.swagger-ui .response[data-code]:not([data-code^="20"]) .response-control-examples { display: none }
.swagger-ui .response[data-code]:not([data-code^="20"]) .example__section-header { display: none }
.swagger-ui .opblock-description li { font-size: 14px }
.swagger-ui .opblock-description pre { padding: .5rem }
.swagger-ui .opblock-description pre code { background: none; color: inherit; font-weight: 400 }
`

/** The large files of Swagger UI, which its plugin would read from the disk, uncompressed, for each request. */
const assets = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui-standalone-preset.js': 'text/javascript; charset=utf-8',
} as const

/**
 * Serves the OpenAPI document at `/openapi.json` and `/openapi.yaml`, Swagger UI at `/docs` without external files, and the
 * table of problem codes at `/docs/problems`. Register it before the routes that it describes.
 */
export default fastifyPlugin<DocsOptions>(
  async (app: FastifyInstance, { version, publicUrl, hasUi, isAdmin, preparesDocuments = false }) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'trackstar-bff',
          version,
          description: [isAdmin ? forOperators : forCallers, ...(hasUi ? [uiLink] : [])].join('\n\n'),
          license: { name: 'MIT', identifier: 'MIT' },
        },
        // The schema of OpenAPI 3.1 allows no relative URL here. The description links to the page, too.
        ...(publicUrl !== undefined && {
          externalDocs: { description: 'The problem codes', url: `${publicUrl}/docs/problems` },
        }),
        components: { securitySchemes },
        tags: isAdmin ? tags.filter(({ name }) => name === 'operation') : tags,
      },
      refResolver: {
        buildLocalReference: (json, _base, _fragment, index) =>
          typeof json.$id === 'string' ? json.$id : `schema-${index}`,
      },
      transform: ({ schema, url, route }) => {
        const { documentedQuery, documentedBody, access, acceptsTicket } = route.config ?? {}
        const documented = {
          ...(documentedQuery && { querystring: documentedQuery }),
          ...(documentedBody && { body: documentedBody }),
          security: securityOf(access, acceptsTicket),
        }
        return { schema: { ...schema, ...documented }, url }
      },
      transformObject: (made) =>
        // The plugin itself takes no relative servers. A proxy may have stripped a prefix that an absolute path would lose.
        finishDocument(
          {
            ...('openapiObject' in made ? made.openapiObject : made.swaggerObject),
            servers: [{ url: publicUrl ?? '.', description: 'This service' }],
          },
          readExamples(),
        ),
    })
    const json = new StaticDocument('application/json; charset=utf-8', () => JSON.stringify(app.swagger()))
    const yaml = new StaticDocument('application/yaml', () => app.swagger({ yaml: true }))
    // Swagger UI resolves `servers` against the URL from which it reads the document.
    const uiJson = new StaticDocument('application/json; charset=utf-8', () =>
      JSON.stringify(publicUrl === undefined ? { ...app.swagger(), servers: [{ url: '..' }] } : app.swagger()),
    )
    const problemCodes = new StaticDocument('text/html; charset=utf-8', () => problemsPage(readExamples().problems))
    if (preparesDocuments) {
      app.addHook('onReady', async () => {
        for (const document of [json, yaml, uiJson, problemCodes]) void document.prepare()
      })
    }
    const uiUrl = `${publicUrl ?? '.'}/docs/`
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      // Relative links to the assets, also at `/docs/?…`.
      indexPrefix: '..',
      // Swagger UI has routes of its own for the document, and would serialise it for each request. Relative links in the
      // document's descriptions need the slash at the end of `/docs/`.
      uiHooks: {
        onRequest: (request, reply, done) => {
          const { url = '' } = request.routeOptions
          if (/^\/docs\/(?:json|yaml)$/.test(url)) void (url.endsWith('json') ? uiJson : yaml).send(request, reply)
          else if (/^\/docs\/?$/.test(url) && !/^[^?]*\/(?:\?|$)/.test(request.url)) void reply.redirect(uiUrl)
          else done()
        },
      },
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
    // Compressed once, not for each request.
    const hidden = { schema: { hide: true }, config: { access: 'open', sharesBody: true }, compress: false } as const
    for (const [name, type] of Object.entries(assets)) {
      const asset = new StaticDocument(type, () =>
        readFileSync(new URL(import.meta.resolve(`@fastify/swagger-ui/static/${name}`))),
      )
      app.get(`/docs/static/${name}`, hidden, (request, reply) => asset.send(request, reply))
    }
    app.get('/', hidden, (_request, reply) => reply.redirect(uiUrl))
    app.get('/openapi.json', hidden, (request, reply) => json.send(request, reply))
    app.get('/openapi.yaml', hidden, (request, reply) => yaml.send(request, reply))
    app.get('/docs/problems', hidden, (request, reply) => problemCodes.send(request, reply))
  },
  { name: 'docs', dependencies: ['auth'] },
)
