import { STATUS_CODES } from 'node:http'
import { type ProblemCode, problems } from '../errors.js'
import type { Examples, ResponseExample } from './examples.js'

/** The parts of an OpenAPI document that this file reads or changes. Everything else stays as it is. */
interface Schema {
  $ref?: string
  title?: string
  type?: string | string[]
  pattern?: string
  style?: string
  explode?: boolean
  description?: string
  enum?: unknown[]
  examples?: unknown[]
  properties?: Record<string, Schema>
  additionalProperties?: boolean | Schema
  items?: Schema
  contentSchema?: Schema
  anyOf?: Schema[]
}
interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  description?: string
  required?: boolean
  schema?: Schema
  style?: string
  explode?: boolean
  example?: unknown
}
interface Content {
  schema?: Schema
  examples?: Record<string, ResponseExample>
  /** The problems that the body can be. Set by the routes, removed here. */
  'x-problems'?: readonly ProblemCode[]
}
interface Response {
  $ref?: string
  description?: string
  headers?: Record<string, object>
  content?: Record<string, Content>
}
interface Operation {
  operationId?: string
  parameters?: Parameter[]
  requestBody?: { content: Record<string, Content> }
  responses: Record<string, Response>
  security?: Record<string, string[]>[]
}
export interface OpenApiDocument {
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, Schema>
    responses?: Record<string, Response>
    headers?: Record<string, object>
  }
}

/** The order in which an operation lists its parameters. */
const parameterOrder = ['path', 'query', 'header']

const problemType = 'application/problem+json'

/** The errors that no operation documents: they are answered before a route is found. */
const errorsBeforeRouting: readonly ProblemCode[] = [
  'route_not_found',
  'method_not_allowed',
  'request_timeout',
  'misdirected_request',
  'headers_too_large',
]

/**
 * The page that explains each problem code, as seen from Swagger UI at `/docs/`: links in descriptions are resolved where
 * they are shown (OpenAPI 3.1, 4.6), and a path from the root would lead out of a prefix that a proxy strips.
 */
const problemsPage = 'problems'

/** The description of a response that can be any of `codes`, in Markdown: each links to its explanation. */
export const describeProblems = (codes: readonly ProblemCode[]): string =>
  codes.map((code) => `[\`${code}\`](${problemsPage}#${code}): ${problems[code].title}`).join('. ')

/**
 * The problems that have an example at every operation: those whose body has members that others lack. The page of
 * problems has an example of each.
 */
const shownProblems: ReadonlySet<ProblemCode> = new Set([
  'validation_failed',
  'sku_ambiguous',
  'upstream_rejected',
  'rate_limited',
])

const anyProblem: Response = {
  description: `Any other error. Before a route is found: ${describeProblems(errorsBeforeRouting)}`,
  headers: {
    Allow: {
      description: 'With a 405: the methods that the path accepts',
      schema: { type: 'string', examples: ['GET, HEAD'] },
    },
  },
  content: {
    [problemType]: { schema: { $ref: '#/components/schemas/Problem' }, 'x-problems': errorsBeforeRouting },
  },
}

/** Header of every error. */
const noStore = {
  description: 'Errors are never cached',
  schema: { type: 'string', examples: ['no-store'] },
}

/** Header of every response. */
const requestId = {
  description: 'Identifies the request in the logs: the id that the client sent, or a new one',
  schema: { type: 'string', examples: ['6cf590f2-9f4a-4981-af72-3f8accaec68e'] },
}

/** Headers of the successful responses, and of the 429, of operations that count towards the client's rate limit. */
const rateLimit = {
  'RateLimit-Limit': {
    description:
      'What one client may use per minute: 1 for a request, or 1 for each SKU or line in it; absent if there is no limit',
    schema: { type: 'integer', examples: [60_000] },
  },
  'RateLimit-Remaining': {
    description: 'What remains of the limit',
    schema: { type: 'integer', examples: [59_990] },
  },
  'RateLimit-Reset': {
    description: 'Seconds until the limit is reset',
    schema: { type: 'integer', examples: [42] },
  },
}

/** Header of every 401 (RFC 9110, section 11.6.1). */
const challenge = {
  'WWW-Authenticate': {
    description: 'The authentication scheme to use',
    schema: { type: 'string', examples: ['Bearer realm="trackstar-bff"'] },
  },
}

/** Header of every request. */
const clientRequestId: Parameter = {
  name: 'x-request-id',
  in: 'header',
  required: false,
  description:
    'Your own id of the request: up to 128 letters, digits and `_ . : -`. It appears in the logs and in the response. Any other value is ignored and replaced by a new id',
  schema: { type: 'string', examples: ['order-4711.stock'] },
}

/**
 * Finishes the document that `@fastify/swagger` generates from the routes:
 * - adds the parameters, responses and headers that every operation has;
 * - adds `examples`, to errors only those that show something;
 * - moves repeated headers and error responses, and every schema with a `title`, to the components;
 * - moves examples of optional parameters to where Swagger UI does not send them by default.
 */
export function finishDocument(generated: object, examples: Examples): OpenApiDocument {
  // A copy: the routes validate with the same objects.
  const document = JSON.parse(JSON.stringify(generated)) as OpenApiDocument
  const { components, paths } = document
  const operations = Object.values(paths).flatMap((path) => Object.values(path))
  const common = commonResponses(operations)
  for (const operation of operations) {
    operation.parameters = [...(operation.parameters ?? []), structuredClone(clientRequestId)]
    operation.parameters.sort((a, b) => parameterOrder.indexOf(a.in) - parameterOrder.indexOf(b.in))
    for (const parameter of operation.parameters) {
      finishParameter(parameter)
      nameSchemas(parameter, components.schemas)
    }
    for (const content of Object.values(operation.requestBody?.content ?? {})) nameSchemas(content, components.schemas)
    completeResponses(operation, requiresKey(operation) ? common.ofKeys : common.ofAll)
    for (const [status, response] of Object.entries(operation.responses)) {
      addExamples(response, examples, examples.operations[operation.operationId ?? '']?.[status])
      for (const content of Object.values(response.content ?? {})) nameSchemas(content, components.schemas)
      if (response.content?.[problemType]) response.headers = { ...response.headers, 'Cache-Control': noStore }
      shareHeaders(response, document)
      operation.responses[status] = shareProblem(status, response, document)
    }
  }
  for (const schema of Object.values(components.schemas)) namePartsOf(schema, components.schemas)
  const code = components.schemas['Problem']?.properties?.['code']
  if (code) Object.assign(code, { enum: Object.keys(problems), 'x-may-grow': true })
  return document
}

/** `style` and `explode` belong to the parameter. Swagger UI sends a parameter's example, but not its schema's. */
function finishParameter(parameter: Parameter): void {
  const { schema, required, example } = parameter
  if (schema?.style !== undefined) {
    parameter.style = schema.style
    parameter.explode = schema.explode ?? true
    delete schema.style
    delete schema.explode
  }
  if (schema && !required && example !== undefined) {
    schema.examples = [example]
    delete parameter.example
  }
}

/** Whether callers need a key for it. Such operations also count towards the client's rate limit. */
const requiresKey = ({ security }: Operation) => security?.some((scheme) => 'bearer' in scheme) ?? false

/** The problems that a response can be; none if it is no error. */
const problemsOf = ({ content }: Response): readonly ProblemCode[] => content?.[problemType]?.['x-problems'] ?? []

/** Responses that all operations have, and those that need a key. Not every route documents them. */
function commonResponses(operations: readonly Operation[]) {
  const find = (status: string, isWanted: (response: Response) => boolean = () => true) =>
    operations
      .map(({ responses }) => responses[status])
      .find((response) => response !== undefined && isWanted(response)) ?? anyProblem
  const ofAll = { '414': find('414') }
  const ofKeys = {
    ...ofAll,
    '401': find('401'),
    '429': find('429'),
    '503': find('503', (response) => problemsOf(response).join() === 'overloaded'),
  }
  return { ofAll, ofKeys }
}

/** Adds the common responses that an operation lacks, and the headers that all its responses have. */
function completeResponses(operation: Operation, common: Readonly<Record<string, Response>>): void {
  const { responses } = operation
  for (const [status, response] of Object.entries(common)) responses[status] ??= structuredClone(response)
  responses['default'] = structuredClone(anyProblem)
  for (const [status, response] of Object.entries(responses)) {
    response.headers = {
      'X-Request-Id': requestId,
      ...(requiresKey(operation) && /^(2|3|429)/.test(status) && rateLimit),
      ...(status === '401' && challenge),
      ...response.headers,
    }
  }
}

/** Adds the operation's own examples. An error gets one at most: its own, or the common one if that shows something. */
function addExamples(response: Response, { problems: common }: Examples, own: Content['examples'] = {}): void {
  const codes = problemsOf(response)
  const examples = codes.length === 0 ? own : exampleOf(codes.find((code) => code in own || shownProblems.has(code)))
  if (Object.keys(examples).length === 0) return
  for (const content of Object.values(response.content ?? {})) content.examples = examples

  function exampleOf(code: ProblemCode | undefined): Record<string, ResponseExample> {
    const example = code && (own[code] ?? common[code])
    return code && example ? { [code]: example } : {}
  }
}

/** Moves headers to the components; one that differs from the first of its name stays where it is. */
function shareHeaders({ headers = {} }: Response, { components }: OpenApiDocument): void {
  components.headers ??= {}
  for (const [name, header] of Object.entries(headers)) {
    components.headers[name] ??= header
    if (isSame(components.headers[name], header)) headers[name] = { $ref: `#/components/headers/${name}` }
  }
}

/** Moves an error response to the components, named by its code, or by its status if it can be several problems. */
function shareProblem(status: string, response: Response, { components }: OpenApiDocument): Response {
  const codes = problemsOf(response)
  const [only] = codes
  if (only === undefined) return response
  delete response.content?.[problemType]?.['x-problems']
  const phrase = STATUS_CODES[status] ?? 'Any problem'
  const name = pascalCase(codes.length === 1 ? only : phrase)
  components.responses ??= {}
  components.responses[name] ??= response
  return isSame(components.responses[name], response) ? { $ref: `#/components/responses/${name}` } : response
}

function nameSchemas(content: Content | Parameter, schemas: Record<string, Schema>): void {
  if (content.schema) content.schema = named(content.schema, schemas)
}

/**
 * Moves a schema with a `title` to the components and returns a reference.
 *
 * A nullable object, named or not, becomes `anyOf` of the object and null: oazapfts loses the null of
 * `type: ['object', 'null']`, and a reference cannot be null by itself. The routes keep that short form, which the
 * serialiser writes faster.
 */
function named(schema: Schema, schemas: Record<string, Schema>): Schema {
  namePartsOf(schema, schemas)
  const { title, ...rest } = schema
  const isNullable = Array.isArray(rest.type) && rest.type.includes('object') && rest.type.includes('null')
  const notNull: Schema = isNullable ? { ...rest, type: 'object' } : rest
  if (title !== undefined) schemas[title] ??= notNull
  const reference: Schema | undefined = title === undefined ? undefined : { $ref: `#/components/schemas/${title}` }
  if (!isNullable) return reference ?? schema
  const { description = title, ...unnamed } = notNull
  return { ...(description && { description }), anyOf: [reference ?? unnamed, { type: 'null' }] }
}

function namePartsOf(schema: Schema, schemas: Record<string, Schema>): void {
  // Swagger UI, like most tools outside JavaScript, does not know Unicode properties and would reject every value.
  if (schema.pattern && /\\p\{/i.test(schema.pattern)) delete schema.pattern
  const { properties = {}, additionalProperties, items, contentSchema, anyOf } = schema
  for (const [name, property] of Object.entries(properties)) properties[name] = named(property, schemas)
  if (items) schema.items = named(items, schemas)
  if (contentSchema) schema.contentSchema = named(contentSchema, schemas)
  if (anyOf) schema.anyOf = anyOf.map((part) => named(part, schemas))
  if (typeof additionalProperties === 'object') schema.additionalProperties = named(additionalProperties, schemas)
}

const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
const pascalCase = (words: string) =>
  words.replaceAll(/(?:^|[ _-])([a-z])([a-z]*)/gi, (_, first: string, rest: string) => first.toUpperCase() + rest)
