/** 16 digits are the fewest that a number may have that JavaScript cannot hold exactly. */
const longNumber = /\d{16}/
/** A number as an id, a SKU or a GTIN, with its field. A quote within a string is escaped, so this is found only between strings. */
const longKey = /("(?:id|sku|gtin|\w+_id)"\s*:\s*)(-?\d{16,})(?=\s*[,}\]])/g

/**
 * Parses JSON text. Ids, SKUs and GTINs that are integers of more digits than a number of JavaScript holds become text: two of them
 * could otherwise be the same number, and one record be taken for another.
 * @throws {SyntaxError} if the text is not JSON
 */
export const parseExactKeys = (text: string): unknown => JSON.parse(longNumber.test(text) ? quoteLongKeys(text) : text)

const quoteLongKeys = (text: string): string =>
  text.replace(longKey, (whole: string, field: string, digits: string) =>
    Number.isSafeInteger(Number(digits)) ? whole : `${field}"${digits}"`,
  )
