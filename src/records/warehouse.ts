import { type Static, Type } from 'typebox'
import { nullish } from '../schema.js'
import type { Raw } from './fields.js'
import { recordSchema } from './record.js'

/** A warehouse as Trackstar returns it (`/wms/warehouses`). */
export const Warehouse = recordSchema('Warehouse', 'A warehouse, as Trackstar returns it', {
  name: nullish(Type.String({ description: 'Name of the warehouse' })),
  code: nullish(Type.String({ description: 'Code of the warehouse' })),
  address: nullish(Type.Object({}, { additionalProperties: true, description: 'address1…3, city, state, country, …' })),
})
/** A warehouse with the documented types. */
export type DocumentedWarehouse = Static<typeof Warehouse>
/** A warehouse as received, with fields of any type. */
export type Warehouse = Raw<DocumentedWarehouse>
