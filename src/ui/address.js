/** What the page shows is in the part of its address behind `#`, so that it can be linked to and "back" works. */

/** @typedef {{view: string, options: URLSearchParams}} Place */

/** @returns {Place} */
export function currentPlace() {
  const [view = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?')
  return { view, options: new URLSearchParams(query) }
}

/**
 * The address of a view.
 * @param {string} view
 * @param {Record<string, string | number | null | undefined>} [options]
 */
export function linkTo(view, options = {}) {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(options)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, String(value))
  }
  return `#/${view}${query.size > 0 ? `?${query}` : ''}`
}
