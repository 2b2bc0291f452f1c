import { type Static, Type } from 'typebox'
import { nullable, ref } from '../schema.js'
import type { StockIssue } from '../stock/stock.js'

/** Items that are needed more than they suffice for. */
export const Shortage = Type.Object(
  {
    inventory_item_ids: Type.Array(Type.String(), {
      description: 'The items that lack together; empty for a product that names none',
    }),
    sku: nullable(
      Type.String({
        description:
          'SKU of the component; null where there is none or several are concerned, that of the product if it names no items',
      }),
    ),
    required: Type.Number({ description: 'Units of the items that the lines need of them together' }),
    available: Type.Number({ description: 'Units of the items that can be had; below zero when oversold' }),
    shortfall: Type.Number({
      description:
        'required − available. Where items that stand in for each other are needed in different numbers, the fewest units that could help',
    }),
  },
  { $id: 'Shortage', description: 'Items that the lines need more of than there is', additionalProperties: false },
)
export type Shortage = Static<typeof Shortage>

/** What came of one line by itself. */
const BasketCheckLine = Type.Object(
  {
    sku: Type.String({ description: 'The SKU, as asked' }),
    requested: Type.Integer({ description: 'Units asked for' }),
    available: Type.Integer({
      description: 'Units that could be had of this line alone, as `GET /products/{sku}/stock` says',
    }),
    fulfillable: Type.Boolean({ description: 'Whether this line could be had alone' }),
    problem: Type.Optional(ref<object>('Problem')),
  },
  { title: 'BasketCheckLine', description: 'One line by itself', additionalProperties: false },
)

/** The answer for a basket: whether its lines can be had together. */
export const BasketCheck = Type.Object(
  {
    fulfillable: Type.Boolean({ description: 'Whether all lines can be had together, each unit counted once' }),
    lines: Type.Array(BasketCheckLine, { description: 'Each line by itself, in the order asked' }),
    shortages: Type.Array(ref<Shortage>('Shortage'), {
      description: 'What is missing, no item twice; empty if the basket is fulfillable',
    }),
    complete: Type.Boolean({
      description:
        'False when an issue may make the answer wrong, or when no assignment was found nor ruled out in time',
    }),
    issues: Type.Array(ref<StockIssue>('StockIssue'), {
      description: 'What is wrong with the data of any line, each once',
    }),
    as_of: Type.String({
      format: 'date-time',
      description: 'The oldest time at which a record used here was read from Trackstar',
    }),
    stale: Type.Boolean({ description: 'Whether a record used here is past its time to live' }),
  },
  {
    $id: 'BasketCheck',
    description: 'Whether a basket can be shipped, and what it lacks',
    additionalProperties: false,
  },
)
export type BasketCheck = Static<typeof BasketCheck>

/** {@link BasketCheck} and what only it refers to. `StockIssue` and `Problem` must be added besides. */
export const basketSchemas = [Shortage, BasketCheck] as const
