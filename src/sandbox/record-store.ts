/** The fields that the store indexes. */
export interface Storable {
  id: string
  /** A number is its decimal text. */
  sku?: string | number | null | undefined
}

/**
 * Records by id in insertion order, with an index by SKU. Each record has a *slot*, its position in that order, for life.
 * Deleting a record leaves its slot empty. So a page token that names a slot stays valid while records come and go, and
 * the next page starts without scanning the earlier ones.
 *
 * Records may be changed in place, but call `set` again after changing a SKU: only `set` updates the index.
 */
export class RecordStore<R extends Storable> extends Map<string, R> {
  readonly #records: (R | undefined)[] = []
  readonly #skus: (string | undefined)[] = []
  readonly #slotById = new Map<string, number>()
  readonly #slotsBySku = new Map<string, number[]>()

  override set(id: string, record: R): this {
    const slot = this.#slotById.get(id) ?? this.#records.length
    this.#unindexSku(slot)
    this.#records[slot] = record
    this.#slotById.set(id, slot)
    this.#indexSku(slot, record.sku)
    return super.set(id, record)
  }

  override delete(id: string): boolean {
    const slot = this.#slotById.get(id)
    if (slot === undefined) return false
    this.#unindexSku(slot)
    this.#records[slot] = undefined
    this.#slotById.delete(id)
    return super.delete(id)
  }

  override clear(): void {
    for (const id of this.keys()) this.delete(id)
  }

  /** One past the last slot ever used. */
  get slots(): number {
    return this.#records.length
  }

  /** The record in a slot; undefined after it was deleted. */
  at(slot: number): R | undefined {
    return this.#records[slot]
  }

  /** Slots of the records with these ids, ascending. Ignores unknown ids. */
  slotsOfIds(ids: Iterable<string>): number[] {
    const slots = Array.from(new Set(ids), (id) => this.#slotById.get(id)).filter((slot) => slot !== undefined)
    return slots.toSorted((a, b) => a - b)
  }

  /** Slots of the records with any of these SKUs, ascending. */
  slotsOfSkus(skus: Iterable<string>): number[] {
    return Array.from(new Set(skus), (sku) => this.#slotsBySku.get(sku) ?? [])
      .flat()
      .toSorted((a, b) => a - b)
  }

  #indexSku(slot: number, given: Storable['sku']): void {
    if (typeof given !== 'string' && typeof given !== 'number') return
    const sku = String(given)
    this.#skus[slot] = sku
    const slots = this.#slotsBySku.get(sku)
    if (slots) slots.push(slot)
    else this.#slotsBySku.set(sku, [slot])
  }

  #unindexSku(slot: number): void {
    const sku = this.#skus[slot]
    if (sku === undefined) return
    this.#skus[slot] = undefined
    const others = (this.#slotsBySku.get(sku) as number[]).filter((other) => other !== slot)
    if (others.length > 0) this.#slotsBySku.set(sku, others)
    else this.#slotsBySku.delete(sku)
  }
}
