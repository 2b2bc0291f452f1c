import type { ResponseExample } from '../../src/openapi/examples.js'

/** What the tests read of an OpenAPI document. */
export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description?: string
  readonly schema?: Readonly<Record<string, unknown>>
  readonly example?: unknown
  readonly examples?: unknown
}
export interface Content {
  readonly schema?: object
  readonly example?: unknown
  readonly examples?: Readonly<Record<string, ResponseExample>>
}
export interface Response {
  readonly $ref?: string
  readonly description: string
  readonly headers?: Readonly<Record<string, object>>
  readonly content?: Readonly<Record<string, Content>>
}
export interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly parameters?: readonly Parameter[]
  /** The accepted security schemes with their scopes; empty if none is required. */
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[]
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> }
  readonly responses: Readonly<Record<string, Response>>
}
export interface Document {
  readonly openapi: string
  readonly tags: readonly { readonly name: string; readonly description?: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, object>>
    readonly responses: Readonly<Record<string, Response>>
    readonly headers: Readonly<Record<string, object>>
    readonly securitySchemes?: Readonly<Record<string, { readonly in?: string; readonly name?: string }>>
  }
}

/** One operation and where it is. */
export interface Endpoint {
  readonly method: string
  readonly path: string
  readonly operation: Operation
}

export const operationsOf = ({ paths }: Document): Endpoint[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })),
  )

/** A response as it is, where the operation only names it. */
export function resolved({ components }: Document, response: Response): Response {
  const name = response.$ref?.split('/').at(-1)
  if (name === undefined) return response
  const found = components.responses[name]
  if (found === undefined) throw new Error(`no response component is called ${name}`)
  return found
}

/** Every example of a response body, once per location. */
export function responseExamples(document: Document) {
  return operationsOf(document).flatMap(({ method, path, operation }) =>
    Object.entries(operation.responses).flatMap(([status, response]) =>
      Object.entries(resolved(document, response).content ?? {}).flatMap(([mediaType, { examples = {} }]) =>
        Object.entries(examples).map(([name, example]) => ({ method, path, status, mediaType, name, example })),
      ),
    ),
  )
}
