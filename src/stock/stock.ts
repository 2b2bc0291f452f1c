import { type Static, type TProperties, type TSchema, Type } from 'typebox'
import { enumOf, nullable, ref } from '../schema.js'

const noun = <P extends TProperties>($id: string, description: string, properties: P) =>
  Type.Object(properties, { $id, description, additionalProperties: false })
const listOf = <T>($id: string, description: string) => Type.Array(ref<T>($id), { description })

/** The quantities of a product, a warehouse or a component. `fulfillable` is what counted, the others null if unstated. */
export const Quantities = noun('Quantities', 'Quantities; null where upstream states none. Below zero when oversold', {
  onhand: nullable(Type.Number({ description: 'All that is there' })),
  committed: nullable(Type.Number({ description: 'Already assigned to orders; null for a kit' })),
  unfulfillable: nullable(Type.Number({ description: 'Damaged, quarantined or otherwise held back; null for a kit' })),
  fulfillable: Type.Number({ description: 'Can be picked and shipped for orders; what is not known counts 0' }),
  sellable: nullable(Type.Number({ description: 'Offered in sales channels' })),
  awaiting: nullable(
    Type.Number({ description: 'Expected to arrive; for a kit, how many more could be built with what is expected' }),
  ),
})
export type Quantities = Static<typeof Quantities>

/** What one warehouse has by itself. */
export const WarehouseStock = noun('WarehouseStock', 'What one warehouse can ship by itself', {
  warehouse_id: Type.String({ description: "Trackstar's id of the warehouse" }),
  name: nullable(Type.String({ description: 'Name of the warehouse, where the warehouse list knows it' })),
  code: nullable(Type.String({ description: 'Code of the warehouse, where the warehouse list knows it' })),
  available: Type.Integer({ description: 'max(0, quantities.fulfillable)' }),
  quantities: ref<Quantities>('Quantities'),
})
export type WarehouseStock = Static<typeof WarehouseStock>

/** One inventory item that the product draws on. */
export const ComponentStock = noun('ComponentStock', 'One inventory item that the product draws on', {
  inventory_item_id: Type.String({ description: "Trackstar's id of the item" }),
  sku: nullable(
    Type.String({ description: "SKU of the component: the product's name for the item, else the item's own" }),
  ),
  name: nullable(Type.String({ description: 'Name of the item' })),
  unit_quantity: Type.Number({ description: 'Units of the item that one unit of the product needs' }),
  active: nullable(Type.Boolean({ description: 'Whether the item is active; null where upstream does not say' })),
  status: enumOf(['ok', 'missing'], {
    description: 'missing: the product refers to an item that upstream does not know',
  }),
  quantities: ref<Quantities>('Quantities'),
})
export type ComponentStock = Static<typeof ComponentStock>

/** Every `code` of an issue, in the order of the contract's table. */
export const issueCodes = [
  'no_inventory_items',
  'inventory_item_missing',
  'quantity_unknown',
  'invalid_unit_quantity',
  'warehouse_unknown',
  'upstream_sync_incomplete',
  'warehouse_breakdown_missing',
  'warehouse_breakdown_mismatch',
] as const

/** Something wrong with the data behind an answer. */
export const StockIssue = noun('StockIssue', 'Something wrong with the data behind the answer', {
  code: Type.Unsafe<(typeof issueCodes)[number]>({
    ...enumOf(issueCodes, {
      description: 'What is wrong. More may come: `complete` says what it means for the numbers',
    }),
    'x-may-grow': true,
  }),
  inventory_item_id: nullable(Type.String({ description: 'The inventory item concerned, if it is one' })),
  detail: Type.String({ description: 'The same in a sentence' }),
})
export type StockIssue = Static<typeof StockIssue>

/** What keeps more of a kit from being built. */
export const Limiting = Type.Object(
  {
    component_sku: nullable(Type.String({ description: 'SKU of the component; null where it has none' })),
    inventory_item_ids: Type.Array(Type.String(), { description: 'The items that can serve as this component' }),
    yield: Type.Integer({ description: 'Kits that this component suffices for; below zero when oversold' }),
    shortfall: Type.Number({
      description: 'Further units of the component that make it suffice for max(0, yield) + 1',
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
  lot_id: nullable(Type.String({ description: 'The lot' })),
  onhand: nullable(Type.Number({ description: 'Units of the lot' })),
  expiration_date: nullable(Type.String({ description: '`YYYY-MM-DD` or a time in UTC, as upstream writes it' })),
  warehouse_id: nullable(Type.String({ description: 'Where the lot lies' })),
})
export type StockLot = Static<typeof StockLot>

/** One place where units of one item lie. */
export const StockLocation = noun('StockLocation', 'One place where units of one inventory item lie', {
  inventory_item_id: Type.String({ description: "Trackstar's id of the item" }),
  location_id: nullable(Type.String({ description: 'The place' })),
  quantity: nullable(Type.Number({ description: 'Units there' })),
  warehouse_id: nullable(Type.String({ description: 'The warehouse that the place is in' })),
})
export type StockLocation = Static<typeof StockLocation>

/** What Trackstar says of its own copy of the warehouse system's inventory. */
export const StockSource = Type.Object(
  {
    synced_at: nullable(Type.String({ description: 'When Trackstar last copied inventory from the warehouse system' })),
    errors: Type.Array(
      Type.Object(
        {
          message: Type.String({ description: 'What Trackstar says' }),
          preventing_sync: Type.Boolean({ description: 'Whether it holds the copying up' }),
          first_seen: nullable(Type.String({ description: 'When it was first seen' })),
          last_seen: nullable(Type.String({ description: 'When it was last seen' })),
        },
        {
          title: 'SourceError',
          description: 'A fault between Trackstar and the warehouse system',
          additionalProperties: false,
        },
      ),
      { description: 'Errors of the connection that concern inventory' },
    ),
  },
  {
    title: 'StockSource',
    description: "Trackstar's own copy of the inventory; null while unknown",
    additionalProperties: false,
  },
)
export type StockSource = Static<typeof StockSource>

/** The answer for one SKU: the join of a product with the inventory items it refers to. */
export const Stock = noun('Stock', 'How much of one SKU can be shipped, where it is, and what is wrong with the data', {
  sku: Type.String({ description: 'The SKU, as asked' }),
  product: Type.Object(
    {
      id: Type.String({ description: "Trackstar's id of the product" }),
      name: nullable(Type.String({ description: 'Name of the product' })),
      gtin: nullable(Type.String({ description: 'GTIN of the product' })),
      is_kit: Type.Boolean({ description: 'Whether it is assembled from components' }),
      active: nullable(Type.Boolean({ description: 'Whether it is active; null where upstream does not say' })),
      warehouse_customer_id: nullable(
        Type.String({ description: 'The merchant, where several share one warehouse system' }),
      ),
    },
    { title: 'StockProduct', description: 'The product that the SKU names', additionalProperties: false },
  ),
  available: Type.Integer({ description: 'max(0, quantities.fulfillable)' }),
  quantities: ref<Quantities>('Quantities'),
  warehouses: listOf<WarehouseStock>('WarehouseStock', 'Every warehouse that an item names, by id'),
  components: listOf<ComponentStock>('ComponentStock', 'The items that the product draws on'),
  complete: Type.Boolean({ description: 'False when a number may be too low or too high because of an issue' }),
  issues: listOf<StockIssue>('StockIssue', 'What is wrong with the data'),
  limiting: nullable(Limiting),
  as_of: Type.String({
    format: 'date-time',
    description: 'The oldest time at which a record used here was read from Trackstar',
  }),
  stale: Type.Boolean({ description: 'Whether a record used here is past its time to live' }),
  source: nullable(StockSource),
  lots: Type.Optional(listOf<StockLot>('StockLot', 'If included: first-expiring first, those without a date last')),
  locations: Type.Optional(listOf<StockLocation>('StockLocation', 'If included: where the units lie')),
})
export type Stock = Static<typeof Stock>

/** Everything that {@link Stock} refers to, and itself: what an application adds before it uses one of them. */
export const stockSchemas: readonly TSchema[] = [
  Quantities,
  WarehouseStock,
  ComponentStock,
  StockIssue,
  StockLot,
  StockLocation,
  Stock,
]
