import { type Break, type Direction, type Schema, SchemaComparison, schemaRules, unruled } from './breaking-schemas.js'

/** Either the thing or a reference to it among the components. */
type OrReference<T> = T & { readonly $ref?: string }
type Named<T> = Readonly<Record<string, T>>

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly schema?: Schema
  readonly style?: string
  readonly explode?: boolean
}
interface Content {
  readonly schema?: Schema
}
interface Body {
  readonly required?: boolean
  readonly content: Named<Content>
}
interface Response {
  readonly headers?: Named<OrReference<Content>>
  readonly content?: Named<Content>
}
type Security = readonly Named<readonly string[]>[]
interface Operation {
  readonly operationId?: string
  readonly tags?: readonly string[]
  readonly parameters?: readonly OrReference<Parameter>[]
  readonly requestBody?: OrReference<Body>
  readonly responses: Named<OrReference<Response>>
  readonly security?: Security
}

/** What is compared of a contract document. */
export interface Contract {
  readonly info: { readonly version: string }
  readonly servers?: readonly { readonly url: string }[]
  readonly security?: Security
  readonly paths: Named<Named<Operation>>
  readonly components: { readonly schemas?: Named<Schema>; readonly securitySchemes?: Named<object> }
}

/** The rules that two contract documents are held against, beside those for {@link schemaRules schemas}. */
export const contractRules = {
  'operation-removed': 'a path, or a method of it, is gone',
  'operation-id-changed': 'the function of a generated client has another name',
  'tag-changed': 'the class of a generated client has another name',
  'component-removed': 'a type of a generated client is gone, or has another name',
  'server-changed': 'the addresses begin otherwise',
  'parameter-removed': 'a parameter is gone: unknown ones are refused',
  'parameter-required': 'a parameter is needed that was not',
  'parameter-style-changed': 'a parameter is written otherwise',
  'body-removed': 'a request takes no body any more',
  'body-required': 'a request needs a body that it did not need',
  'media-type-removed': 'a body is no longer taken or given in some media type',
  'response-removed': 'a success, a 304 or the answer for all other errors is gone',
  'success-added': 'a success may come that no client knows',
  'header-removed': 'an answer lacks a header',
  'security-demanded': 'who could ask no longer can: a key or a scope is needed',
  'security-scheme-changed': 'a key is to be sent in another way',
  ...schemaRules,
} as const

export type Rule = keyof typeof contractRules

/** Everything in `after` that a client made for `before` would break on. Empty where each can be used for the other's. */
export function breakingChanges(before: Contract, after: Contract): Break<Rule>[] {
  return new ContractComparison(before, after).breaks()
}

class ContractComparison {
  readonly #schemas: SchemaComparison

  constructor(
    private readonly before: Contract,
    private readonly after: Contract,
  ) {
    this.#schemas = new SchemaComparison(
      (reference) => found(before, reference) as Schema,
      (reference) => found(after, reference) as Schema,
    )
  }

  breaks(): Break<Rule>[] {
    const { before, after } = this
    const known = ['openapi', 'info', 'servers', 'security', 'paths', 'components', 'tags', 'externalDocs']
    return [
      ...(differ(urlsOf(before), urlsOf(after)) ? [broken('server-changed', 'servers', urlsOf(after).join(', '))] : []),
      ...lost(before.components.schemas, after.components.schemas).map((name) => broken('component-removed', name)),
      ...this.#schemeBreaks(),
      ...operationsOf(before).flatMap(({ path, method, operation }) => {
        const at = `${method.toUpperCase()} ${path}`
        const now = after.paths[path]?.[method]
        return now === undefined ? [broken('operation-removed', at)] : this.#operationBreaks(operation, now, at)
      }),
      ...Object.entries(before.paths).flatMap(([path, item]) =>
        unruled(item, after.paths[path] ?? item, [...methods, 'summary', 'description'], path),
      ),
      ...unruled(before, after, known, 'the document'),
    ]
  }

  #schemeBreaks(): Break<Rule>[] {
    const { securitySchemes: was = {} } = this.before.components
    const { securitySchemes: is = {} } = this.after.components
    const essence = (scheme: object) => JSON.stringify({ ...scheme, description: undefined })
    return Object.entries(was).flatMap(([name, scheme]) =>
      is[name] !== undefined && essence(scheme) !== essence(is[name]) ? [broken('security-scheme-changed', name)] : [],
    )
  }

  #operationBreaks(before: Operation, after: Operation, at: string): Break<Rule>[] {
    const renamed = before.operationId !== after.operationId
    const [tag, tagNow] = [before.tags?.[0], after.tags?.[0]]
    const known = [
      'operationId',
      'tags',
      'summary',
      'description',
      'parameters',
      'requestBody',
      'responses',
      'security',
    ]
    return [
      ...(renamed ? [broken('operation-id-changed', at, `was ${before.operationId}, is ${after.operationId}`)] : []),
      ...(tag === tagNow ? [] : [broken('tag-changed', at, `was ${tag}, is ${tagNow}`)]),
      ...this.#securityBreaks(before, after, at),
      ...this.#parameterBreaks(before, after, at),
      ...this.#bodyBreaks(before, after, at),
      ...this.#responseBreaks(before, after, at),
      ...unruled(before, after, [...known, 'deprecated', 'externalDocs'], at),
    ]
  }

  /** Every set of keys that was enough has to be enough still. */
  #securityBreaks(before: Operation, after: Operation, at: string): Break<Rule>[] {
    const was = waysIn(before.security ?? this.before.security)
    const is = waysIn(after.security ?? this.after.security)
    const suffices = (held: Named<readonly string[]>) =>
      is.some((asked) =>
        Object.entries(asked).every(
          ([scheme, scopes]) => scopes.every((scope) => held[scheme]?.includes(scope)) && held[scheme],
        ),
      )
    const refused = was.filter((way) => !suffices(way))
    return refused.map((way) => broken('security-demanded', at, `no longer enough: ${JSON.stringify(way)}`))
  }

  #parameterBreaks(before: Operation, after: Operation, at: string): Break<Rule>[] {
    const [was, is] = [parametersOf(this.before, before), parametersOf(this.after, after)]
    const known = ['name', 'in', 'required', 'schema', 'style', 'explode', ...annotations]
    return [
      ...Array.from(is).flatMap(([key, { required = false }]) =>
        required && was.get(key)?.required !== true ? [broken('parameter-required', `${at} ${key}`)] : [],
      ),
      ...Array.from(was).flatMap(([key, parameter]) => {
        const now = is.get(key)
        const where = `${at} ${key}`
        if (now === undefined) return [broken('parameter-removed', where)]
        return [
          ...(differ(styleOf(parameter), styleOf(now)) ? [broken('parameter-style-changed', where)] : []),
          ...this.#schemas.compare(parameter.schema ?? {}, now.schema ?? {}, 'request', where),
          ...unruled(parameter, now, known, where),
        ]
      }),
    ]
  }

  #bodyBreaks(before: Operation, after: Operation, at: string): Break<Rule>[] {
    const was = before.requestBody && resolved(this.before, before.requestBody)
    const is = after.requestBody && resolved(this.after, after.requestBody)
    if (is === undefined) return was === undefined ? [] : [broken('body-removed', at)]
    return [
      ...(is.required === true && was?.required !== true ? [broken('body-required', at)] : []),
      ...(was ? this.#contentBreaks(was.content, is.content, 'request', `${at} body`) : []),
    ]
  }

  #responseBreaks(before: Operation, after: Operation, at: string): Break<Rule>[] {
    const isRelied = (status: string) => /^[23]|^default$/i.test(status)
    const isSuccess = (status: string) => /^2/.test(status)
    return [
      ...lost(before.responses, after.responses)
        .filter(isRelied)
        .map((status) => broken('response-removed', `${at} ${status}`)),
      ...lost(after.responses, before.responses)
        .filter(isSuccess)
        .map((status) => broken('success-added', `${at} ${status}`)),
      ...Object.keys(before.responses).flatMap((status) => {
        const [was, is] = [before.responses[status], after.responses[status]]
        if (was === undefined || is === undefined) return []
        return this.#answerBreaks(resolved(this.before, was), resolved(this.after, is), `${at} ${status}`)
      }),
    ]
  }

  #answerBreaks(before: Response, after: Response, at: string): Break<Rule>[] {
    const { headers: was = {}, content = {} } = before
    const { headers: is = {}, content: contentNow = {} } = after
    return [
      ...lost(was, is).map((name) => broken('header-removed', `${at} ${name}`)),
      ...Object.entries(was).flatMap(([name, header]) => {
        const now = is[name]
        if (now === undefined) return []
        const [old, current] = [resolved(this.before, header), resolved(this.after, now)]
        return this.#schemas.compare(old.schema ?? {}, current.schema ?? {}, 'answer', `${at} ${name}`)
      }),
      ...this.#contentBreaks(content, contentNow, 'answer', at),
      ...unruled(before, after, ['description', 'headers', 'content'], at),
    ]
  }

  #contentBreaks(before: Named<Content>, after: Named<Content>, direction: Direction, at: string): Break<Rule>[] {
    return [
      ...lost(before, after).map((mediaType) => broken('media-type-removed', `${at} ${mediaType}`)),
      ...Object.entries(before).flatMap(([mediaType, was]) => {
        const is = after[mediaType]
        if (is === undefined) return []
        return [
          ...this.#schemas.compare(was.schema ?? {}, is.schema ?? {}, direction, at),
          ...unruled(was, is, ['schema', 'example', 'examples'], at),
        ]
      }),
    ]
  }
}

const annotations = ['description', 'example', 'examples', 'deprecated']

const broken = (rule: Rule, at: string, detail = ''): Break<Rule> => ({ rule, at, detail })

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']

const operationsOf = ({ paths }: Contract) =>
  Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method]
      return operation === undefined ? [] : [{ path, method, operation }]
    }),
  )

/** What a reference leads to; nothing, of no kind, where it leads nowhere. */
function found(contract: Contract, reference: string): unknown {
  const steps = reference.replace(/^#\//, '').split('/')
  return (
    steps.reduce<unknown>((at, step) => Object(at)[step.replaceAll('~1', '/').replaceAll('~0', '~')], contract) ?? {}
  )
}

const resolved = <T extends object>(contract: Contract, given: OrReference<T>): T =>
  given.$ref === undefined ? given : (found(contract, given.$ref) as T)

/** By place and name, as `query limit`. */
const parametersOf = (contract: Contract, { parameters = [] }: Operation): ReadonlyMap<string, Parameter> =>
  new Map(parameters.map((given) => resolved(contract, given)).map((one) => [`${one.in} ${one.name}`, one]))

/** How a parameter is written, with OpenAPI's defaults. */
function styleOf({ in: place, style = /^(path|header)$/.test(place) ? 'simple' : 'form', explode }: Parameter) {
  return [style, explode ?? style === 'form']
}

/** Nothing asked is one way in, which asks for nothing. */
const waysIn = (security: Security = []): Security => (security.length === 0 ? [{}] : security)
const urlsOf = ({ servers = [] }: Contract) => servers.map(({ url }) => url)
const lost = (before: object = {}, after: object = {}) =>
  Object.keys(before).filter((name) => !Object.hasOwn(after, name))
const differ = (a: unknown, b: unknown) => JSON.stringify(a) !== JSON.stringify(b)
