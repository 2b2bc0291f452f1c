import { type TSchema, Type } from 'typebox'
import { type ProblemCode, problems } from '../errors.js'

/** A SKU or an id: any string of 1 to 255 characters that can be written as UTF-8 (no unpaired surrogate). */
export const Key = (description: string, example: string) =>
  Type.String({ minLength: 1, maxLength: 255, pattern: '^\\P{Surrogate}*$', description, examples: [example] })

export const Sku = Key('The SKU; percent-encoded in a path: `/` is `%2F`', 'SENCHA-100')

export const warehouseCustomerId = Type.Optional(
  Key('The merchant whose product is meant, where several share a SKU', 'cust_aurora'),
)

/** A schema that the application knows by its `$id`; in the contract document a named component. */
export const Ref = <T>($id: string) => Type.Unsafe<T>({ $ref: `${$id}#` })

/** Headers of every cached read, for the documentation. */
const freshnessHeaders = {
  Age: {
    description: 'Seconds since the oldest record in the answer was read (RFC 9111)',
    schema: { type: 'integer' },
  },
  ETag: {
    description: 'Weak; covers the body but `as_of`. Send it back as `If-None-Match`',
    schema: { type: 'string' },
  },
  'Cache-Control': { description: 'How long the answer is fresh, and may be used stale', schema: { type: 'string' } },
  'Cache-Status': { description: 'Whether Trackstar had to be asked (RFC 9211)', schema: { type: 'string' } },
}

/** Request headers of every cached read, for the documentation; they are read where the request is. */
export const CachedReadHeaders = Type.Object({
  'cache-control': Type.Optional(
    Type.String({
      description:
        '`no-cache` reads Trackstar anew, `max-age=N` takes nothing older than N seconds, `only-if-cached` never asks Trackstar',
      examples: ['max-age=30'],
    }),
  ),
  'if-none-match': Type.Optional(
    Type.String({ description: 'The `ETag` of an earlier answer: 304 if nothing has changed', examples: ['W/"…"'] }),
  ),
})

interface Success {
  readonly description: string
  readonly schema: TSchema
  readonly examples?: Readonly<Record<string, { summary: string; value: unknown }>>
}

const json = ({ description, schema, examples }: Success, headers: object = {}) => ({
  description,
  headers,
  content: { 'application/json': { schema, ...(examples && { examples }) } },
})

/** What every operation can answer with, whatever it does. */
const always = ['validation_failed', 'not_acceptable', 'internal_error'] as const

/** What every read of Trackstar can end in. */
export const upstreamProblems = [
  'upstream_invalid_response',
  'upstream_auth_failed',
  'upstream_unavailable',
  'overloaded',
  'upstream_timeout',
] as const

const problemContent = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: Ref('Problem') } },
})

/** The error answers that `codes` can become, one per status, and the default. */
function problemResponses(codes: readonly ProblemCode[]) {
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of [...codes, ...always]) {
    const { status } = problems[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  const entries = Array.from(byStatus, ([status, all]) => [
    status,
    problemContent(all.map((code) => `\`${code}\`: ${problems[code].title}`).join('. ')),
  ])
  return { ...Object.fromEntries(entries), default: problemContent('Any other error') }
}

/** The responses of a read that is answered from what is held. */
export const cachedResponses = (success: Success, ...codes: ProblemCode[]) => ({
  200: json(success, freshnessHeaders),
  304: { description: '`If-None-Match` names the answer: nothing has changed', headers: freshnessHeaders },
  ...problemResponses([...codes, ...upstreamProblems, 'not_cached']),
})

/** The responses of a read that always goes upstream. */
export const passedOnResponses = (success: Success, ...codes: ProblemCode[]) => ({
  200: json(success),
  ...problemResponses([...codes, ...upstreamProblems]),
})
