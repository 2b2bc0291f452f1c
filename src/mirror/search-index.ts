import { firstNot } from '../binary-search.js'
import { idOf, skuOf, textOf } from '../records/fields.js'
import type { Product } from '../records/product.js'
import type { Steps } from '../steps.js'

/** The texts by which a product is found, in the order of their rank. */
const fields = [
  (product: Product) => skuOf(product),
  (product: Product) => textOf(product.gtin),
  (product: Product) => textOf(product.name),
] as const

/** Between the values of a chunk, which do not contain it themselves. */
const separator = '\n'
/** Products of one chunk at most; it is split in halves then. */
const maxChunk = 128
/** Bits of the filter of one field of a chunk; about a quarter of them is set for names of 30 characters. */
const filterBits = 8192
const filterWords = filterBits / 32

/** Some products that follow each other in the order, and what a search reads of them. */
interface Chunk {
  readonly products: Product[]
  /** Undefined after a change, until the next search. */
  texts: ChunkTexts | undefined
}

interface ChunkTexts {
  /** For each field, the folded values of all products, with a separator before, between and behind them. */
  readonly values: readonly string[]
  /** For each field, a Bloom filter of all parts of `values` that are one to three characters long. */
  readonly filters: Uint32Array
}

/**
 * Finds products by a part of their SKU, GTIN or name, whatever the case. The products are in chunks, in the order of their
 * SKUs, each with its texts in one string for each field and a filter of the short parts of the texts. A search asks the
 * filters first and reads only the texts that may have a match, with the engine's own string search: well below a millisecond
 * among 200,000 products for most texts, and a few if each chunk has all parts of a text but no product the whole. Takes
 * about 120 bytes for each product.
 */
export class SearchIndex {
  readonly #chunks: Chunk[] = []

  /** Puts a product in the place of its earlier record; undefined: there is none. */
  replace(before: Product | undefined, after: Product | undefined): void {
    if (
      before &&
      after &&
      fields.every((textIn) => textIn(before) === textIn(after)) &&
      this.#exchange(before, after)
    ) {
      return
    }
    if (before) this.#remove(before)
    if (after) this.#add(after)
  }

  clear(): void {
    this.#chunks.length = 0
  }

  /**
   * Finds the products that have the text: exact matches before prefixes before other parts, and among each of these SKU
   * before GTIN before name. Equal ranks are in the order of their SKUs.
   */
  *find(text: string, limit: number): Steps<Product[]> {
    const part = fold(text)
    const found = new Set<Product>()
    for (const needle of [`${separator}${part}${separator}`, `${separator}${part}`, part]) {
      const hashes = hashesOf(needle)
      for (const field of fields.keys()) {
        yield
        for (let n = 0; n < this.#chunks.length; n++) {
          const chunk = this.#chunks[n] as Chunk
          if (chunk.texts === undefined) yield
          chunk.texts ??= textsOf(chunk.products)
          const { texts } = chunk
          if (!mayHave(texts.filters, field, hashes)) continue
          const values = texts.values[field] ?? ''
          if (!values.includes(needle)) continue
          for (const [index, value] of values.slice(1, -1).split(separator).entries()) {
            const product = chunk.products[index]
            if (product === undefined || !`${separator}${value}${separator}`.includes(needle)) continue
            found.add(product)
            if (found.size === limit) return Array.from(found)
          }
          yield
        }
      }
    }
    return Array.from(found)
  }

  /** Prepares the texts of all chunks, so that the next search need not. */
  *prepare(): Steps<void> {
    for (const chunk of this.#chunks) {
      chunk.texts ??= textsOf(chunk.products)
      yield
    }
  }

  /** Whether the record was found and exchanged for one with the same texts. */
  #exchange(before: Product, after: Product): boolean {
    const { chunk, place } = this.#locate(before)
    if (chunk?.products[place] === undefined || compare(chunk.products[place], before) !== 0) return false
    chunk.products[place] = after
    return true
  }

  #add(product: Product): void {
    const { chunk, n, place } = this.#locate(product)
    if (chunk === undefined) {
      this.#chunks.push({ products: [product], texts: undefined })
      return
    }
    chunk.products.splice(place, 0, product)
    chunk.texts = undefined
    if (chunk.products.length <= maxChunk) return
    this.#chunks.splice(n + 1, 0, { products: chunk.products.splice(maxChunk / 2), texts: undefined })
  }

  #remove(product: Product): void {
    const { chunk, n, place } = this.#locate(product)
    const found = chunk?.products[place]
    if (chunk === undefined || found === undefined || compare(found, product) !== 0) return
    chunk.products.splice(place, 1)
    chunk.texts = undefined
    if (chunk.products.length === 0) this.#chunks.splice(n, 1)
  }

  /** The place of a product, or where it would be: behind all others, in the last chunk. */
  #locate(product: Product): { readonly chunk: Chunk | undefined; readonly n: number; readonly place: number } {
    const endsBefore = ({ products }: Chunk) => compare(products.at(-1) as Product, product) < 0
    const n = Math.max(0, Math.min(firstNot(this.#chunks, endsBefore), this.#chunks.length - 1))
    const chunk = this.#chunks[n]
    const place = chunk === undefined ? 0 : firstNot(chunk.products, (other) => compare(other, product) < 0)
    return { chunk, n, place }
  }
}

/** By SKU, then by product id, in code unit order. */
function compare(a: Product, b: Product): number {
  const [skuA, skuB] = [skuOf(a) ?? '', skuOf(b) ?? '']
  if (skuA !== skuB) return skuA < skuB ? -1 : 1
  const [idA, idB] = [idOf(a), idOf(b)]
  return idA === idB ? 0 : idA < idB ? -1 : 1
}

const fold = (text: string): string => text.toLowerCase().replaceAll(separator, ' ')

function textsOf(products: readonly Product[]): ChunkTexts {
  const values = fields.map((textIn) => {
    const texts = products.map((product) => fold(textIn(product) ?? ''))
    return `${separator}${texts.join(separator)}${separator}`
  })
  const filters = new Uint32Array(fields.length * filterWords)
  for (const [field, text] of values.entries()) {
    const from = field * filterWords
    let [a, b] = [0, 0]
    for (let n = 0; n < text.length; n++) {
      const c = text.charCodeAt(n)
      setBits(filters, from, hashOf(c, 0, 0))
      setBits(filters, from, hashOf(b, c, 0))
      setBits(filters, from, hashOf(a, b, c))
      ;[a, b] = [b, c]
    }
  }
  return { values, filters }
}

/** The hashes of the parts of a text that a filter must have: those of three characters, or the text if it is shorter. */
function hashesOf(text: string): number[] {
  if (text.length < 3) return [hashOf(text.charCodeAt(0), text.length < 2 ? 0 : text.charCodeAt(1), 0)]
  const hashes: number[] = []
  for (let n = 2; n < text.length; n++) {
    hashes.push(hashOf(text.charCodeAt(n - 2), text.charCodeAt(n - 1), text.charCodeAt(n)))
  }
  return hashes
}

/** The hash of a part of one to three characters; those that it does not have are 0. */
function hashOf(a: number, b: number, c: number): number {
  const mixed = Math.imul(Math.imul(Math.imul(a, 0x9e3779b1) ^ b, 0x85ebca6b) ^ c, 0xc2b2ae35)
  return Math.imul(mixed ^ (mixed >>> 15), 0x27d4eb2f)
}

/** Each part has two bits: with one, those that share theirs with a part of nearly all names would not be filtered. */
const firstBit = (hash: number): number => hash >>> 19
const secondBit = (hash: number): number => (hash >>> 6) & (filterBits - 1)

function setBits(filters: Uint32Array, from: number, hash: number): void {
  for (let bit = firstBit(hash), n = 0; n < 2; n++, bit = secondBit(hash)) {
    const word = from + (bit >>> 5)
    filters[word] = (filters[word] ?? 0) | (1 << (bit & 31))
  }
}

function mayHave(filters: Uint32Array, field: number, hashes: readonly number[]): boolean {
  const from = field * filterWords
  for (const hash of hashes) {
    for (let bit = firstBit(hash), n = 0; n < 2; n++, bit = secondBit(hash)) {
      if (((filters[from + (bit >>> 5)] ?? 0) & (1 << (bit & 31))) === 0) return false
    }
  }
  return true
}
