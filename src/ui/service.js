/**
 * The requests of the page. The key is kept in `sessionStorage`, which ends with the tab, and sent as a header: never in an
 * address.
 */

/** @typedef {import('../../openapi/trackstar-bff.js').components['schemas']} Schemas */
/** @typedef {Partial<Schemas['Problem']> & {title: string, detail: string}} Problem */

/** The root of the service, below whatever prefix the page was loaded from. */
const root = new URL('..', import.meta.url)
const keyName = 'trackstar-bff-key'

export const readKey = () => sessionStorage.getItem(keyName)

/** @param {string | null} key null: forgets the key */
export function writeKey(key) {
  if (key === null) sessionStorage.removeItem(keyName)
  else sessionStorage.setItem(keyName, key)
}

/**
 * The address of a route.
 * @param {string} path relative to the root of the service
 * @param {Record<string, string | number | null | undefined | readonly string[]>} [query] without the parameters that are
 * undefined, null or empty
 */
export function addressOf(path, query = {}) {
  const url = new URL(path, root)
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === '') continue
    for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one))
  }
  return url
}

/** An answer that is an error, or none. */
export class ServiceError extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.title)
    this.problem = problem
  }
}

/** The key as a header, if there is one. @returns {Record<string, string>} */
const keyHeader = () => {
  const key = readKey()
  return key === null ? {} : { 'x-api-key': key }
}

/**
 * The status that a GET of an address would have, by a HEAD.
 * @param {URL} url
 */
export const statusOf = async (url) => (await fetch(url, { method: 'HEAD', headers: keyHeader() })).status

/**
 * Sends a request and returns its JSON.
 * @param {URL} url
 * @param {RequestInit} [init]
 * @returns {Promise<any>}
 * @throws {ServiceError} with the problem of the service, or one that says that the service did not answer
 */
export async function send(url, init = {}) {
  let response
  try {
    response = await fetch(url, { ...init, headers: { accept: 'application/json', ...keyHeader() } })
  } catch {
    throw new ServiceError({
      title: 'The service does not answer',
      detail: 'Check the network. The page tries again.',
      retry_after: 5,
    })
  }
  const body = await response.json().catch(() => null)
  if (response.ok) return body
  const title = `The service answered with status ${response.status}`
  throw new ServiceError(typeof body?.title === 'string' ? body : { title, detail: 'Try again.' })
}
