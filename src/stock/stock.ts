import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox'

// Two types in one keyword: the serialiser handles that without a validator, which `anyOf` would cost it.
const numberOrNull = (description: string) => Type.Unsafe<number | null>({ type: ['number', 'null'], description })
const stringOrNull = (description: string) => Type.Unsafe<string | null>({ type: ['string', 'null'], description })
const booleanOrNull = (description: string) => Type.Unsafe<boolean | null>({ type: ['boolean', 'null'], description })
const oneOf = <T extends string>(values: readonly T[], description: string) =>
  Type.Unsafe<T>({ type: 'string', enum: [...values], description })

const noun = <P extends TProperties>($id: string, description: string, properties: P) =>
  Type.Object(properties, { $id, description, additionalProperties: false })
const ref = <T>($id: string) => Type.Unsafe<T>({ $ref: `${$id}#` })
const listOf = <T>($id: string, description: string) => Type.Array(ref<T>($id), { description })
const orNull = <T>(title: string, { properties, required }: TObject, description: string) => {
  const type = ['object', 'null']
  return Type.Unsafe<T | null>({ title, description, type, properties, required, additionalProperties: false })
}

/** The quantities of a product, a warehouse or a component. `fulfillable` is what counted, the others null if unstated. */
export const Quantities = noun('Quantities', 'Quantities; null where upstream states none. Below zero when oversold', {
  onhand: numberOrNull('All that is there'),
  committed: numberOrNull('Already assigned to orders; null for a kit'),
  unfulfillable: numberOrNull('Damaged, quarantined or otherwise held back; null for a kit'),
  fulfillable: Type.Number({ description: 'Can be picked and shipped for orders; what is not known counts 0' }),
  sellable: numberOrNull('Offered in sales channels'),
  awaiting: numberOrNull('Expected to arrive; for a kit, how many more could be built with what is expected'),
})
export type Quantities = Static<typeof Quantities>

/** What one warehouse has by itself. */
export const WarehouseStock = noun('WarehouseStock', 'What one warehouse can ship by itself', {
  warehouse_id: Type.String({ description: "Trackstar's id of the warehouse" }),
  name: stringOrNull('Name of the warehouse, where the warehouse list knows it'),
  code: stringOrNull('Code of the warehouse, where the warehouse list knows it'),
  available: Type.Integer({ description: 'max(0, quantities.fulfillable)' }),
  quantities: ref<Quantities>('Quantities'),
})
export type WarehouseStock = Static<typeof WarehouseStock>

/** One inventory item that the product draws on. */
export const ComponentStock = noun('ComponentStock', 'One inventory item that the product draws on', {
  inventory_item_id: Type.String({ description: "Trackstar's id of the item" }),
  sku: stringOrNull("SKU of the component: the product's name for the item, else the item's own"),
  name: stringOrNull('Name of the item'),
  unit_quantity: Type.Number({ description: 'Units of the item that one unit of the product needs' }),
  active: booleanOrNull('Whether the item is active; null where upstream does not say'),
  status: oneOf(['ok', 'missing'], 'missing: the product refers to an item that upstream does not know'),
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
    ...oneOf(issueCodes, 'What is wrong. More may come: `complete` says what it means for the numbers'),
    'x-may-grow': true,
  }),
  inventory_item_id: stringOrNull('The inventory item concerned, if it is one'),
  detail: Type.String({ description: 'The same in a sentence' }),
})
export type StockIssue = Static<typeof StockIssue>

/** What keeps more of a kit from being built. */
export const Limiting = noun('Limiting', 'The scarcest component of a kit', {
  component_sku: stringOrNull('SKU of the component; null where it has none'),
  inventory_item_ids: Type.Array(Type.String(), { description: 'The items that can serve as this component' }),
  yield: Type.Integer({ description: 'Kits that this component suffices for; below zero when oversold' }),
  shortfall: Type.Number({ description: 'Further units of the component that make it suffice for max(0, yield) + 1' }),
})
export type Limiting = Static<typeof Limiting>

/** One lot of one item. */
export const StockLot = noun('StockLot', 'One lot of one inventory item', {
  inventory_item_id: Type.String({ description: "Trackstar's id of the item" }),
  lot_id: stringOrNull('The lot'),
  onhand: numberOrNull('Units of the lot'),
  expiration_date: stringOrNull('`YYYY-MM-DD` or a time in UTC, as upstream writes it'),
  warehouse_id: stringOrNull('Where the lot lies'),
})
export type StockLot = Static<typeof StockLot>

/** One place where units of one item lie. */
export const StockLocation = noun('StockLocation', 'One place where units of one inventory item lie', {
  inventory_item_id: Type.String({ description: "Trackstar's id of the item" }),
  location_id: stringOrNull('The place'),
  quantity: numberOrNull('Units there'),
  warehouse_id: stringOrNull('The warehouse that the place is in'),
})
export type StockLocation = Static<typeof StockLocation>

/** What Trackstar says of its own copy of the warehouse system's inventory. */
export const StockSource = noun('StockSource', "Trackstar's own copy of the inventory", {
  synced_at: stringOrNull('When Trackstar last copied inventory from the warehouse system'),
  errors: Type.Array(
    Type.Object(
      {
        message: Type.String({ description: 'What Trackstar says' }),
        preventing_sync: Type.Boolean({ description: 'Whether it holds the copying up' }),
        first_seen: stringOrNull('When it was first seen'),
        last_seen: stringOrNull('When it was last seen'),
      },
      {
        title: 'SourceError',
        description: 'A fault between Trackstar and the warehouse system',
        additionalProperties: false,
      },
    ),
    { description: 'Errors of the connection that concern inventory' },
  ),
})
export type StockSource = Static<typeof StockSource>

/** The answer for one SKU: the join of a product with the inventory items it refers to. */
export const Stock = noun('Stock', 'How much of one SKU can be shipped, where it is, and what is wrong with the data', {
  sku: Type.String({ description: 'The SKU, as asked' }),
  product: Type.Object(
    {
      id: Type.String({ description: "Trackstar's id of the product" }),
      name: stringOrNull('Name of the product'),
      gtin: stringOrNull('GTIN of the product'),
      is_kit: Type.Boolean({ description: 'Whether it is assembled from components' }),
      active: booleanOrNull('Whether it is active; null where upstream does not say'),
      warehouse_customer_id: stringOrNull('The merchant, where several share one warehouse system'),
    },
    { title: 'StockProduct', description: 'The product that the SKU names', additionalProperties: false },
  ),
  available: Type.Integer({ description: 'max(0, quantities.fulfillable)' }),
  quantities: ref<Quantities>('Quantities'),
  warehouses: listOf<WarehouseStock>('WarehouseStock', 'Every warehouse that an item names, by id'),
  components: listOf<ComponentStock>('ComponentStock', 'The items that the product draws on'),
  complete: Type.Boolean({ description: 'False when a number may be too low or too high because of an issue' }),
  issues: listOf<StockIssue>('StockIssue', 'What is wrong with the data'),
  limiting: orNull<Limiting>('Limiting', Limiting, 'The scarcest component of a kit; null for a product that is none'),
  as_of: Type.String({
    format: 'date-time',
    description: 'The oldest time at which a record used here was read from Trackstar',
  }),
  stale: Type.Boolean({ description: 'Whether a record used here is past its time to live' }),
  source: orNull<StockSource>('StockSource', StockSource, "Trackstar's own copy of the inventory; null while unknown"),
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
