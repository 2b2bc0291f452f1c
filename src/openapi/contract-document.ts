import { STATUS_CODES } from 'node:http'
import { problems } from '../errors.js'
import { refusalExamples, refusalsInWords } from './refusal-examples.js'

/** The parts of an OpenAPI document that are looked at here. What is not named stays as it is. */
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
  examples?: Record<string, unknown>
}
interface Response {
  $ref?: string
  description?: string
  headers?: Record<string, object>
  content?: Record<string, Content>
}
interface Operation {
  parameters?: Parameter[]
  requestBody?: { content: Record<string, Content> }
  responses: Record<string, Response>
  security?: Record<string, string[]>[]
}
export interface ContractDocument {
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, Schema>
    responses?: Record<string, Response>
    headers?: Record<string, object>
  }
}

/** The order in which people look for parameters. */
const places = ['path', 'query', 'header']

const problemType = 'application/problem+json'

const anyOther: Response = {
  description: `Any other error. Before it comes to any operation: ${refusalsInWords}`,
  headers: {
    Allow: {
      description: 'Of a 405: the methods that the address knows',
      schema: { type: 'string', examples: ['GET, HEAD'] },
    },
  },
  content: { [problemType]: { schema: { $ref: '#/components/schemas/Problem' }, examples: refusalExamples } },
}

/** Header of every error. */
const notKept = {
  description: 'Never to be kept',
  schema: { type: 'string', examples: ['no-store'] },
}

/** Header of every answer; see the negotiation plugin. */
const requestId = {
  description: "Finds the request in the logs; the caller's own where it sent a sane one",
  schema: { type: 'string', examples: ['6cf590f2-9f4a-4981-af72-3f8accaec68e'] },
}

/** Headers of answers to who is counted; see the client-limit plugin. Said of refusals too, they would be said 200 times. */
const rateLimit = {
  'RateLimit-Limit': {
    description: 'Requests that one client may send in a minute; absent where there is no limit',
    schema: { type: 'integer', examples: [60_000] },
  },
  'RateLimit-Remaining': {
    description: 'How many of them are left',
    schema: { type: 'integer', examples: [59_990] },
  },
  'RateLimit-Reset': {
    description: 'Seconds until all of them are there again',
    schema: { type: 'integer', examples: [42] },
  },
}

/** Header of every 401 (RFC 9110, 11.6.1). */
const challenge = {
  'WWW-Authenticate': {
    description: 'How to show who asks',
    schema: { type: 'string', examples: ['Bearer realm="trackstar-bff"'] },
  },
}

/** Header that every request may have. */
const requestIdOfCaller: Parameter = {
  name: 'x-request-id',
  in: 'header',
  required: false,
  description:
    "The caller's own id of the request, which then is in the logs and in the answer: up to 128 letters, digits and `_ . : -`. Any other is passed over, and one is made here",
  schema: { type: 'string', examples: ['order-4711.stock'] },
}

/**
 * The contract document as people and code generators want it, made from the one that the routes give: with what holds
 * for every operation, with a named component for all that is said more than once or has a `title`, and with the
 * examples of optional parameters where Swagger UI does not take them for values to send.
 */
export function contractDocument(made: object): ContractDocument {
  // A copy: what the routes give is shared with their validation.
  const document = JSON.parse(JSON.stringify(made)) as ContractDocument
  const { components, paths } = document
  const operations = Object.values(paths).flatMap((path) => Object.values(path))
  const usual = (status: string) => operations.find(({ responses }) => responses[status])?.responses[status]
  const ofAny = { '414': usual('414') ?? anyOther }
  const overloaded = operations
    .map(({ responses }) => responses['503'])
    .find((response) => isOnly('overloaded', response))
  const ofKeys = {
    ...ofAny,
    '401': usual('401') ?? anyOther,
    '429': usual('429') ?? anyOther,
    '503': overloaded ?? anyOther,
  }
  for (const operation of operations) {
    operation.parameters = [...(operation.parameters ?? []), structuredClone(requestIdOfCaller)]
    operation.parameters.sort((a, b) => places.indexOf(a.in) - places.indexOf(b.in))
    for (const parameter of operation.parameters) {
      settle(parameter)
      nameSchemas(parameter, components.schemas)
    }
    for (const content of Object.values(operation.requestBody?.content ?? {})) nameSchemas(content, components.schemas)
    completeResponses(operation, takesKey(operation) ? ofKeys : ofAny)
    for (const [status, response] of Object.entries(operation.responses)) {
      for (const content of Object.values(response.content ?? {})) nameSchemas(content, components.schemas)
      if (response.content?.[problemType]) response.headers = { ...response.headers, 'Cache-Control': notKept }
      shareHeaders(response, document)
      operation.responses[status] = shared(status, response, document)
    }
  }
  for (const schema of Object.values(components.schemas)) namePartsOf(schema, components.schemas)
  const code = components.schemas['Problem']?.properties?.['code']
  if (code) Object.assign(code, { enum: Object.keys(problems), 'x-may-grow': true })
  return document
}

/** Whether this is the only problem that a response can be. */
const isOnly = (code: string, response: Response | undefined) =>
  Object.keys(response?.content?.[problemType]?.examples ?? {}).join() === code

/** `style` and `explode` belong to the parameter; an optional one's example to its schema, or it would be sent. */
function settle(parameter: Parameter): void {
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

/** Whether it is for who has a key, and so counted. */
const takesKey = ({ security }: Operation) => security?.some((scheme) => 'bearer' in scheme) ?? false

/** What operations of a kind can answer with and few of them say, and the headers that all their answers have. */
function completeResponses(operation: Operation, usual: Readonly<Record<string, Response>>): void {
  const { responses } = operation
  for (const [status, response] of Object.entries(usual)) responses[status] ??= { ...response }
  responses['default'] = { ...anyOther }
  for (const [status, response] of Object.entries(responses)) {
    response.headers = {
      'X-Request-Id': requestId,
      ...(takesKey(operation) && /^(2|3|429)/.test(status) && rateLimit),
      ...(status === '401' && challenge),
      ...response.headers,
    }
  }
}

/** Puts headers that are always the same among the components. */
function shareHeaders({ headers = {} }: Response, { components }: ContractDocument): void {
  components.headers ??= {}
  for (const [name, header] of Object.entries(headers)) {
    components.headers[name] ??= header
    if (isSame(components.headers[name], header)) headers[name] = { $ref: `#/components/headers/${name}` }
  }
}

/** Puts a problem among the components: named by its code, or by its status where it can be several. */
function shared(status: string, response: Response, { components }: ContractDocument): Response {
  const content = response.content?.[problemType]
  if (!content) return response
  const codes = Object.keys(content.examples ?? {})
  const [only] = codes
  const phrase = STATUS_CODES[status] ?? 'Any problem'
  const name = pascalCase(codes.length === 1 && only !== undefined ? only : phrase)
  components.responses ??= {}
  components.responses[name] ??= response
  return isSame(components.responses[name], response) ? { $ref: `#/components/responses/${name}` } : response
}

/** Moves every object schema with a `title` to the components, and names the content's own if it has one. */
function nameSchemas(content: Content | Parameter, schemas: Record<string, Schema>): void {
  if (content.schema) content.schema = named(content.schema, schemas)
}

/** Gives a reference in place of a schema with a `title`, having seen to its parts; null stays possible beside it. */
function named(schema: Schema, schemas: Record<string, Schema>): Schema {
  namePartsOf(schema, schemas)
  const { title, ...rest } = schema
  if (title === undefined) return schema
  const isNullable = Array.isArray(rest.type) && rest.type.includes('null')
  schemas[title] ??= isNullable ? { ...rest, type: 'object' } : rest
  const reference = { $ref: `#/components/schemas/${title}` }
  return isNullable ? { description: rest.description ?? title, anyOf: [reference, { type: 'null' }] } : reference
}

function namePartsOf(schema: Schema, schemas: Record<string, Schema>): void {
  // Swagger UI, like most tools outside JavaScript, takes no Unicode property in a pattern and would refuse every value.
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
