import type { DocumentedItem as InventoryItem } from '../records/inventory-item.js'
import type { DocumentedProduct as Product } from '../records/product.js'
import type { DocumentedWarehouse as Warehouse } from '../records/warehouse.js'
import { counts, needs, newItem, newProduct, newWarehouse, secondMerchant } from './new-records.js'

/** The SKUs that every sandbox has, whatever its seed and size, and what each one shows. */
export const fixedSkus: readonly { sku: string; shows: string }[] = [
  { sku: 'SENCHA-100', shows: 'one item in two warehouses: 22 + 16 = 38' },
  { sku: 'OOLONG-250', shows: 'two interchangeable items: 10 + 7 = 17' },
  { sku: 'BISCUIT-6PK', shows: 'a six-pack of 45 single biscuits: 7, of which 4 and 3 in the warehouses' },
  { sku: 'CUP', shows: 'an item that two kits also use: 40' },
  { sku: 'GONGFU-SET', shows: 'a kit of 1 gaiwan (9), 4 cups (40) and 1 tray (6): 6; 9 when 5 more trays arrive' },
  { sku: 'TASTING-SET', shows: 'a kit of 6 cups (40) and 1 gaiwan (9), both shared with GONGFU-SET: 6' },
  { sku: 'MATCHA-KIT', shows: 'a kit with bowls (12) but no whisks (0, 8 awaited): 0' },
  {
    sku: 'TRAVEL-SET',
    shows: 'a kit of 1 pouch (3 + 4, two items) and 2 flasks (11): 5, the warehouses alone 3 and 1',
  },
  { sku: 'REFILL-BOX', shows: 'a kit that lists one item (20) twice, 2 and 1 a box: 6' },
  { sku: 'HONEY-1', shows: 'one SKU of two merchants: cust_aurora has 15, cust_borealis 4' },
  { sku: 'CHAI-50', shows: 'two products of one merchant, one of them active: 21, not 3' },
  { sku: 'EARL-GREY', shows: 'two active products of one merchant, so the SKU is ambiguous (6 or 2)' },
  { sku: 'MATCHA-TIN', shows: 'lots of 8 (15 December 2026), 10 (1 March 2027) and 6 (no date): 24' },
  { sku: 'HOJICHA-80', shows: 'two items, one of which does not exist upstream: 8, incomplete' },
  { sku: 'ASSAM-500', shows: 'fulfillable is null but can be derived, 20 − 5 − 1: 14' },
  { sku: 'DARJEELING-500', shows: 'fulfillable and committed are null, so nothing can be derived: 0, incomplete' },
  { sku: 'CEYLON-500', shows: 'fulfillable is null and substitutes exist, so it is not derived: 0, incomplete' },
  { sku: 'ROOIBOS-100', shows: 'one warehouse without quantities, another without a name: 18, of which 11 and 7' },
  { sku: 'KETTLE-1L', shows: 'stock without a breakdown by warehouse: 13' },
  { sku: 'SCALE-01', shows: 'a breakdown of 6 + 3 that misses 1 of the 10 on hand: 10, incomplete' },
  { sku: 'PUERH-357', shows: 'oversold, 2 on hand and 7 committed: fulfillable −5, available 0' },
  { sku: 'GIFT-CARD', shows: 'a product without inventory items: 0, incomplete' },
  { sku: 'SAMPLER-3', shows: 'a kit of 1 tin (5) and a ribbon with a unit quantity of 0: 5, incomplete' },
  { sku: 'MINT/LEMON 50%', shows: 'a slash, a space and a percent sign in the SKU and in the item id: 5' },
  { sku: 'GREEN, BLACK + WHITE', shows: 'a comma and a plus sign in the SKU, a comma in the item id: 7' },
  { sku: '抹茶 30g', shows: 'Unicode in the SKU: 9' },
  { sku: '__proto__', shows: 'a SKU, product, item and warehouse of this name: 3' },
  { sku: 'constructor', shows: 'a SKU, product, item and warehouse of this name: 4' },
  { sku: 'LIVE-JASMINE', shows: 'changes by itself in the demo, starting at 24 + 16 = 40' },
  { sku: 'LIVE-GIFT', shows: 'a kit of 3 LIVE-JASMINE (40) and 1 box (20), changes with them, starting at 13' },
]

/** Creates the four warehouses. One has no name and no code. */
export const fixedWarehouses = (): Warehouse[] => [
  newWarehouse('wh_oslo', 'Oslo harbour', 'OSL-1', 'Oslo'),
  newWarehouse('wh_porto', 'Porto', 'OPO-2', 'Porto'),
  newWarehouse('wh_graz', 'Graz', null, 'Graz'),
  newWarehouse('wh_quiet', null, null, 'Galway'),
]

const kit = { is_kit: true }

/** Creates the fixed products and their inventory items. */
export function fixedCatalog(): { products: Product[]; inventory: InventoryItem[] } {
  return { products: fixedProducts(), inventory: fixedItems() }
}

const fixedProducts = (): Product[] => [
  newProduct('prod_sencha', 'SENCHA-100', 'Sencha, 100 g', [needs('inv_sencha', 'SENCHA-100')], {
    gtin: '05901234123457',
    trackstar_tags: ['green', { season: 'spring' }],
  }),
  newProduct('prod_oolong', 'OOLONG-250', 'Oolong, 250 g', [
    needs('inv_oolong_oslo', 'OOLONG-250'),
    needs('inv_oolong_graz', 'OOLONG-250'),
  ]),
  newProduct('prod_biscuit_6', 'BISCUIT-6PK', 'Tea biscuits, six', [needs('inv_biscuit', 'BISCUIT', 6)]),
  newProduct('prod_cup', 'CUP', 'Cup, porcelain', [needs('inv_cup', 'CUP', null)]),
  newProduct(
    'prod_gongfu',
    'GONGFU-SET',
    'Gongfu set for four',
    [needs('inv_gaiwan', 'GAIWAN'), needs('inv_cup', 'CUP', 4), needs('inv_tray', 'TRAY')],
    kit,
  ),
  newProduct(
    'prod_tasting',
    'TASTING-SET',
    'Tasting set for six',
    [needs('inv_cup', 'CUP', 6), needs('inv_gaiwan', 'GAIWAN')],
    kit,
  ),
  newProduct('prod_matcha', 'MATCHA-KIT', 'Matcha kit', [needs('inv_bowl', 'BOWL'), needs('inv_whisk', 'WHISK')], kit),
  newProduct(
    'prod_travel',
    'TRAVEL-SET',
    'Travel set',
    [needs('inv_pouch_oslo', 'POUCH'), needs('inv_pouch_porto', 'POUCH'), needs('inv_flask', 'FLASK', 2)],
    kit,
  ),
  newProduct(
    'prod_refill',
    'REFILL-BOX',
    'Refill box',
    [needs('inv_filter', 'FILTER', 2), needs('inv_filter', 'FILTER')],
    kit,
  ),
  newProduct('prod_honey_a', 'HONEY-1', 'Heather honey', [needs('inv_honey_a', 'HONEY-1')]),
  newProduct('prod_honey_b', 'HONEY-1', 'Honeydew honey', [needs('inv_honey_b', 'HONEY-1')], {
    warehouse_customer_id: secondMerchant,
  }),
  newProduct('prod_chai_old', 'CHAI-50', 'Chai, the old blend', [needs('inv_chai_old', 'CHAI-50')], { active: false }),
  newProduct('prod_chai', 'CHAI-50', 'Chai', [needs('inv_chai', 'CHAI-50')]),
  newProduct('prod_earl_1', 'EARL-GREY', 'Earl Grey', [needs('inv_earl_1', 'EARL-GREY')]),
  newProduct('prod_earl_2', 'EARL-GREY', 'Earl Grey, blue flowers', [needs('inv_earl_2', 'EARL-GREY')]),
  newProduct('prod_matcha_tin', 'MATCHA-TIN', 'Matcha, tin', [needs('inv_matcha_tin', 'MATCHA-TIN')]),
  newProduct('prod_hojicha', 'HOJICHA-80', 'Hojicha, 80 g', [
    needs('inv_hojicha', 'HOJICHA-80'),
    needs('inv_nowhere', 'HOJICHA-80'),
  ]),
  newProduct('prod_assam', 'ASSAM-500', 'Assam, 500 g', [needs('inv_assam', 'ASSAM-500')]),
  newProduct('prod_darjeeling', 'DARJEELING-500', 'Darjeeling, 500 g', [needs('inv_darjeeling', 'DARJEELING-500')]),
  newProduct('prod_ceylon', 'CEYLON-500', 'Ceylon, 500 g', [needs('inv_ceylon', 'CEYLON-500')]),
  newProduct('prod_rooibos', 'ROOIBOS-100', 'Rooibos, 100 g', [needs('inv_rooibos', 'ROOIBOS-100')]),
  newProduct('prod_kettle', 'KETTLE-1L', 'Kettle, one litre', [needs('inv_kettle', 'KETTLE-1L')]),
  newProduct('prod_scale', 'SCALE-01', 'Tea scale', [needs('inv_scale', 'SCALE-01')]),
  newProduct('prod_puerh', 'PUERH-357', "Pu'er cake, 357 g", [needs('inv_puerh', 'PUERH-357')]),
  newProduct('prod_gift', 'GIFT-CARD', 'Gift card', []),
  newProduct(
    'prod_sampler',
    'SAMPLER-3',
    'Sampler',
    [needs('inv_sampler_tin', 'SAMPLER-TIN'), needs('inv_ribbon', 'RIBBON', 0)],
    kit,
  ),
  newProduct('prod/mint 50%', 'MINT/LEMON 50%', 'Mint and lemon', [needs('inv/mint 50%', 'MINT/LEMON 50%')]),
  newProduct('prod_mix,3', 'GREEN, BLACK + WHITE', 'Three leaves', [needs('inv_mix,3', 'GREEN, BLACK + WHITE')]),
  newProduct('prod_抹茶', '抹茶 30g', 'Matcha, 30 g', [needs('inv_抹茶', '抹茶 30g')]),
  newProduct('__proto__', '__proto__', 'Prototype blend', [needs('__proto__', '__proto__')]),
  newProduct('constructor', 'constructor', "Constructor's breakfast", [needs('constructor', 'constructor')]),
  newProduct('prod_jasmine', 'LIVE-JASMINE', 'Jasmine pearls, tin', [needs('inv_jasmine', 'LIVE-JASMINE')]),
  newProduct(
    'prod_jasmine_gift',
    'LIVE-GIFT',
    'Three tins in a box',
    [needs('inv_jasmine', 'LIVE-JASMINE', 3), needs('inv_gift_box', 'GIFT-BOX')],
    kit,
  ),
]

const unknownQuantities = { onhand: null, committed: null, unfulfillable: null, fulfillable: null, sellable: null }

/** The item of `LIVE-JASMINE`, the only fixed item whose stock moves by itself. */
export const liveItemId = 'inv_jasmine'

/** Creates the inventory items of the fixed SKUs. */
export const fixedItems = (): InventoryItem[] => [
  newItem(
    'inv_sencha',
    'SENCHA-100',
    'Sencha, 100 g',
    [
      ['wh_oslo', counts(30, 6, 2, 12)],
      ['wh_porto', counts(20, 3, 1)],
    ],
    {
      trackstar_tags: ['green', { season: 'spring' }],
      locations: [
        { location_id: 'A-01-1', quantity: 25, warehouse_id: 'wh_oslo' },
        { location_id: 'A-01-2', quantity: 5, warehouse_id: 'wh_oslo' },
        { location_id: 'R7', quantity: 20, warehouse_id: 'wh_porto' },
      ],
    },
  ),
  newItem('inv_oolong_oslo', 'OOLONG-250', 'Oolong, 250 g', [['wh_oslo', counts(12, 2)]]),
  newItem('inv_oolong_graz', 'OOLONG-250', 'Oolong, 250 g', [['wh_graz', counts(9, 1, 1)]]),
  newItem('inv_biscuit', 'BISCUIT', 'Tea biscuit', [
    ['wh_oslo', counts(28, 1, 1)],
    ['wh_porto', counts(22, 3)],
  ]),
  newItem('inv_cup', 'CUP', 'Cup, porcelain', [['wh_oslo', counts(44, 4)]]),
  newItem('inv_gaiwan', 'GAIWAN', 'Gaiwan', [['wh_oslo', counts(10, 1)]]),
  newItem('inv_tray', 'TRAY', 'Tea tray', [['wh_oslo', counts(6, 0, 0, 5)]]),
  newItem('inv_bowl', 'BOWL', 'Matcha bowl', [['wh_porto', counts(12)]]),
  newItem('inv_whisk', 'WHISK', 'Bamboo whisk', [['wh_porto', counts(2, 2, 0, 8)]]),
  newItem('inv_pouch_oslo', 'POUCH', 'Travel pouch', [['wh_oslo', counts(3)]]),
  newItem('inv_pouch_porto', 'POUCH', 'Travel pouch', [['wh_porto', counts(4)]]),
  newItem('inv_flask', 'FLASK', 'Flask', [
    ['wh_oslo', counts(9)],
    ['wh_porto', counts(2)],
  ]),
  newItem('inv_filter', 'FILTER', 'Paper filters', [['wh_graz', counts(20)]]),
  newItem('inv_honey_a', 'HONEY-1', 'Heather honey', [['wh_oslo', counts(15)]]),
  newItem('inv_honey_b', 'HONEY-1', 'Honeydew honey', [['wh_oslo', counts(4)]], {
    warehouse_customer_id: secondMerchant,
  }),
  newItem('inv_chai_old', 'CHAI-50', 'Chai, the old blend', [['wh_graz', counts(3)]], { active: false }),
  newItem('inv_chai', 'CHAI-50', 'Chai', [['wh_graz', counts(21)]]),
  newItem('inv_earl_1', 'EARL-GREY', 'Earl Grey', [['wh_porto', counts(6)]]),
  newItem('inv_earl_2', 'EARL-GREY', 'Earl Grey, blue flowers', [['wh_porto', counts(2)]]),
  newItem(
    'inv_matcha_tin',
    'MATCHA-TIN',
    'Matcha, tin',
    [
      ['wh_oslo', counts(16)],
      ['wh_graz', counts(8)],
    ],
    {
      lots: [
        { lot_id: 'L-undated', onhand: 6, expiration_date: null, warehouse_id: 'wh_oslo' },
        { lot_id: 'L-2703', onhand: 10, expiration_date: '2027-03-01', warehouse_id: 'wh_oslo' },
        { lot_id: 'L-2612', onhand: 8, expiration_date: '2026-12-15T00:00:00Z', warehouse_id: 'wh_graz' },
      ],
    },
  ),
  newItem('inv_hojicha', 'HOJICHA-80', 'Hojicha, 80 g', [['wh_oslo', counts(8)]]),
  newItem(
    'inv_assam',
    'ASSAM-500',
    'Assam, 500 g',
    [['wh_porto', { ...counts(20, 5, 1), fulfillable: null, sellable: null }]],
    { fulfillable: null, sellable: null },
  ),
  newItem(
    'inv_darjeeling',
    'DARJEELING-500',
    'Darjeeling, 500 g',
    [['wh_porto', { ...unknownQuantities, onhand: 20, unfulfillable: 0 }]],
    { committed: null, fulfillable: null, sellable: null },
  ),
  newItem('inv_ceylon', 'CEYLON-500', 'Ceylon, 500 g', [['wh_graz', { ...counts(30, 4), fulfillable: null }]], {
    fulfillable: null,
    substitute_skus: ['ASSAM-500'],
  }),
  newItem('inv_rooibos', 'ROOIBOS-100', 'Rooibos, 100 g', [
    ['wh_oslo', counts(13, 2)],
    ['wh_quiet', counts(7)],
    ['wh_porto', { ...unknownQuantities, awaiting: null }],
  ]),
  newItem('inv_kettle', 'KETTLE-1L', 'Kettle, one litre', [['wh_oslo', counts(15, 2)]], {
    inventory_by_warehouse_id: null,
  }),
  newItem(
    'inv_scale',
    'SCALE-01',
    'Tea scale',
    [
      ['wh_oslo', counts(6)],
      ['wh_graz', counts(3)],
    ],
    counts(10),
  ),
  newItem('inv_puerh', 'PUERH-357', "Pu'er cake, 357 g", [['wh_graz', counts(2, 7)]]),
  newItem('inv_sampler_tin', 'SAMPLER-TIN', 'Sampler tin', [['wh_oslo', counts(5)]]),
  newItem('inv_ribbon', 'RIBBON', 'Ribbon', [['wh_oslo', counts(50)]]),
  newItem('inv/mint 50%', 'MINT/LEMON 50%', 'Mint and lemon', [['wh_oslo', counts(5)]]),
  newItem('inv_mix,3', 'GREEN, BLACK + WHITE', 'Three leaves', [['wh_porto', counts(7)]]),
  newItem('inv_抹茶', '抹茶 30g', 'Matcha, 30 g', [['wh_graz', counts(9)]]),
  newItem('__proto__', '__proto__', 'Prototype blend', [
    ['__proto__', counts(2)],
    ['wh_oslo', counts(1)],
  ]),
  newItem('constructor', 'constructor', "Constructor's breakfast", [
    ['constructor', counts(3)],
    ['wh_oslo', counts(1)],
  ]),
  newItem(liveItemId, 'LIVE-JASMINE', 'Jasmine pearls, tin', [
    ['wh_oslo', counts(26, 2)],
    ['wh_porto', counts(16)],
  ]),
  newItem('inv_gift_box', 'GIFT-BOX', 'Gift box', [['wh_oslo', counts(20)]]),
]
