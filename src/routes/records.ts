import { Type } from 'typebox'
import { Ref } from './schemas.js'

/** `{"data": …}`: one whole upstream record, untouched. */
export const Envelope = (record: string) =>
  Type.Object(
    { data: Ref(record) },
    { title: `${record}Reply`, description: 'One whole record, as Trackstar has it', additionalProperties: false },
  )

/** Upstream's own list shape. */
export const PageEnvelope = (record: string) =>
  Type.Object(
    {
      data: Type.Array(Ref(record), { description: 'The records' }),
      next_token: Type.Unsafe<string | null>({
        type: ['string', 'null'],
        description: 'Goes back in as `page_token`, with the same filters; null on the last page',
      }),
      total_count: Type.Integer({ description: 'Records on this page' }),
    },
    { title: `${record}Page`, description: "One page of Trackstar's list", additionalProperties: false },
  )

/** Records go out as they came: a serialiser made from the schema would know only the fields that it names. */
export const passThrough = () => (body: unknown) => JSON.stringify(body)
