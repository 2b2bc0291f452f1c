import { type TSchema, Type } from 'typebox'
import { type ProblemCode, problems } from '../errors.js'
import { describeProblems } from '../openapi/document.js'
import { nullable, ref } from '../schema.js'

/** A SKU or an id: any string of 1 to 255 characters that can be written as UTF-8 (no unpaired surrogate). */
export const Key = (description: string, example: string) =>
  Type.String({ minLength: 1, maxLength: 255, pattern: '^\\P{Surrogate}*$', description, examples: [example] })

export const Sku = Key(
  'The SKU as Trackstar has it: any string of 1 to 255 characters. In an address it is percent-encoded, `/` as `%2F`, which most clients do by themselves',
  'SENCHA-100',
)

export const warehouseCustomerId = Type.Optional(
  Key(
    "The merchant whose product is meant, by Trackstar's `warehouse_customer_id`. Needed where several merchants share the SKU",
    'cust_aurora',
  ),
)

/** Headers of every cached read, for the documentation. */
const freshnessHeaders = {
  Age: {
    type: 'integer',
    description: 'Seconds since the oldest record in the answer was read from Trackstar (RFC 9111)',
    examples: [12],
  },
  ETag: {
    type: 'string',
    description: 'Weak; covers all of the body but `as_of` and `request_id`. Send it back as `If-None-Match`',
    examples: ['W/"XQlkWSZgs8NTYaI2MOF68ztzK60"'],
  },
  'Cache-Control': {
    type: 'string',
    description: 'How long the answer counts as fresh, and how long past that it may be used; `Age` is used up already',
    examples: ['private, max-age=60, stale-while-revalidate=300'],
  },
  'Cache-Status': {
    type: 'string',
    description:
      'Where the answer comes from (RFC 9211): `hit` and `hit; detail=stale` from what is held, `fwd=miss` and `fwd=stale` from Trackstar, which was asked for what was missing or too old',
    examples: ['trackstar-bff; hit'],
  },
}

/** Headers of what is passed on from upstream and not kept. */
const passedOnHeaders = {
  'Cache-Control': { type: 'string', description: 'Not to be reused unasked', examples: ['private, no-cache'] },
  'Cache-Status': {
    type: 'string',
    description: 'Trackstar is always asked (RFC 9211)',
    examples: ['trackstar-bff; fwd=bypass'],
  },
}

const retryAfter = {
  'Retry-After': { type: 'integer', description: 'Seconds after which asking again makes sense', examples: [1] },
}

const cacheControl = Type.Optional(
  Type.String({
    description:
      'How old an answer may be: `no-cache` reads Trackstar anew, `max-age=N` takes nothing older than N seconds, `only-if-cached` never asks Trackstar. Without it what is held is given, and read again where it is past its time',
    examples: ['max-age=30'],
  }),
)

/** Request headers of every cached query by POST, for the documentation; they are read where the request is. */
export const CachedQueryHeaders = Type.Object({ 'cache-control': cacheControl })

/** The same of every cached read by GET. */
export const CachedReadHeaders = Type.Object({
  'cache-control': cacheControl,
  'if-none-match': Type.Optional(
    Type.String({
      description: 'The `ETag` of an earlier answer: 304 if nothing has changed',
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

/** What every operation that takes a key can answer with, whatever it does. */
export const anyOperation = [
  'validation_failed',
  'unauthorized',
  'uri_too_long',
  'rate_limited',
  'internal_error',
  'overloaded',
] as const

/** The same of one that gives JSON, and so refuses who takes none. */
const anyThatGivesJson = [...anyOperation, 'not_acceptable'] as const

/** What every operation with a body can answer with. */
const ofBodies = ['content_too_large', 'unsupported_media_type'] as const

/** What every read of Trackstar can end in. */
export const upstreamProblems = [
  'upstream_rejected',
  'not_supported_by_integration',
  'upstream_invalid_response',
  'upstream_auth_failed',
  'upstream_unavailable',
  'upstream_timeout',
] as const

/** The error answers that `codes`, and those of every such operation, can become, one per status, and the default. */
export function problemResponses(codes: readonly ProblemCode[], always: readonly ProblemCode[] = anyThatGivesJson) {
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

/** The responses of a read by GET that is answered from what is held. */
export const cachedResponses = (success: Success, ...codes: ProblemCode[]) => ({
  200: json(success, freshnessHeaders),
  // `null` is a response without a body.
  304: {
    type: 'null',
    description: '`If-None-Match` names the answer: nothing has changed',
    headers: freshnessHeaders,
  },
  ...problemResponses([...codes, ...upstreamProblems, 'not_cached']),
})

/** The responses of the same by POST, which no precondition turns into a 304. */
export const cachedQueryResponses = (success: Success, ...codes: ProblemCode[]) => ({
  200: json(success, freshnessHeaders),
  ...problemResponses([...codes, ...ofBodies, ...upstreamProblems, 'not_cached']),
})

/** The responses of a read that always goes upstream. */
export const passedOnResponses = (success: Success, ...codes: ProblemCode[]) => ({
  200: json(success, passedOnHeaders),
  ...problemResponses([...codes, ...upstreamProblems]),
})

const unkept = {
  'Cache-Control': { type: 'string', description: 'Not to be reused unasked', examples: ['private, no-cache'] },
}

/** The responses of what only a mirrored catalog can answer, without asking Trackstar. */
export const mirrorResponses = (success: Success, ...codes: ProblemCode[]) => ({
  200: json(success, unkept),
  ...problemResponses([...codes, 'requires_mirror', 'mirror_loading']),
})

/** The responses of a write that goes straight through. */
export const writeResponses = (success: Success, ...codes: ProblemCode[]) => ({
  200: json(success, {
    'Cache-Control': { type: 'string', description: 'Never to be kept', examples: ['no-store'] },
    'Idempotency-Key': {
      type: 'string',
      description: 'The key that names the write, yours or one made here',
      examples: ['stocktake-17-tray'],
    },
    'Idempotent-Replayed': {
      type: 'string',
      description: '`true` where the write was done before and this is the reply of then; absent otherwise',
      examples: ['true'],
    },
  }),
  ...problemResponses([...codes, ...ofBodies, ...upstreamProblems]),
})

/** The responses to a delivery. */
export const webhookResponses = {
  204: { type: 'null', description: 'Taken in, seen before, of another connection, or of no interest here' },
  ...problemResponses(ofBodies, ['validation_failed', 'unauthorized', 'uri_too_long', 'internal_error', 'overloaded']),
}

/** The responses of what is made here and asks nobody. */
export const madeHereResponses = (success: Success) => ({
  200: json(success, {
    'Cache-Control': { type: 'string', description: 'Never to be kept', examples: ['no-store'] },
  }),
  ...problemResponses(ofBodies),
})

/** `{"data": …}`: one whole upstream record, untouched. */
export const Envelope = (record: string) =>
  Type.Object(
    { data: ref(record) },
    { title: `${record}Reply`, description: 'One whole record, as Trackstar has it', additionalProperties: false },
  )

/** Upstream's own list shape. */
export const PageEnvelope = (record: string) =>
  Type.Object(
    {
      data: Type.Array(ref(record), { description: 'The records' }),
      next_token: nullable(
        Type.String({
          description: 'Goes back in as `page_token`, with the same filters; null on the last page',
        }),
      ),
      total_count: Type.Integer({ description: 'Records on this page' }),
    },
    { title: `${record}Page`, description: "One page of Trackstar's list", additionalProperties: false },
  )

/** Records go out as they came: a serialiser made from the schema would know only the fields that it names. */
export const passThrough = () => (body: unknown) => JSON.stringify(body)
