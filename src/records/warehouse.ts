import { type Static, Type } from 'typebox'
import { orNull, recordSchema } from './record.js'

/** A warehouse as Trackstar gives it (`/wms/warehouses`). */
export const Warehouse = recordSchema('Warehouse', 'A warehouse, as Trackstar gives it', {
  name: orNull(Type.String()),
  code: orNull(Type.String()),
  address: orNull(Type.Object({}, { additionalProperties: true, description: 'address1…3, city, state, country, …' })),
})
export type Warehouse = Static<typeof Warehouse>
