import type { InventoryItem } from '../records/inventory-item.js'
import { counts, newItem, secondMerchant } from './new-records.js'

const unstated = { onhand: null, committed: null, unfulfillable: null, fulfillable: null, sellable: null }

/** The item behind `LIVE-JASMINE`: the one fixed item whose stock moves by itself. */
export const liveItemId = 'inv_jasmine'

/** The inventory items behind the fixed SKUs, new ones with every call. */
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
    [['wh_porto', { ...unstated, onhand: 20, unfulfillable: 0 }]],
    { committed: null, fulfillable: null, sellable: null },
  ),
  newItem('inv_ceylon', 'CEYLON-500', 'Ceylon, 500 g', [['wh_graz', { ...counts(30, 4), fulfillable: null }]], {
    fulfillable: null,
    substitute_skus: ['ASSAM-500'],
  }),
  newItem('inv_rooibos', 'ROOIBOS-100', 'Rooibos, 100 g', [
    ['wh_oslo', counts(13, 2)],
    ['wh_quiet', counts(7)],
    ['wh_porto', { ...unstated, awaiting: null }],
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
