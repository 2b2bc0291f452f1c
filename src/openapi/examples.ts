import type { Stock } from '../stock/stock.js'

/** An example of a response. `description` begins with the request that gets it from the sandbox; a test asks it. */
export interface ResponseExample {
  readonly summary: string
  readonly description: string
  readonly value: unknown
}

const sencha: Stock = {
  sku: 'SENCHA-100',
  product: {
    id: 'prod_sencha',
    name: 'Sencha, 100 g',
    gtin: '05901234123457',
    is_kit: false,
    active: true,
    warehouse_customer_id: 'cust_aurora',
  },
  available: 38,
  quantities: { onhand: 50, committed: 9, unfulfillable: 3, fulfillable: 38, sellable: 38, awaiting: 12 },
  warehouses: [
    {
      warehouse_id: 'wh_oslo',
      name: 'Oslo harbour',
      code: 'OSL-1',
      available: 22,
      quantities: { onhand: 30, committed: 6, unfulfillable: 2, fulfillable: 22, sellable: 22, awaiting: 12 },
    },
    {
      warehouse_id: 'wh_porto',
      name: 'Porto',
      code: 'OPO-2',
      available: 16,
      quantities: { onhand: 20, committed: 3, unfulfillable: 1, fulfillable: 16, sellable: 16, awaiting: 0 },
    },
  ],
  components: [
    {
      inventory_item_id: 'inv_sencha',
      sku: 'SENCHA-100',
      name: 'Sencha, 100 g',
      unit_quantity: 1,
      active: true,
      status: 'ok',
      quantities: { onhand: 50, committed: 9, unfulfillable: 3, fulfillable: 38, sellable: 38, awaiting: 12 },
    },
  ],
  complete: true,
  issues: [],
  limiting: null,
  as_of: '2026-11-23T10:00:00.000Z',
  stale: false,
  source: { synced_at: '2026-11-23T09:31:07Z', errors: [] },
}

/** Answers of the stock route: a plain product, a kit, and one that is not complete. */
export const stockExamples = {
  plain: {
    summary: 'A plain product in two warehouses',
    description: '`GET /products/SENCHA-100/stock`',
    value: sencha,
  },
  kit: {
    summary: 'A kit: the tea tray is what is scarce',
    description: '`GET /products/GONGFU-SET/stock`',
    value: {
      sku: 'GONGFU-SET',
      product: {
        id: 'prod_gongfu',
        name: 'Gongfu set for four',
        gtin: null,
        is_kit: true,
        active: true,
        warehouse_customer_id: 'cust_aurora',
      },
      available: 6,
      quantities: { onhand: 6, committed: null, unfulfillable: null, fulfillable: 6, sellable: 6, awaiting: 3 },
      warehouses: [
        {
          warehouse_id: 'wh_oslo',
          name: 'Oslo harbour',
          code: 'OSL-1',
          available: 6,
          quantities: { onhand: 6, committed: null, unfulfillable: null, fulfillable: 6, sellable: 6, awaiting: 3 },
        },
      ],
      components: [
        {
          inventory_item_id: 'inv_gaiwan',
          sku: 'GAIWAN',
          name: 'Gaiwan',
          unit_quantity: 1,
          active: true,
          status: 'ok',
          quantities: { onhand: 10, committed: 1, unfulfillable: 0, fulfillable: 9, sellable: 9, awaiting: 0 },
        },
        {
          inventory_item_id: 'inv_cup',
          sku: 'CUP',
          name: 'Cup, porcelain',
          unit_quantity: 4,
          active: true,
          status: 'ok',
          quantities: { onhand: 44, committed: 4, unfulfillable: 0, fulfillable: 40, sellable: 40, awaiting: 0 },
        },
        {
          inventory_item_id: 'inv_tray',
          sku: 'TRAY',
          name: 'Tea tray',
          unit_quantity: 1,
          active: true,
          status: 'ok',
          quantities: { onhand: 6, committed: 0, unfulfillable: 0, fulfillable: 6, sellable: 6, awaiting: 5 },
        },
      ],
      complete: true,
      issues: [],
      limiting: { component_sku: 'TRAY', inventory_item_ids: ['inv_tray'], yield: 6, shortfall: 1 },
      as_of: '2026-11-23T10:00:00.000Z',
      stale: false,
      source: { synced_at: '2026-11-23T09:31:07Z', errors: [] },
    },
  },
  incomplete: {
    summary: 'Incomplete: Trackstar does not know one of the two items',
    description: '`GET /products/HOJICHA-80/stock`',
    value: {
      sku: 'HOJICHA-80',
      product: {
        id: 'prod_hojicha',
        name: 'Hojicha, 80 g',
        gtin: null,
        is_kit: false,
        active: true,
        warehouse_customer_id: 'cust_aurora',
      },
      available: 8,
      quantities: { onhand: 8, committed: 0, unfulfillable: 0, fulfillable: 8, sellable: 8, awaiting: 0 },
      warehouses: [
        {
          warehouse_id: 'wh_oslo',
          name: 'Oslo harbour',
          code: 'OSL-1',
          available: 8,
          quantities: { onhand: 8, committed: 0, unfulfillable: 0, fulfillable: 8, sellable: 8, awaiting: 0 },
        },
      ],
      components: [
        {
          inventory_item_id: 'inv_hojicha',
          sku: 'HOJICHA-80',
          name: 'Hojicha, 80 g',
          unit_quantity: 1,
          active: true,
          status: 'ok',
          quantities: { onhand: 8, committed: 0, unfulfillable: 0, fulfillable: 8, sellable: 8, awaiting: 0 },
        },
        {
          inventory_item_id: 'inv_nowhere',
          sku: 'HOJICHA-80',
          name: null,
          unit_quantity: 1,
          active: null,
          status: 'missing',
          quantities: {
            onhand: null,
            committed: null,
            unfulfillable: null,
            fulfillable: 0,
            sellable: null,
            awaiting: null,
          },
        },
      ],
      complete: false,
      issues: [
        {
          code: 'inventory_item_missing',
          inventory_item_id: 'inv_nowhere',
          detail: 'Trackstar does not know inventory item inv_nowhere, which the product refers to.',
        },
      ],
      limiting: null,
      as_of: '2026-11-23T10:00:00.000Z',
      stale: false,
      source: { synced_at: '2026-11-23T09:31:07Z', errors: [] },
    },
  },
} satisfies Record<string, ResponseExample>

/** The SKUs of {@link manyStocksExamples}: one of each kind of outcome that needs no failure. */
export const mixedSkus = ['SENCHA-100', 'EARL-GREY', 'NO-SUCH-SKU']

/** An answer of the routes for many SKUs. */
export const manyStocksExamples = {
  mixed: {
    summary: 'One stock, one SKU that is ambiguous, one that is unknown',
    description: '`GET /stock?sku=SENCHA-100&sku=EARL-GREY&sku=NO-SUCH-SKU`',
    value: {
      results: [
        { sku: 'SENCHA-100', status: 'ok', stock: sencha },
        {
          sku: 'EARL-GREY',
          status: 'ambiguous',
          problem: {
            type: '/docs/problems#sku_ambiguous',
            title: 'Ambiguous SKU',
            status: 409,
            detail: '2 products share the SKU "EARL-GREY"',
            code: 'sku_ambiguous',
            request_id: '0b5e7c1a-6f0d-4c58-9a53-2f4f8f1f6f3e',
            candidates: [
              { product_id: 'prod_earl_1', name: 'Earl Grey', warehouse_customer_id: 'cust_aurora', active: true },
              {
                product_id: 'prod_earl_2',
                name: 'Earl Grey, blue flowers',
                warehouse_customer_id: 'cust_aurora',
                active: true,
              },
            ],
          },
        },
        {
          sku: 'NO-SUCH-SKU',
          status: 'not_found',
          problem: {
            type: '/docs/problems#product_not_found',
            title: 'Product not found',
            status: 404,
            detail: 'Trackstar knows no product with the SKU "NO-SUCH-SKU"',
            code: 'product_not_found',
            request_id: '0b5e7c1a-6f0d-4c58-9a53-2f4f8f1f6f3e',
          },
        },
      ],
    },
  },
} satisfies Record<string, ResponseExample>
