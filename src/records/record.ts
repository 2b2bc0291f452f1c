import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox'

/** Either the value or null: upstream leaves out or nulls any descriptive field, depending on the integration. */
export const orNull = <T extends TSchema & { type: string }>(schema: T) =>
  Type.Optional(Type.Unsafe<Static<T> | null>({ ...schema, type: [schema.type, 'null'] }))

/** A time as upstream writes it: ISO 8601 UTC, `YYYY-MM-DDTHH:MM:SSZ` or, for some lots, `YYYY-MM-DD`. Not checked. */
const timestamp = (description: string) => orNull(Type.String({ description }))

/** What every upstream record carries beside its own fields. `id` alone is certain. */
const recordFields = {
  id: Type.String({ minLength: 1, description: "Trackstar's id of the record" }),
  created_date: timestamp('When the source system made the record'),
  updated_date: timestamp('When the source system last changed the record'),
  trackstar_created_date: timestamp('When Trackstar first copied the record'),
  trackstar_updated_date: timestamp("When Trackstar's copy of the record last changed"),
  trackstar_tags: orNull(Type.Array(Type.Unknown(), { description: 'Tags: strings or objects of one key' })),
}

/** The schema of one kind of upstream record. Fields that it does not name pass through untouched. */
export const recordSchema = <P extends TProperties>($id: string, description: string, fields: P) =>
  Type.Object({ ...recordFields, ...fields }, { $id, description, additionalProperties: true })

/** Any record schema: what the reading of pages needs to know of one. */
export type RecordSchema = TObject<typeof recordFields>
