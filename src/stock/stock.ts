import { type Static, type TProperties, type TSchema, Type } from 'typebox'
import { ProblemBody } from '../errors.js'
import { enumOf, nullable, nullableNoun, ref } from '../schema.js'

const noun = <P extends TProperties>($id: string, description: string, properties: P) =>
  Type.Object(properties, { $id, description, additionalProperties: false })
/** In the stock of a group, each entry of a list names its connection. */
const ofConnection = {
  connection: Type.Optional(
    Type.String({ description: 'In the stock of a group: the connection that the entry belongs to' }),
  ),
}
const listOf = <T>($id: string, description: string) => Type.Array(ref<T>($id), { description })

/** The quantities of a product, a warehouse or a component. */
export const Quantities = noun('Quantities', 'Quantities; null if Trackstar states none, below zero when oversold', {
  onhand: nullable(Type.Number({ description: 'Units in the warehouse' })),
  committed: nullable(Type.Number({ description: 'Allocated to orders; null for a kit' })),
  unfulfillable: nullable(Type.Number({ description: 'Damaged, quarantined or otherwise held back; null for a kit' })),
  fulfillable: Type.Number({ description: 'Can be picked and shipped for orders; an unknown quantity counts as 0' }),
  sellable: nullable(Type.Number({ description: 'Offered in sales channels' })),
  awaiting: nullable(
    Type.Number({ description: 'Expected to arrive; for a kit, how many more kits these units allow' }),
  ),
})
export type Quantities = Static<typeof Quantities>

/** The stock of one warehouse. */
export const WarehouseStock = noun('WarehouseStock', 'What one warehouse can ship by itself', {
  warehouse_id: Type.String({ description: "Trackstar's id of the warehouse" }),
  name: nullable(Type.String({ description: 'Name of the warehouse; null if unknown' })),
  code: nullable(Type.String({ description: 'Code of the warehouse; null if unknown' })),
  available: Type.Integer({ description: 'max(0, quantities.fulfillable)' }),
  quantities: ref<Quantities>('Quantities'),
  ...ofConnection,
})
export type WarehouseStock = Static<typeof WarehouseStock>

/** One inventory item that the product consists of. */
export const ComponentStock = noun('ComponentStock', 'One inventory item that the product consists of', {
  inventory_item_id: Type.String({ description: "Trackstar's id of the item" }),
  sku: nullable(
    Type.String({ description: "SKU of the component: the one that the product gives the item, else the item's own" }),
  ),
  name: nullable(Type.String({ description: 'Name of the item' })),
  unit_quantity: Type.Number({ description: 'Units of the item per unit of the product' }),
  active: nullable(Type.Boolean({ description: 'Whether the item is active; null if Trackstar does not say' })),
  status: enumOf(['ok', 'missing'], {
    description: 'missing: Trackstar does not know the item that the product refers to',
  }),
  quantities: ref<Quantities>('Quantities'),
  ...ofConnection,
})
export type ComponentStock = Static<typeof ComponentStock>

/** Every `code` of an issue. */
export const issueCodes = [
  'no_inventory_items',
  'inventory_item_missing',
  'quantity_unknown',
  'invalid_unit_quantity',
  'invalid_reference',
  'kit_flag_missing',
  'merchant_mismatch',
  'quantity_inconsistent',
  'warehouse_unknown',
  'upstream_sync_incomplete',
  'warehouse_breakdown_missing',
  'warehouse_breakdown_mismatch',
  'connection_unanswered',
] as const

/** A problem in the data behind a stock. */
export const StockIssue = noun('StockIssue', 'A problem in the data behind the stock', {
  code: Type.Unsafe<(typeof issueCodes)[number]>({
    ...enumOf(issueCodes, {
      description: 'What is wrong. New codes may be added; `complete` says whether they affect the numbers',
    }),
    'x-may-grow': true,
  }),
  inventory_item_id: nullable(
    Type.String({ description: 'The affected inventory item; null if the issue is not about one' }),
  ),
  detail: Type.String({ description: 'A description of the issue' }),
  ...ofConnection,
})
export type StockIssue = Static<typeof StockIssue>

/** The component that limits a kit. */
export const Limiting = Type.Object(
  {
    component_sku: nullable(Type.String({ description: 'SKU of the component; null if it has none' })),
    inventory_item_ids: Type.Array(Type.String(), { description: 'The interchangeable items of this component' }),
    yield: Type.Integer({ description: 'Kits that this component allows; below zero when oversold' }),
    shortfall: Type.Number({
      description: 'Further units of the component needed for max(0, yield) + 1 kits',
    }),
  },
  {
    title: 'Limiting',
    description: 'The scarcest component of a kit; null for a plain product',
    additionalProperties: false,
  },
)
export type Limiting = Static<typeof Limiting>

/** One lot of one item. */
export const StockLot = noun('StockLot', 'One lot of one inventory item', {
  inventory_item_id: Type.String({ description: "Trackstar's id of the item" }),
  lot_id: nullable(Type.String({ description: 'Id of the lot' })),
  onhand: nullable(Type.Number({ description: 'Units of the lot' })),
  expiration_date: nullable(Type.String({ description: '`YYYY-MM-DD` or a time in UTC, as Trackstar writes it' })),
  warehouse_id: nullable(Type.String({ description: 'The warehouse of the lot' })),
  ...ofConnection,
})
export type StockLot = Static<typeof StockLot>

/** One location of an item. */
export const StockLocation = noun('StockLocation', 'One location of an inventory item', {
  inventory_item_id: Type.String({ description: "Trackstar's id of the item" }),
  location_id: nullable(Type.String({ description: 'Id of the location' })),
  quantity: nullable(Type.Number({ description: 'Units at the location' })),
  warehouse_id: nullable(Type.String({ description: 'The warehouse of the location' })),
  ...ofConnection,
})
export type StockLocation = Static<typeof StockLocation>

/** The state of Trackstar's own copy of the inventory. */
export const StockSource = Type.Object(
  {
    synced_at: nullable(Type.String({ description: 'When Trackstar last copied inventory from the warehouse system' })),
    errors: Type.Array(
      Type.Object(
        {
          message: Type.String({ description: 'What is wrong, with type and resource if Trackstar names them' }),
          preventing_sync: Type.Boolean({
            description: 'Whether it keeps Trackstar from copying products, inventory or warehouses',
          }),
          first_seen: nullable(Type.String({ description: 'When the error first occurred' })),
          last_seen: nullable(Type.String({ description: 'When the error last occurred' })),
        },
        {
          title: 'SourceError',
          description: 'An error between Trackstar and the warehouse system, or a sync that does not run',
          additionalProperties: false,
        },
      ),
      { description: 'All errors of the connection' },
    ),
  },
  {
    title: 'StockSource',
    description: "Trackstar's own copy of the inventory; null while unknown",
    additionalProperties: false,
  },
)
export type StockSource = Static<typeof StockSource>

/** The product of a stock. */
export const StockProduct = Type.Object(
  {
    id: Type.String({ description: "Trackstar's id of the product" }),
    name: nullable(Type.String({ description: 'Name of the product' })),
    gtin: nullable(Type.String({ description: 'GTIN of the product' })),
    is_kit: Type.Boolean({
      description:
        'Whether the product is assembled from components; if Trackstar does not say, whether its components have several SKUs',
    }),
    active: nullable(Type.Boolean({ description: 'Whether the product is active; null if Trackstar does not say' })),
    warehouse_customer_id: nullable(
      Type.String({ description: 'The merchant, if several share one warehouse system' }),
    ),
  },
  { title: 'StockProduct', description: 'The product with the SKU', additionalProperties: false },
)

/** What one connection of a group has of a SKU. */
export const ConnectionStock = noun('ConnectionStock', 'What one connection of a group has of a SKU', {
  connection: Type.String({ description: 'The connection, by its name' }),
  status: enumOf(['ok', 'not_found', 'ambiguous', 'unavailable'], {
    description:
      'not_found: it has no product with the SKU. ambiguous, unavailable: it has not answered, so that the sum may be too low',
  }),
  product: nullable({ ...StockProduct, description: 'Its product; null unless the status is `ok`' }),
  available: nullable(Type.Integer({ description: 'What it has available; null unless the status is `ok`' })),
  quantities: nullableNoun(Quantities),
  limiting: nullable(Limiting),
  complete: Type.Boolean({
    description: 'False if an issue may make one of its numbers too low or too high, or if it has not answered',
  }),
  as_of: nullable(
    Type.String({
      format: 'date-time',
      description: 'When the oldest of its records was read from Trackstar; null unless the status is `ok`',
    }),
  ),
  stale: Type.Boolean({ description: 'Whether any of its records is past its TTL' }),
  source: nullable(StockSource),
  problem: nullableNoun(ProblemBody),
})
export type ConnectionStock = Static<typeof ConnectionStock>

/** The stock of one SKU: a product joined with its inventory items, in one connection or in all of a group. */
export const Stock = noun('Stock', 'How much of one SKU can be shipped, from where, and which problems its data has', {
  sku: Type.String({ description: 'The requested SKU' }),
  connection: Type.String({
    description: 'The connection that has the stock, or the group, by its name',
    examples: ['default'],
  }),
  product: StockProduct,
  available: Type.Integer({
    description: 'max(0, quantities.fulfillable); of a group, the sum over its connections',
  }),
  quantities: ref<Quantities>('Quantities'),
  warehouses: listOf<WarehouseStock>(
    'WarehouseStock',
    'Every warehouse that an item names, sorted by id; of a group, connection by connection',
  ),
  components: listOf<ComponentStock>('ComponentStock', 'The inventory items of the product'),
  complete: Type.Boolean({ description: 'False if an issue may make a number too low or too high' }),
  issues: listOf<StockIssue>('StockIssue', 'Problems in the data'),
  limiting: nullable(Limiting),
  as_of: Type.String({
    format: 'date-time',
    description: 'When the oldest record used here was read from Trackstar',
  }),
  stale: Type.Boolean({ description: 'Whether any record used here is past its TTL' }),
  source: nullable(StockSource),
  lots: Type.Optional(listOf<StockLot>('StockLot', 'If included: first-expiring first, lots without a date last')),
  locations: Type.Optional(listOf<StockLocation>('StockLocation', 'If included: the locations of the items')),
  connections: Type.Optional(
    listOf<ConnectionStock>(
      'ConnectionStock',
      'Of a group: what each of its connections has, in the order of the group. `product` is that of the first that has it, `limiting` and `source` are null',
    ),
  ),
})
export type Stock = Static<typeof Stock>

/** {@link Stock} and every schema that it refers to by `$id`. */
export const stockSchemas: readonly TSchema[] = [
  Quantities,
  WarehouseStock,
  ComponentStock,
  StockIssue,
  StockLot,
  StockLocation,
  ConnectionStock,
  Stock,
]
