import type { ResponseExample } from './examples.js'

type Examples = Readonly<Record<string, ResponseExample>>

const none = { onhand: 0, committed: 0, unfulfillable: 0, fulfillable: 0, sellable: 0, awaiting: 0 }
const merchant = { warehouse_customer_id: 'cust_aurora', available: 0 }

/** The first page of what is running out: five SKUs of which nothing is available, for five reasons. */
export const lowStockExamples: Examples = {
  running_out: {
    summary: 'The lowest first: five of which nothing is available',
    description: '`GET /stock/low?below=10&limit=5`',
    value: {
      data: [
        {
          sku: 'CEYLON-500',
          product_id: 'prod_ceylon',
          name: 'Ceylon, 500 g',
          ...merchant,
          quantities: { ...none, onhand: 30, committed: 4, sellable: 26 },
        },
        {
          sku: 'DARJEELING-500',
          product_id: 'prod_darjeeling',
          name: 'Darjeeling, 500 g',
          ...merchant,
          quantities: { ...none, onhand: 20, committed: null, sellable: null },
        },
        { sku: 'GIFT-CARD', product_id: 'prod_gift', name: 'Gift card', ...merchant, quantities: none },
        {
          sku: 'MATCHA-KIT',
          product_id: 'prod_matcha',
          name: 'Matcha kit',
          ...merchant,
          quantities: { ...none, onhand: 2, committed: null, unfulfillable: null, awaiting: 8 },
        },
        {
          sku: 'PUERH-357',
          product_id: 'prod_puerh',
          name: "Pu'er cake, 357 g",
          ...merchant,
          quantities: { ...none, onhand: 2, committed: 7, fulfillable: -5 },
        },
      ],
      next_token: 'WzAsInByb2RfcHVlcmgiXQ',
    },
  },
}

/** The products that draw on one item: it by itself, and two kits. */
export const whereUsedExamples: Examples = {
  cup: {
    summary: 'The cup is sold by itself, and in two kits',
    description: '`GET /inventory/inv_cup/products`',
    value: {
      data: [
        {
          product_id: 'prod_cup',
          sku: 'CUP',
          name: 'Cup, porcelain',
          is_kit: false,
          unit_quantity: 1,
          warehouse_customer_id: 'cust_aurora',
        },
        {
          product_id: 'prod_gongfu',
          sku: 'GONGFU-SET',
          name: 'Gongfu set for four',
          is_kit: true,
          unit_quantity: 4,
          warehouse_customer_id: 'cust_aurora',
        },
        {
          product_id: 'prod_tasting',
          sku: 'TASTING-SET',
          name: 'Tasting set for six',
          is_kit: true,
          unit_quantity: 6,
          warehouse_customer_id: 'cust_aurora',
        },
      ],
    },
  },
}

/** A basket whose lines can be had alone and not together: 6 sets need 24 cups, and 24 + 20 is more than 40. */
export const sharedBasket = {
  lines: [
    { sku: 'GONGFU-SET', quantity: 6 },
    { sku: 'CUP', quantity: 20 },
  ],
}

/** Baskets of a kit and of a component of it. */
export const checkExamples: Examples = {
  not_together: {
    summary: 'Each line can be had, but not both: they share the cups',
    description: `\`POST /stock/check\` \`${JSON.stringify(sharedBasket)}\``,
    value: {
      fulfillable: false,
      lines: [
        { sku: 'GONGFU-SET', requested: 6, available: 6, fulfillable: true },
        { sku: 'CUP', requested: 20, available: 40, fulfillable: true },
      ],
      shortages: [{ inventory_item_ids: ['inv_cup'], sku: 'CUP', required: 44, available: 40, shortfall: 4 }],
      complete: true,
      issues: [],
      as_of: '2026-11-23T10:00:00.000Z',
      stale: false,
    },
  },
  together: {
    summary: 'One set less, and 40 cups suffice',
    description: '`POST /stock/check` `{"lines":[{"sku":"GONGFU-SET","quantity":5},{"sku":"CUP","quantity":20}]}`',
    value: {
      fulfillable: true,
      lines: [
        { sku: 'GONGFU-SET', requested: 5, available: 6, fulfillable: true },
        { sku: 'CUP', requested: 20, available: 40, fulfillable: true },
      ],
      shortages: [],
      complete: true,
      issues: [],
      as_of: '2026-11-23T10:00:00.000Z',
      stale: false,
    },
  },
}

/** Five tea trays have come. */
export const adjustment = { quantity: 5, adjustment_type: 'increase', warehouse_id: 'wh_oslo' } as const

/** The reply to {@link adjustment} of `inv_tray`. */
export const adjustExamples: Examples = {
  adjusted: {
    summary: 'Five tea trays have come: 6 + 5 = 11',
    description: `\`PUT /inventory/inv_tray/adjust\` \`${JSON.stringify(adjustment)}\``,
    value: {
      id: 'inv_tray',
      data: {
        id: 'inv_tray',
        warehouse_customer_id: 'cust_aurora',
        name: 'Tea tray',
        sku: 'TRAY',
        external_system_url: null,
        trackstar_tags: [],
        additional_fields: {},
        unit_cost: null,
        measurements: { length: 20, width: 15, height: 10, unit: 'cm', weight: 250, weight_unit: 'g' },
        active: true,
        onhand: 11,
        committed: 0,
        unfulfillable: 0,
        fulfillable: 11,
        sellable: 11,
        awaiting: 5,
        unsellable: 0,
        substitute_skus: [],
        inventory_by_warehouse_id: {
          wh_oslo: {
            onhand: 11,
            committed: 0,
            unfulfillable: 0,
            fulfillable: 11,
            sellable: 11,
            awaiting: 5,
            unsellable: 0,
          },
        },
        lots: [],
        locations: [],
        created_date: '2025-02-10T07:30:00Z',
        updated_date: '2026-11-23T10:00:00Z',
        trackstar_created_date: '2025-02-11T01:00:00Z',
        trackstar_updated_date: '2026-11-23T10:00:00Z',
      },
      unused_fields: [],
    },
  },
}

export const ticketExamples: Examples = {
  ticket: {
    summary: 'A ticket',
    description: '`POST /stock/events/tickets`',
    value: { ticket: 'x2LC0R6yYbqvEw1bJ4mYd2m8h1uT0c7f', expires_at: '2026-11-23T10:01:00.000Z' },
  },
}

/** What a reader of the stream sees when three tins are sold, one of which makes a gift box less. */
export const streamExamples: Examples = {
  sold: {
    summary: 'Three tins of jasmine tea are sold, and so one gift box less can be made',
    description: '`GET /stock/events?sku=LIVE-JASMINE&sku=LIVE-GIFT`',
    value: `retry: 2000
id: 4fe97695-0

event: stock
id: 4fe97695-1
data: {"sku":"LIVE-JASMINE","product_id":"prod_jasmine","warehouse_customer_id":"cust_aurora","available":37,"previous_available":40,"quantities":{"onhand":39,"committed":2,"unfulfillable":0,"fulfillable":37,"sellable":37,"awaiting":0},"as_of":"2026-11-23T10:00:00.000Z"}

event: stock
id: 4fe97695-2
data: {"sku":"LIVE-GIFT","product_id":"prod_jasmine_gift","warehouse_customer_id":"cust_aurora","available":12,"previous_available":13,"quantities":{"onhand":13,"committed":null,"unfulfillable":null,"fulfillable":12,"sellable":12,"awaiting":0},"as_of":"2026-11-23T10:00:00.000Z"}

`,
  },
}

/** What Trackstar announces when three cups are sold, shortened to what this service needs. */
export const deliveryExample = {
  connection_id: 'conn_sandbox',
  event_type: 'inventory.updated',
  data: {
    id: 'inv_cup',
    sku: 'CUP',
    onhand: 41,
    committed: 4,
    unfulfillable: 0,
    fulfillable: 37,
    trackstar_updated_date: '2026-11-23T10:00:00Z',
  },
}
