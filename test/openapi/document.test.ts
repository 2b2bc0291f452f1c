import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { problems } from '../../src/errors.js'
import {
  type Content,
  type Document,
  operationsOf,
  type Parameter,
  type Response,
  resolved,
  responseExamples,
} from './document.js'
import { faultsIn } from './faults.js'

const root = join(import.meta.dirname, '..', '..', '..')
const document = JSON.parse(readFileSync(join(root, 'openapi', 'openapi.json'), 'utf8')) as Document
const operations = operationsOf(document)
const problemType = 'application/problem+json'

/** Every response, once: those of one operation, and the components that operations share. */
const responses: [at: string, response: Response][] = [
  ...operations.flatMap(({ operation, method, path }) =>
    Object.entries(operation.responses).flatMap(([status, response]): [string, Response][] =>
      response.$ref === undefined ? [[`${method} ${path} ${status}`, response]] : [],
    ),
  ),
  ...Object.entries(document.components.responses),
]

interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: boolean | Schema
  readonly anyOf?: readonly Schema[]
  readonly contentSchema?: Schema
}

/** A schema and all its parts, each with its location: `Stock.warehouses[]`. Does not follow references. */
function partsOf(schema: Schema, at: string): [at: string, schema: Schema][] {
  const { properties = {}, items, additionalProperties, anyOf = [], contentSchema } = schema
  return [
    [at, schema],
    ...Object.entries(properties).flatMap(([name, part]) => partsOf(part, `${at}.${name}`)),
    ...(items ? partsOf(items, `${at}[]`) : []),
    ...(typeof additionalProperties === 'object' ? partsOf(additionalProperties, `${at}{}`) : []),
    ...anyOf.flatMap((part) => partsOf(part, `${at}|`)),
    ...(contentSchema ? partsOf(contentSchema, `${at}~`) : []),
  ]
}

const components = Object.entries(document.components.schemas as Readonly<Record<string, Schema>>)
const parts = components.flatMap(([name, schema]) => partsOf(schema, name))

tap.test('every component and every field has a description', async (t) => {
  t.ok(parts.length > 300)
  // Filters are described at each parameter that uses them.
  const isDescribedAtParameter = (at: string) => at === 'Filter' || at === 'TextFilter'
  const isField = (at: string) => /^\w+(\.\w+)*$/.test(at)
  const undescribed = parts.filter(([at, { $ref, description }]) => isField(at) && !$ref && !description)
  t.strictSame(
    undescribed.map(([at]) => at).filter((at) => !isDescribedAtParameter(at)),
    [],
  )
})

tap.test('only fields in which Trackstar allows any value have no type', async (t) => {
  const untyped = parts.filter(([, { $ref, type, anyOf }]) => $ref === undefined && !type && !anyOf)
  t.strictSame(
    untyped.map(([at]) => at),
    [
      'Product.trackstar_tags[]',
      'Product.unit_price',
      'InventoryItem.trackstar_tags[]',
      'InventoryItem.substitute_skus[]',
      'Warehouse.trackstar_tags[]',
      'WebhookDelivery.data',
      'ProductReference.unit_quantity',
    ],
  )
})

tap.test('regression: oazapfts lost the null of an object that can be null', async (t) => {
  // As `type: ['object', 'null']`. The generators that docs/clients.md names read `anyOf` with null.
  const isShort = ({ type }: Schema) => Array.isArray(type) && type.includes('object')
  t.strictSame(
    parts.filter(([, schema]) => isShort(schema)).map(([at]) => at),
    [],
  )
  const nullable = parts.filter(([, { anyOf }]) => anyOf?.some(({ type }) => type === 'null'))
  for (const at of ['Stock.limiting', 'Stock.source', 'Warehouse.address', 'InventoryItem.inventory_by_warehouse_id']) {
    t.ok(
      nullable.some(([found]) => found === at),
      at,
    )
  }
})

tap.test('counts are integers and times have the format date-time', async (t) => {
  const named = (pattern: RegExp) => parts.filter(([at]) => pattern.test(at))
  const typesOf = (found: typeof parts) => Array.from(new Set(found.map(([, { type }]) => String(type))))
  t.strictSame(
    typesOf(named(/(Stock|Line|Entry|EventData)\.available$|\.(status|retry_after|total_count)$/)).toSorted(),
    ['integer', 'integer,null', 'string'],
  )
  t.match(
    named(/^ConnectionStock\.available$/),
    [[String, { type: ['integer', 'null'] }]],
    'null if it does not answer',
  )
  t.strictSame(typesOf(named(/^Problem\.(status|retry_after)$/)), ['integer'])
  const moments = named(/\.(as_of|started_at|expires_at)$/)
  t.ok(moments.length > 2)
  for (const [at, schema] of moments) t.match(schema, { format: 'date-time' }, at)
})

tap.test('every operation has an id, a summary, a description, one tag and a default response', async (t) => {
  const ids = operations.map(({ operation }) => operation.operationId)
  t.equal(new Set(ids).size, operations.length, 'operation ids differ')
  for (const { operation, method, path } of operations) {
    const { summary, description, tags = [], responses } = operation
    t.ok(summary, `${method} ${path} has a summary`)
    t.ok(description && description !== summary, `${method} ${path} has a description`)
    t.ok(
      tags.length === 1 && document.tags.some(({ name }) => name === tags[0]),
      `${method} ${path} has one of the tags`,
    )
    t.ok(responses['default']?.$ref?.endsWith('/AnyProblem'), `${method} ${path} documents any other problem`)
  }
})

tap.test('every parameter has a description and an example', async (t) => {
  const hasExample = ({ example, examples, schema }: Parameter) => example ?? examples ?? schema?.['examples']
  for (const { operation, method, path } of operations) {
    for (const parameter of operation.parameters ?? []) {
      t.ok(parameter.description, `${method} ${path} ${parameter.name}`)
      t.ok(hasExample(parameter), `${method} ${path} ${parameter.name}: example`)
      const isRequired =
        parameter.in === 'path' || ['/stock sku', '/stock/low below', '/search q'].includes(`${path} ${parameter.name}`)
      t.equal(parameter.required === true, isRequired, `${method} ${path} ${parameter.name}: required`)
    }
    const hasBody = method !== 'GET' && path !== '/stock/events/tickets'
    t.equal(operation.requestBody !== undefined, hasBody, `${method} ${path}: body`)
    for (const content of Object.values(operation.requestBody?.content ?? {})) {
      t.ok(content.example, `${method} ${path}: example of the body`)
    }
  }
})

tap.test('every response body is a named component, and every success has an example', async (t) => {
  const isNamed = ({ schema }: Content) => schema !== undefined && '$ref' in schema
  for (const [at, { headers, content = {} }] of responses) {
    t.ok(headers?.['X-Request-Id'], at)
    for (const [mediaType, body] of Object.entries(content)) {
      if (mediaType !== problemType) t.ok(Object.keys(body.examples ?? {}).length > 0, `${at}: example`)
      if (mediaType !== 'text/plain') t.ok(isNamed(body), `${at}: named`)
    }
  }
})

tap.test('every example of a response matches its schema', async (t) => {
  const faultsOf = faultsIn(document)
  const checked = new Set<string>()
  for (const { method, path, status, mediaType, name, example } of responseExamples(document)) {
    // Problems are the same examples at every operation.
    if (mediaType === problemType && checked.has(name)) continue
    checked.add(name)
    t.equal(faultsOf(method, path, status, mediaType, example.value), null, `${method} ${path} ${status} ${name}`)
  }
})

tap.test('an error response lists its codes with links, and has one example at most', async (t) => {
  for (const [at, { description, content }] of responses) {
    const body = content?.[problemType]
    if (body === undefined) continue
    const links = Array.from(description.matchAll(/\[`(\w+)`\]\(([^)]+)\): /g), ([, code = '', link]) => [code, link])
    t.ok(links.length > 0, at)
    for (const [code = '', link] of links) {
      t.ok(code in problems, at)
      t.equal(link, `problems#${code}`, at)
    }
    const shown = Object.keys(body.examples ?? {})
    t.ok(shown.length <= 1, at)
    t.ok(
      shown.every((code) => links.some(([linked]) => linked === code)),
      at,
    )
  }
})

tap.test('responses that are cached, or that may succeed later, document the headers that say so', async (t) => {
  for (const { operation, method, path } of operations) {
    for (const [status, response] of Object.entries(operation.responses)) {
      const { headers = {}, content = {} } = resolved(document, response)
      if (status === '503' && content[problemType]) t.ok(headers['Retry-After'], `${method} ${path}`)
      if (!operation.responses['504'] || method === 'PUT' || !['200', '304'].includes(status)) continue
      t.ok(headers['Cache-Control'] && headers['Cache-Status'], `${method} ${path} ${status}`)
      const isList = /^\/(products|inventory|warehouses)$/.test(path)
      t.equal(Boolean(headers['Age'] && headers['ETag']), !isList, `${method} ${path} ${status}`)
    }
  }
})

tap.test('operation ids and component names are valid identifiers in a generated client', async (t) => {
  const ids = operations.map(({ operation }) => operation.operationId ?? '')
  const names = components.map(([name]) => name)
  // A verb and a noun: never a reserved word of any language.
  t.strictSame(
    ids.filter((id) => !/^[a-z]+([A-Z][a-z]+)+$/.test(id)),
    [],
  )
  t.strictSame(
    names.filter((name) => !/^([A-Z][a-z]+)+$/.test(name)),
    [],
  )
  for (const all of [ids, names]) {
    t.equal(new Set(all.map((name) => name.toLowerCase())).size, all.length, 'names differ by more than case')
  }
  const builtIn = names.filter((name) => name in globalThis || ['Record', 'Partial', 'Readonly', 'Pick'].includes(name))
  t.strictSame(builtIn, [], 'no component shadows a global of TypeScript or Node')
})

tap.test('every tag is one word, has a description and is used', async (t) => {
  const used = new Set(operations.flatMap(({ operation }) => operation.tags ?? []))
  t.strictSame(document.tags.map(({ name }) => name).toSorted(), Array.from(used).toSorted())
  for (const { name, description } of document.tags) {
    t.match(name, /^[a-z]+$/)
    t.ok(description, name)
  }
})

tap.test('every parameter has a type, and so have the values of a list', async (t) => {
  for (const { operation, method, path } of operations) {
    for (const { name, schema = {} } of operation.parameters ?? []) {
      for (const [at, part] of partsOf(schema, name)) t.ok(part.type ?? part.$ref, `${method} ${path} ${at}`)
    }
  }
})

tap.test('every response has a description, and every header a description, a type and an example', async (t) => {
  for (const [at, { description, headers = {} }] of responses) {
    t.ok(description, at)
    for (const [name, header] of Object.entries(headers)) {
      t.match(
        { ...header, ...document.components.headers[name] },
        { description: /./, schema: { type: /^(string|integer)$/, examples: [/./] } },
        `${at} ${name}`,
      )
    }
  }
})

tap.test('errors have an example if their body has additional members', async (t) => {
  const examples = responseExamples(document).filter(({ mediaType }) => mediaType === problemType)
  for (const member of ['errors', 'candidates', 'origin', 'retry_after']) {
    t.ok(
      examples.some(({ example }) => member in Object(example.value)),
      member,
    )
  }
  t.match(document.components.schemas['Problem'], { properties: { code: { enum: Object.keys(problems) } } })
})

tap.test('every request header that the code reads is documented', async (t) => {
  // OpenAPI describes the body itself, and forbids a parameter named Content-Type.
  const ofFraming = ['transfer-encoding', 'content-type', 'content-encoding', 'content-length']
  const read = ['routes', 'http'].flatMap((room) =>
    readdirSync(join(root, 'src', room)).flatMap((file) =>
      Array.from(
        readFileSync(join(root, 'src', room, file), 'utf8').matchAll(/\bheaders\['([a-z-]+)'\]/g),
        ([, name]) => name,
      ),
    ),
  )
  t.ok(read.includes('if-none-match'))
  const parameters = operations.flatMap(({ operation }) => operation.parameters ?? [])
  const schemes = Object.values(document.components.securitySchemes ?? {})
  const documented = new Set(
    [...parameters, ...schemes].filter((one) => one.in === 'header').map(({ name = '' }) => name.toLowerCase()),
  )
  t.strictSame(
    read.filter((name) => name === undefined || !(documented.has(name) || ofFraming.includes(name))),
    [],
  )
})
