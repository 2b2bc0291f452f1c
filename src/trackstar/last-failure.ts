import { isProblem } from '../errors.js'
import type { TrackstarClient } from './client.js'
import type { Clock } from './clock.js'

/** A failure, in words for operators. It holds no secret and nothing that Trackstar sent. */
export interface ConnectionFailure {
  readonly code: string
  readonly detail: string
  /** Epoch ms. */
  readonly at: number
}

/** What to do when Trackstar rejects the credentials. */
export const checkCredentials =
  'Trackstar rejects the credentials of this service: check TRACKSTAR_API_KEY and the access token of the connection'

/** Remembers the latest failure that says something of the connection. */
export class LastFailure {
  #value: ConnectionFailure | null = null

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  /** Null if there was none. */
  get value(): ConnectionFailure | null {
    return this.#value
  }

  /**
   * Notes a failure, unless it says nothing of the connection, such as a request that Trackstar rejects (4xx, 501), or a call
   * that was not made (a problem without a cause).
   */
  readonly note = (error: unknown): void => {
    const at = this.clock.now()
    if (!isProblem(error)) {
      this.#value = { code: 'internal_error', detail: error instanceof Error ? error.message : '', at }
      return
    }
    const { problem: code, statusCode, cause, message } = error
    if (statusCode < 500 || statusCode === 501 || cause === undefined) return
    // The message of this problem is for callers.
    this.#value = { code, detail: code === 'upstream_auth_failed' ? checkCredentials : message, at }
  }

  /** Notes the failure of a call, and returns the call. */
  readonly watch = <T>(call: Promise<T>): Promise<T> => {
    call.catch(this.note)
    return call
  }

  /** The same client, whose failures are noted. */
  watchReads(client: TrackstarClient): TrackstarClient {
    const { watch } = this
    return {
      list: (resource, filters, options) => watch(client.list(resource, filters, options)),
      warehouses: (options) => watch(client.warehouses(options)),
      productsBySku: (skus, options) => watch(client.productsBySku(skus, options)),
      recordsByIds: (resource, ids, options) => watch(client.recordsByIds(resource, ids, options)),
      connection: (id, options) => watch(client.connection(id, options)),
    }
  }
}
