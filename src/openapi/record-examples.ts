import type { ResponseExample } from './examples.js'

const product = {
  id: 'prod_sencha',
  warehouse_customer_id: 'cust_aurora',
  name: 'Sencha, 100 g',
  sku: 'SENCHA-100',
  gtin: '05901234123457',
  unit_price: '12.50',
  inventory_items: [{ inventory_item_id: 'inv_sencha', sku: 'SENCHA-100', unit_quantity: 1 }],
  is_kit: false,
  active: true,
  external_system_url: null,
  trackstar_tags: ['green', { season: 'spring' }],
  additional_fields: {},
  supplier: null,
  supplier_object: null,
  country_of_origin: null,
  harmonized_code: null,
  supplier_products: [],
  created_date: '2025-02-10T07:30:00Z',
  updated_date: '2025-10-20T06:15:00Z',
  trackstar_created_date: '2025-02-11T01:00:00Z',
  trackstar_updated_date: '2025-10-20T07:00:00Z',
}
const item = {
  id: 'inv_sencha',
  warehouse_customer_id: 'cust_aurora',
  name: 'Sencha, 100 g',
  sku: 'SENCHA-100',
  external_system_url: null,
  trackstar_tags: ['green', { season: 'spring' }],
  additional_fields: {},
  unit_cost: null,
  measurements: { length: 20, width: 15, height: 10, unit: 'cm', weight: 250, weight_unit: 'g' },
  active: true,
  onhand: 50,
  committed: 9,
  unfulfillable: 3,
  fulfillable: 38,
  sellable: 38,
  awaiting: 12,
  unsellable: 0,
  substitute_skus: [],
  inventory_by_warehouse_id: {
    wh_oslo: { onhand: 30, committed: 6, unfulfillable: 2, fulfillable: 22, sellable: 22, awaiting: 12, unsellable: 0 },
    wh_porto: { onhand: 20, committed: 3, unfulfillable: 1, fulfillable: 16, sellable: 16, awaiting: 0, unsellable: 0 },
  },
  lots: [],
  locations: [
    { location_id: 'A-01-1', quantity: 25, warehouse_id: 'wh_oslo' },
    { location_id: 'A-01-2', quantity: 5, warehouse_id: 'wh_oslo' },
    { location_id: 'R7', quantity: 20, warehouse_id: 'wh_porto' },
  ],
  created_date: '2025-02-10T07:30:00Z',
  updated_date: '2025-10-20T06:15:00Z',
  trackstar_created_date: '2025-02-11T01:00:00Z',
  trackstar_updated_date: '2025-10-20T07:00:00Z',
}
const warehouse = {
  id: 'wh_oslo',
  name: 'Oslo harbour',
  code: 'OSL-1',
  address: {
    address1: 'Quay 1',
    address2: null,
    address3: null,
    city: 'Oslo',
    state: null,
    postal_code: null,
    country: null,
  },
  created_date: '2025-02-10T07:30:00Z',
  updated_date: '2025-10-20T06:15:00Z',
  trackstar_created_date: '2025-02-11T01:00:00Z',
  trackstar_updated_date: '2025-10-20T07:00:00Z',
  trackstar_tags: [],
}

/** One whole record of each kind, and a page of each. */
export const recordExamples = {
  products: {
    one: { sencha: { summary: 'A product', description: '`GET /products/SENCHA-100`', value: { data: product } } },
    page: {
      first: {
        summary: 'The first page, of one record',
        description: '`GET /products?limit=1`',
        value: { data: [product], next_token: 'MDox', total_count: 1 },
      },
    },
  },
  inventory: {
    one: {
      sencha: { summary: 'An inventory item', description: '`GET /inventory/inv_sencha`', value: { data: item } },
    },
    page: {
      filtered: {
        summary: 'The items of one SKU: the only page',
        description: '`GET /inventory?sku[eq]=SENCHA-100`',
        value: { data: [item], next_token: null, total_count: 1 },
      },
    },
  },
  warehouses: {
    one: { oslo: { summary: 'A warehouse', description: '`GET /warehouses/wh_oslo`', value: { data: warehouse } } },
    page: {
      first: {
        summary: 'The first page, of one record',
        description: '`GET /warehouses?limit=1`',
        value: { data: [warehouse], next_token: 'MDox', total_count: 1 },
      },
    },
  },
} satisfies Record<string, Record<'one' | 'page', Record<string, ResponseExample>>>
