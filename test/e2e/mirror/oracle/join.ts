/**
 * The stock of a product by the contract's arithmetic, written a second time: it shares no code with `src/stock`. Numbers
 * are fractions of BigInts throughout.
 */

/** A record as upstream has it. */
export type Json = Readonly<Record<string, unknown>>

/** What the join computes for one product: the parts of a stock that follow from the records alone. */
export interface JoinedStock {
  readonly available: number
  readonly quantities: Json
  readonly warehouses: readonly Json[]
  readonly components: readonly Json[]
  readonly limiting: Json | null
  readonly complete: boolean
  /** `code id`, sorted, each once. */
  readonly issues: readonly string[]
  readonly product: Json
}

type Fraction = readonly [numerator: bigint, denominator: bigint]

const zero: Fraction = [0n, 1n]
const add = ([a, b]: Fraction, [c, d]: Fraction): Fraction => [a * d + c * b, b * d]
const subtract = ([a, b]: Fraction, [c, d]: Fraction): Fraction => [a * d - c * b, b * d]
const divide = ([a, b]: Fraction, [c, d]: Fraction): Fraction => [a * d, b * c]
const isLess = ([a, b]: Fraction, [c, d]: Fraction): boolean => a * d < c * b
const isEqual = ([a, b]: Fraction, [c, d]: Fraction): boolean => a * d === c * b
const least = (a: Fraction, b: Fraction) => (isLess(b, a) ? b : a)
const most = (a: Fraction, b: Fraction) => (isLess(a, b) ? b : a)
const floor = ([a, b]: Fraction): Fraction => [a / b - (a % b < 0n ? 1n : 0n), 1n]
const toNumber = ([a, b]: Fraction): number => Number(a) / Number(b) + 0

/** The number that a field states: a number, or a decimal string; null for anything else. */
function stated(value: unknown): Fraction | null {
  const text = typeof value === 'number' ? String(value) : typeof value === 'string' ? value.trim() : ''
  const match = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(text)
  if (match === null) return null
  const [, sign, whole = '', decimals = ''] = match
  const digits = BigInt(whole + decimals)
  return [sign === '-' ? -digits : digits, 10n ** BigInt(decimals.length)]
}

const names = ['onhand', 'committed', 'unfulfillable', 'fulfillable', 'sellable', 'awaiting'] as const
type Name = (typeof names)[number]
type Amounts = Record<Name, Fraction | null>

const nothing = (): Amounts => ({
  onhand: null,
  committed: null,
  unfulfillable: null,
  fulfillable: null,
  sellable: null,
  awaiting: null,
})

const asObject = (value: unknown): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined
const asText = (value: unknown): string | null =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : null

/** A text that is not empty; a number is read as its decimal text. */
export const keyOf = (value: unknown): string | null => asText(value) || null

function amountsOf(source: Json, isDerivable: boolean): Amounts {
  const amounts = nothing()
  for (const name of names) amounts[name] = stated(source[name])
  const { onhand, committed, unfulfillable } = amounts
  if (amounts.fulfillable === null && isDerivable && onhand && committed && unfulfillable) {
    amounts.fulfillable = subtract(subtract(onhand, committed), unfulfillable)
  }
  return amounts
}

const hasSubstitutes = (item: Json) => Array.isArray(item['substitute_skus']) && item['substitute_skus'].length > 0

function breakdownOf(item: Json): Map<string, Amounts> {
  const breakdown = asObject(item['inventory_by_warehouse_id']) ?? {}
  const isDerivable = !hasSubstitutes(item)
  return new Map(Object.keys(breakdown).map((id) => [id, amountsOf(asObject(breakdown[id]) ?? {}, isDerivable)]))
}

/** What only one of them states is taken from that one. */
function sumOf(a: Amounts, b: Amounts): Amounts {
  const sums = nothing()
  for (const name of names) {
    const [one, other] = [a[name], b[name]]
    sums[name] = one && other ? add(one, other) : (one ?? other)
  }
  return sums
}

interface Component {
  readonly id: string
  readonly sku: string | null
  units: Fraction
  isRepeated: boolean
}

interface Group {
  readonly sku: string | null
  readonly members: Component[]
}

/**
 * @param itemOf the item with an id; undefined if upstream has none
 * @param selected the warehouses to count; undefined for all
 */
export function joinStock(
  product: Json,
  itemOf: (id: string) => Json | undefined,
  selected?: ReadonlySet<string>,
): JoinedStock {
  const issues = new Set<string>()
  const { components, isKit } = componentsOf(product, itemOf, issues)
  const groups = groupsOf(components, isKit)
  if (!Array.isArray(product['inventory_items']) || product['inventory_items'].length === 0) {
    issues.add('no_inventory_items null')
  }
  // A fault of the product itself always affects its numbers.
  let isComplete = issues.size === 0

  const overall = new Map<string, Amounts>()
  const byWarehouse = new Map<string, Map<string, Amounts>>()
  for (const { id } of components) {
    const item = itemOf(id)
    const say = (code: string, affects: boolean) => {
      issues.add(`${code} ${id}`)
      if (affects) isComplete = false
    }
    if (item === undefined) {
      say('inventory_item_missing', true)
      continue
    }
    const total = amountsOf(item, !hasSubstitutes(item))
    const parts = breakdownOf(item)
    const within = [...(selected ?? [])].map((warehouse) => parts.get(warehouse) ?? nothing())
    overall.set(id, selected === undefined ? total : within.reduce(sumOf, nothing()))
    byWarehouse.set(id, parts)
    itemIssues(product, item, total, parts, say, selected)
  }

  for (const id of selected ?? []) {
    if ([...byWarehouse.values()].some((parts) => parts.has(id))) continue
    issues.add('warehouse_unknown null')
    isComplete = false
  }

  const totals = yieldsOf(groups, isKit, (id) => overall.get(id))
  const warehouseIds = [...new Set([...byWarehouse.values()].flatMap((parts) => [...parts.keys()]))]
    .filter((id) => selected === undefined || selected.has(id))
    .sort()
  return {
    available: Math.max(0, Number(totals['fulfillable'])),
    quantities: totals,
    warehouses: warehouseIds.map((warehouse_id) => {
      const quantities = yieldsOf(groups, isKit, (id) => byWarehouse.get(id)?.get(warehouse_id))
      return { warehouse_id, available: Math.max(0, Number(quantities['fulfillable'])), quantities }
    }),
    components: components.map(({ id, sku, units }) => ({
      inventory_item_id: id,
      sku,
      unit_quantity: toNumber(units),
      status: itemOf(id) === undefined ? 'missing' : 'ok',
      quantities: numbersOf(overall.get(id) ?? nothing()),
    })),
    limiting: isKit ? limitingOf(groups, (id) => overall.get(id)) : null,
    complete: isComplete,
    issues: [...issues].sort(),
    product: {
      id: product['id'],
      is_kit: isKit,
      active: product['active'] ?? null,
      warehouse_customer_id: product['warehouse_customer_id'] ?? null,
    },
  }
}

/** A quantity that no item states is null, but `fulfillable` counts as 0. */
const numbersOf = (amounts: Amounts): Json =>
  Object.fromEntries(
    names.map((name) => {
      const amount = amounts[name]
      return [name, amount === null ? (name === 'fulfillable' ? 0 : null) : toNumber(amount)]
    }),
  )

/** Rule 0: references are merged by item. */
function componentsOf(product: Json, itemOf: (id: string) => Json | undefined, issues: Set<string>) {
  const references = Array.isArray(product['inventory_items']) ? (product['inventory_items'] as unknown[]) : []
  const valid: { id: string; sku: string | null; units: Fraction }[] = []
  for (const reference of references) {
    const fields = asObject(reference)
    const id = keyOf(fields?.['inventory_item_id'])
    if (fields === undefined || id === null) {
      issues.add('invalid_reference null')
      continue
    }
    const given = fields['unit_quantity']
    const units = given === undefined || given === null ? stated(1) : stated(given)
    if (units === null || !isLess(zero, units)) issues.add(`invalid_unit_quantity ${id}`)
    else valid.push({ id, sku: keyOf(fields['sku']), units })
  }
  const first = new Map<string, { sku: string | null }>()
  for (const { id, sku } of valid) if (!first.has(id)) first.set(id, { sku: sku ?? keyOf(itemOf(id)?.['sku']) })
  const said = product['is_kit']
  const skus = new Set([...first.values()].flatMap(({ sku }) => sku ?? []))
  const isKit = said === true || (said !== false && skus.size > 1)
  if (said !== true && isKit) issues.add('kit_flag_missing null')
  const components = new Map<string, Component>()
  for (const { id, units } of valid) {
    const known = components.get(id)
    if (known === undefined) {
      components.set(id, { id, sku: first.get(id)?.sku ?? null, units, isRepeated: false })
      continue
    }
    known.units = isKit ? add(known.units, units) : most(known.units, units)
    known.isRepeated = true
  }
  return { components: [...components.values()], isKit }
}

/** Rule 1. */
function groupsOf(components: readonly Component[], isKit: boolean): Group[] {
  if (!isKit) return components.length === 0 ? [] : [{ sku: null, members: [...components] }]
  const groups: Group[] = []
  for (const component of components) {
    const known = component.sku === null ? undefined : groups.find(({ sku }) => sku === component.sku)
    if (known === undefined) groups.push({ sku: component.sku, members: [component] })
    else known.members.push(component)
  }
  for (const { members } of groups) {
    if (!members.some(({ isRepeated }) => isRepeated)) continue
    const largest = members.map(({ units }) => units).reduce(most)
    for (const member of members) member.units = largest
  }
  return groups
}

type Look = (id: string) => Amounts | undefined

/** Rule 2, before rounding; null if no item of the group states the quantity. */
function shareOf({ members }: Group, name: Name, look: Look): Fraction | null {
  let sum: Fraction | null = null
  for (const { id, units } of members) {
    const amount = look(id)?.[name] ?? null
    if (amount !== null) sum = add(sum ?? zero, divide(amount, units))
  }
  return sum
}

/** Rules 3 and 4. */
function yieldsOf(groups: readonly Group[], isKit: boolean, look: Look): Json {
  const smallest = (name: Name): Fraction | null => {
    let found: Fraction | null = null
    for (const [index, group] of groups.entries()) {
      const share = shareOf(group, name, look) ?? (name === 'fulfillable' ? zero : null)
      if (share === null) return null
      found = index === 0 || found === null ? floor(share) : least(found, floor(share))
    }
    return found ?? zero
  }
  const number = (name: Name) => {
    const found = smallest(name)
    return found === null ? null : toNumber(found)
  }
  if (!isKit) return Object.fromEntries(names.map((name) => [name, number(name)]))
  const fulfillable = smallest('fulfillable') ?? zero
  const expected = groups.map((group) =>
    floor(add(shareOf(group, 'fulfillable', look) ?? zero, shareOf(group, 'awaiting', look) ?? zero)),
  )
  const grown = expected.length === 0 ? zero : expected.reduce(least)
  return {
    onhand: number('onhand'),
    committed: null,
    unfulfillable: null,
    fulfillable: toNumber(fulfillable),
    sellable: number('sellable'),
    awaiting: toNumber(subtract(most(zero, grown), most(zero, fulfillable))),
  }
}

function limitingOf(groups: readonly Group[], look: Look): Json | null {
  let found: { group: Group; units: Fraction } | undefined
  for (const group of groups) {
    const units = floor(shareOf(group, 'fulfillable', look) ?? zero)
    if (found === undefined || isLess(units, found.units)) found = { group, units }
  }
  if (found === undefined) return null
  return {
    component_sku: found.group.sku,
    inventory_item_ids: found.group.members.map(({ id }) => id),
    yield: toNumber(found.units),
  }
}

function itemIssues(
  product: Json,
  item: Json,
  total: Amounts,
  parts: ReadonlyMap<string, Amounts>,
  say: (code: string, affects: boolean) => void,
  selected: ReadonlySet<string> | undefined,
): void {
  const isNonZero = (amount: Fraction | null) => amount !== null && !isEqual(amount, zero)
  const hasStock = isNonZero(total.onhand) || isNonZero(total.fulfillable)
  // With a breakdown, the total does not count in single warehouses; without one, what is missing is the breakdown.
  const isTotalUsed = selected === undefined || (parts.size === 0 && !hasStock)
  const used = [...parts].filter(([id]) => selected === undefined || selected.has(id))
  if ((isTotalUsed && total.fulfillable === null) || used.some(([, { fulfillable }]) => fulfillable === null)) {
    say('quantity_unknown', true)
  }
  if (parts.size === 0 && hasStock) say('warehouse_breakdown_missing', selected !== undefined)
  if (parts.size > 0 && !addsUp('onhand', total, parts)) say('warehouse_breakdown_mismatch', false)
  if (parts.size > 0 && !addsUp('fulfillable', total, parts)) say('warehouse_breakdown_mismatch', true)
  const merchants = [product['warehouse_customer_id'] ?? null, item['warehouse_customer_id'] ?? null]
  if (!merchants.includes(null) && merchants[0] !== merchants[1]) say('merchant_mismatch', true)
  const { onhand, fulfillable } = total
  if (onhand && fulfillable && isLess(onhand, fulfillable) && !hasSubstitutes(item)) {
    say('quantity_inconsistent', true)
  }
}

/** Whether the parts add up to the whole. An unstated quantity contradicts nothing. */
function addsUp(name: Name, total: Amounts, parts: ReadonlyMap<string, Amounts>): boolean {
  const whole = total[name]
  const amounts = [...parts.values()].map((part) => part[name])
  if (whole === null || amounts.includes(null)) return true
  return isEqual(amounts.map((amount) => amount ?? zero).reduce(add, zero), whole)
}

/** The product that a SKU selects, by the contract's rule. */
export type Choice =
  | { readonly status: 'ok'; readonly product: Json }
  | { readonly status: 'not_found' }
  | { readonly status: 'ambiguous'; readonly ids: readonly unknown[] }

/** @param products all products with the SKU */
export function chooseProduct(products: readonly Json[], merchant?: string): Choice {
  const merchantOf = (product: Json) => product['warehouse_customer_id'] ?? null
  const fitting = products.filter((product) => merchant === undefined || merchantOf(product) === merchant)
  const [first] = fitting
  if (first === undefined) return { status: 'not_found' }
  const ambiguous: Choice = { status: 'ambiguous', ids: fitting.map(({ id }) => id).sort() }
  if (new Set(fitting.map(merchantOf)).size > 1) return ambiguous
  if (fitting.length === 1) return { status: 'ok', product: first }
  const active = fitting.filter((product) => product['active'] === true)
  return active.length === 1 && active[0] ? { status: 'ok', product: active[0] } : ambiguous
}
