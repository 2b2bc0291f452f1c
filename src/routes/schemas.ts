import { type TSchema, Type } from 'typebox'
import { type ProblemCode, problems } from '../errors.js'
import { describeProblems } from '../openapi/document.js'
import { nullable, ref } from '../schema.js'

/** A SKU or an id: any string of 1 to 255 characters without unpaired surrogates, which UTF-8 cannot encode. */
export const Key = (description: string, example: string) =>
  Type.String({ minLength: 1, maxLength: 255, pattern: '^\\P{Surrogate}*$', description, examples: [example] })

export const Sku = Key(
  'The SKU in Trackstar: any string of 1 to 255 characters. Percent-encode it in a URL (`/` as `%2F`)',
  'SENCHA-100',
)

export const warehouseCustomerId = Type.Optional(
  Key('The merchant that owns the product. Required if several merchants share the SKU', 'cust_aurora'),
)

/** The query of a route without parameters: an option in it that belongs into the body must not be ignored in silence. */
export const NoQuery = Type.Object({}, { additionalProperties: false })

/** Response headers of cached reads. */
const freshnessHeaders = {
  Age: {
    type: 'integer',
    description: 'Seconds since the oldest record in the response was read from Trackstar (RFC 9111)',
    examples: [12],
  },
  ETag: {
    type: 'string',
    description: 'A weak tag of the body without `as_of` and `request_id`. Send it back as `If-None-Match`',
    examples: ['W/"XQlkWSZgs8NTYaI2MOF68ztzK60"'],
  },
  'Cache-Control': {
    type: 'string',
    description:
      'With a mirror, `private, no-cache`: revalidate before every reuse, with the `ETag`. On demand, how long the response is fresh and how long after that it may be reused, in seconds, minus `Age`',
    examples: ['private, no-cache', 'private, max-age=60, stale-while-revalidate=300'],
  },
  'Cache-Status': {
    type: 'string',
    description:
      'Where the response comes from (RFC 9211): the cache (`hit`, `hit; detail=stale`), or Trackstar because a record was missing or too old (`fwd=miss`, `fwd=stale`)',
    examples: ['trackstar-bff; hit'],
  },
}

/** Response headers of lists, which are never cached. */
const listHeaders = {
  'Cache-Control': { type: 'string', description: 'Revalidate before every reuse', examples: ['private, no-cache'] },
  'Cache-Status': {
    type: 'string',
    description: 'Always read from Trackstar (RFC 9211)',
    examples: ['trackstar-bff; fwd=bypass'],
  },
}

const retryAfter = {
  'Retry-After': { type: 'integer', description: 'Seconds to wait before a retry', examples: [1] },
}

const cacheControl = Type.Optional(
  Type.String({
    description:
      'How old the response may be: `no-cache` reads from Trackstar again, `max-age=N` accepts nothing older than N seconds, `only-if-cached` never reads from Trackstar. Without it, cached records are used and refreshed when they expire',
    examples: ['max-age=30'],
  }),
)

/** Request headers of cached queries by POST. */
export const CachedQueryHeaders = Type.Object({ 'cache-control': cacheControl })

/** Request headers of cached reads by GET. */
export const CachedReadHeaders = Type.Object({
  'cache-control': cacheControl,
  'if-none-match': Type.Optional(
    Type.String({
      description: 'The `ETag` of an earlier response. The answer is 304 if nothing has changed',
      examples: ['W/"XQlkWSZgs8NTYaI2MOF68ztzK60"'],
    }),
  ),
})

interface Success {
  readonly description: string
  readonly schema: TSchema
}

const json = ({ description, schema }: Success, headers: object) => ({
  description,
  headers,
  content: { 'application/json': { schema } },
})

/** Problems of every operation that needs a key. */
export const anyOperation = [
  'validation_failed',
  'unauthorized',
  'uri_too_long',
  'rate_limited',
  'internal_error',
  'overloaded',
] as const

/** Problems of every such operation that returns JSON. */
const anyJsonOperation = [...anyOperation, 'not_acceptable'] as const

/** Problems of every operation with a body. */
const bodyProblems = ['content_too_large', 'unsupported_media_type'] as const

/** Problems of every operation that calls Trackstar. */
export const upstreamProblems = [
  'upstream_rejected',
  'not_supported_by_integration',
  'upstream_invalid_response',
  'upstream_auth_failed',
  'upstream_unavailable',
  'upstream_timeout',
] as const

/** Problems of every operation that asks a connection. */
export const connectionProblems = ['connection_required', 'connection_not_found'] as const

/** The error responses for `codes` and `always`: one per status, and `default`. */
export function problemResponses(codes: readonly ProblemCode[], always: readonly ProblemCode[] = anyJsonOperation) {
  const byStatus = new Map<number, ProblemCode[]>()
  for (const code of [...codes, ...always]) {
    const { status } = problems[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  const schema = ref('Problem')
  const entries = Array.from(byStatus, ([status, all]) => [
    status,
    {
      description: describeProblems(all),
      ...((status === 429 || status === 503) && { headers: retryAfter }),
      content: { 'application/problem+json': { schema, 'x-problems': all } },
    },
  ])
  const anyOther = { description: 'Any other error', content: { 'application/problem+json': { schema } } }
  return { ...Object.fromEntries(entries), default: anyOther }
}

/** The responses of a cached read by GET. */
export const cachedReadResponses = (success: Success, ...codes: ProblemCode[]) => ({
  200: json(success, freshnessHeaders),
  // The type `null` stands for a response without a body.
  304: {
    type: 'null',
    description: 'Not modified: `If-None-Match` has the current `ETag`',
    headers: freshnessHeaders,
  },
  ...problemResponses([...codes, ...connectionProblems, ...upstreamProblems, 'not_cached']),
})

/** The responses of a cached query by POST, which is never a 304. */
export const cachedQueryResponses = (success: Success, ...codes: ProblemCode[]) => ({
  200: json(success, freshnessHeaders),
  ...problemResponses([...codes, ...connectionProblems, ...bodyProblems, ...upstreamProblems, 'not_cached']),
})

/** The responses of a list that is always read from Trackstar. */
export const upstreamListResponses = (success: Success, ...codes: ProblemCode[]) => ({
  200: json(success, listHeaders),
  ...problemResponses([...codes, ...connectionProblems, ...upstreamProblems]),
})

const revalidate = {
  'Cache-Control': { type: 'string', description: 'Revalidate before every reuse', examples: ['private, no-cache'] },
}

/** The responses of an operation that needs the mirrored catalog and never calls Trackstar. */
export const mirrorResponses = (success: Success, ...codes: ProblemCode[]) => ({
  200: json(success, revalidate),
  ...problemResponses([...codes, ...connectionProblems, 'requires_mirror', 'mirror_loading']),
})

/** The responses of a write. */
export const writeResponses = (success: Success, ...codes: ProblemCode[]) => ({
  200: json(success, {
    'Cache-Control': { type: 'string', description: 'Never cached', examples: ['no-store'] },
    'Idempotency-Key': {
      type: 'string',
      description: 'The key of the write: the one in the request, or a generated one',
      examples: ['stocktake-17-tray'],
    },
    'Idempotent-Replayed': {
      type: 'string',
      description: '`true` if the write was made earlier and this is its first response; absent otherwise',
      examples: ['true'],
    },
  }),
  ...problemResponses([...codes, ...connectionProblems, ...bodyProblems, ...upstreamProblems]),
})

/** The responses to a webhook delivery. */
export const webhookResponses = {
  204: {
    type: 'null',
    description: 'Accepted. Duplicates, other connections and unknown event types are accepted and ignored',
  },
  ...problemResponses(bodyProblems, [
    'validation_failed',
    'unauthorized',
    'uri_too_long',
    'internal_error',
    'overloaded',
  ]),
}

/** The responses of an operation that needs neither Trackstar nor the cache. */
export const localResponses = (success: Success, ...codes: ProblemCode[]) => ({
  200: json(success, {
    'Cache-Control': { type: 'string', description: 'Never cached', examples: ['no-store'] },
  }),
  ...problemResponses([...codes, ...bodyProblems]),
})

/** The responses of a read that needs neither Trackstar nor the cache. */
export const localReadResponses = (success: Success) => ({
  200: json(success, {
    'Cache-Control': { type: 'string', description: 'Never cached', examples: ['no-store'] },
  }),
  ...problemResponses([]),
})

/** `{"data": …}`: one whole record, unchanged. */
export const Envelope = (record: string) =>
  Type.Object(
    { data: ref(record) },
    { title: `${record}Reply`, description: 'One whole record from Trackstar', additionalProperties: false },
  )

/** A page of a list, in Trackstar's own shape. */
export const PageEnvelope = (record: string) =>
  Type.Object(
    {
      data: Type.Array(ref(record), { description: 'The records' }),
      next_token: nullable(
        Type.String({
          description: 'Send it as `page_token`, with the same filters, to get the next page; null on the last page',
        }),
      ),
      total_count: Type.Integer({ description: 'Records on this page' }),
    },
    { title: `${record}Page`, description: "One page of Trackstar's list", additionalProperties: false },
  )

/** Serialises records unchanged: a serialiser compiled from the schema would drop the fields that it does not name. */
export const passThrough = () => (body: unknown) => JSON.stringify(body)
