import { type Static, Type } from 'typebox'
import { orNull, recordSchema } from './record.js'

/** A warehouse as Trackstar gives it (`/wms/warehouses`). */
export const Warehouse = recordSchema('Warehouse', 'A warehouse, as Trackstar gives it', {
  name: orNull(Type.String({ description: 'Name of the warehouse' })),
  code: orNull(Type.String({ description: 'Code of the warehouse' })),
  address: orNull(Type.Object({}, { additionalProperties: true, description: 'address1…3, city, state, country, …' })),
})
export type Warehouse = Static<typeof Warehouse>
