import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { problems } from '../../../src/errors.js'
import { type Document, operationsOf, resolved, responseExamples } from '../../openapi/document.js'

const root = join(import.meta.dirname, '..', '..', '..', '..')
const document = JSON.parse(readFileSync(join(root, 'openapi', 'openapi.json'), 'utf8')) as Document
const operations = operationsOf(document)

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

/** A schema and all that it is made of, each with where it is: `Stock.warehouses[]`. References are not followed. */
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

tap.test('every component and every field of it has a description', async (t) => {
  t.ok(parts.length > 300)
  // What one can filter by is described at each parameter that takes it.
  const isDescribedWhereUsed = (at: string) => at === 'Filter' || at === 'TextFilter'
  const isField = (at: string) => /^\w+(\.\w+)*$/.test(at)
  const silent = parts.filter(([at, { $ref, description }]) => isField(at) && !$ref && !description)
  t.strictSame(
    silent.map(([at]) => at).filter((at) => !isDescribedWhereUsed(at)),
    [],
  )
})

tap.test('only what Trackstar may give anything for has no type', async (t) => {
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

tap.test('what can be counted is an integer, and what has a moment says so', async (t) => {
  const named = (pattern: RegExp) => parts.filter(([at]) => pattern.test(at))
  const typesOf = (found: typeof parts) => Array.from(new Set(found.map(([, { type }]) => String(type))))
  t.strictSame(
    typesOf(named(/(Stock|Line|Entry|EventData)\.available$|\.(status|retry_after|total_count)$/)).toSorted(),
    ['integer', 'string'],
  )
  t.strictSame(typesOf(named(/^Problem\.(status|retry_after)$/)), ['integer'])
  const moments = named(/\.(as_of|started_at|expires_at)$/)
  t.ok(moments.length > 2)
  for (const [at, schema] of moments) t.match(schema, { format: 'date-time' }, at)
})

tap.test('operation ids and component names make good names in a generated client', async (t) => {
  const ids = operations.map(({ operation }) => operation.operationId ?? '')
  const names = components.map(([name]) => name)
  // A verb and at least one noun: so it is no reserved word of any language.
  t.strictSame(
    ids.filter((id) => !/^[a-z]+([A-Z][a-z]+)+$/.test(id)),
    [],
  )
  t.strictSame(
    names.filter((name) => !/^([A-Z][a-z]+)+$/.test(name)),
    [],
  )
  for (const all of [ids, names]) {
    t.equal(new Set(all.map((name) => name.toLowerCase())).size, all.length, 'they differ by more than their case')
  }
  const builtIn = names.filter((name) => name in globalThis || ['Record', 'Partial', 'Readonly', 'Pick'].includes(name))
  t.strictSame(builtIn, [], 'no component hides what TypeScript or Node has')
})

tap.test('every tag is a word, described, and used', async (t) => {
  const used = new Set(operations.flatMap(({ operation }) => operation.tags ?? []))
  t.strictSame(document.tags.map(({ name }) => name).toSorted(), Array.from(used).toSorted())
  for (const { name, description } of document.tags) {
    t.match(name, /^[a-z]+$/)
    t.ok(description, name)
  }
})

tap.test('every parameter is of a type, and so are the values of a list', async (t) => {
  for (const { operation, method, path } of operations) {
    for (const { name, schema = {} } of operation.parameters ?? []) {
      for (const [at, part] of partsOf(schema, name)) t.ok(part.type ?? part.$ref, `${method} ${path} ${at}`)
    }
  }
})

tap.test(
  'every response says what it is, and every header of it what it is for, of what type, and shows one',
  async (t) => {
    for (const { operation, method, path } of operations) {
      for (const [status, response] of Object.entries(operation.responses)) {
        const { description, headers = {} } = resolved(document, response)
        t.ok(description, `${method} ${path} ${status}`)
        for (const [name, header] of Object.entries(headers)) {
          t.match(
            { ...header, ...document.components.headers[name] },
            { description: /./, schema: { type: /^(string|integer)$/, examples: [/./] } },
            `${method} ${path} ${status} ${name}`,
          )
        }
      }
    }
  },
)

tap.test('every problem code is shown by an example, and is one of those that a client knows', async (t) => {
  const shown = new Set(
    responseExamples(document).flatMap(({ mediaType, name }) => (mediaType.includes('problem') ? [name] : [])),
  )
  t.strictSame(Array.from(shown).toSorted(), Object.keys(problems).toSorted())
  t.match(document.components.schemas['Problem'], { properties: { code: { enum: Object.keys(problems) } } })
})

tap.test('every header of a request that the code looks at is documented', async (t) => {
  const ofFraming = ['transfer-encoding']
  const looked = ['routes', 'plugins'].flatMap((room) =>
    readdirSync(join(root, 'src', room)).flatMap((file) =>
      Array.from(
        readFileSync(join(root, 'src', room, file), 'utf8').matchAll(/\bheaders\['([a-z-]+)'\]/g),
        ([, name]) => name,
      ),
    ),
  )
  t.ok(looked.includes('if-none-match'))
  const parameters = operations.flatMap(({ operation }) => operation.parameters ?? [])
  const schemes = Object.values(document.components.securitySchemes ?? {})
  const documented = new Set(
    [...parameters, ...schemes].filter((one) => one.in === 'header').map(({ name = '' }) => name.toLowerCase()),
  )
  t.strictSame(
    looked.filter((name) => name === undefined || !(documented.has(name) || ofFraming.includes(name))),
    [],
  )
})
