import { type Static, Type } from 'typebox'
import { ProblemBody } from '../errors.js'
import { nullable, nullableNoun, ref } from '../schema.js'
import type { StockIssue } from '../stock/stock.js'

/** Items that the lines need more of than there is. */
export const Shortage = Type.Object(
  {
    inventory_item_ids: Type.Array(Type.String(), {
      description: 'The items that are short together; empty for a product without items',
    }),
    sku: nullable(
      Type.String({
        description:
          'SKU of the component; null if it has none or several are affected. The SKU of the product if it has no items',
      }),
    ),
    required: Type.Number({ description: 'Units of the items that the lines need together' }),
    available: Type.Number({ description: 'Available units of the items; below zero when oversold' }),
    shortfall: Type.Number({
      description:
        'required − available. If interchangeable items are needed in different numbers, the fewest units that could help',
    }),
    connection: Type.Optional(Type.String({ description: 'In the basket of a group: the connection that is short' })),
  },
  { $id: 'Shortage', description: 'Items that the lines need more of than there is', additionalProperties: false },
)
export type Shortage = Static<typeof Shortage>

/** The result for one line by itself. */
const BasketCheckLine = Type.Object(
  {
    sku: Type.String({ description: 'The requested SKU' }),
    requested: Type.Integer({ description: 'Requested units' }),
    available: Type.Integer({
      description: 'Units available for this line alone, as in `GET /products/{sku}/stock`',
    }),
    fulfillable: Type.Boolean({
      description: 'Whether this line can be fulfilled alone; in a group, by one connection',
    }),
    problem: Type.Optional(ref<object>('Problem')),
  },
  { title: 'BasketCheckLine', description: 'The result for one line alone', additionalProperties: false },
)

export type BasketCheckLine = Static<typeof BasketCheckLine>

/** What one connection of a group says of a basket. */
export const ConnectionBasket = Type.Object(
  {
    connection: Type.String({ description: 'The connection, by its name' }),
    fulfillable: Type.Boolean({ description: 'Whether it can ship all lines together' }),
    lines: Type.Array(BasketCheckLine, { description: 'Each line alone, in request order; empty with a `problem`' }),
    shortages: Type.Array(ref<Shortage>('Shortage'), { description: 'The items that it lacks' }),
    complete: Type.Boolean({ description: 'As of a basket; false with a `problem`' }),
    issues: Type.Array(ref<StockIssue>('StockIssue'), { description: 'Problems in its data, each listed once' }),
    as_of: nullable(
      Type.String({
        format: 'date-time',
        description: 'When the oldest of its records was read from Trackstar; null with a `problem`',
      }),
    ),
    stale: Type.Boolean({ description: 'Whether any of its records is past its TTL' }),
    problem: nullableNoun(ProblemBody),
  },
  {
    $id: 'ConnectionBasket',
    description: 'What one connection of a group says of a basket',
    additionalProperties: false,
  },
)
export type ConnectionBasket = Static<typeof ConnectionBasket>

/** The response to a basket check, in one connection or in all of a group. */
export const BasketCheck = Type.Object(
  {
    fulfillable: Type.Boolean({
      description:
        'Whether all lines can be fulfilled together, with each unit counted once; in a group, by one connection',
    }),
    lines: Type.Array(BasketCheckLine, { description: 'Each line alone, in request order' }),
    shortages: Type.Array(ref<Shortage>('Shortage'), {
      description:
        'Missing items, each at most once; empty if the basket is fulfillable. Of a group, those of each connection',
    }),
    complete: Type.Boolean({
      description:
        'False if an issue may make the result wrong, or if the search neither found nor ruled out an allocation in time. Of a group, false if it is for one connection, or if one has not answered',
    }),
    issues: Type.Array(ref<StockIssue>('StockIssue'), {
      description: 'Problems in the data of the lines, each listed once',
    }),
    as_of: Type.String({
      format: 'date-time',
      description: 'When the oldest record used here was read from Trackstar',
    }),
    stale: Type.Boolean({ description: 'Whether any record used here is past its TTL' }),
    connections: Type.Optional(
      Type.Array(ref<ConnectionBasket>('ConnectionBasket'), {
        description: 'Of a group: what each of its connections says, in the order of the group',
      }),
    ),
  },
  {
    $id: 'BasketCheck',
    description: 'Whether a basket can be fulfilled, and what it lacks',
    additionalProperties: false,
  },
)
export type BasketCheck = Static<typeof BasketCheck>

/** {@link BasketCheck} and the schemas that only it refers to. It also needs `StockIssue` and `Problem`. */
export const basketSchemas = [Shortage, ConnectionBasket, BasketCheck] as const
