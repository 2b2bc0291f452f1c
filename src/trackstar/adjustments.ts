import { type Problem, problem } from '../errors.js'
import type { InventoryItem } from '../records/inventory-item.js'
import { parseRecord } from '../records/record.js'
import type { CallUpstream } from './call.js'
import { encode } from './query.js'
import type { PermitRequest } from './rate-limiter.js'
import type { UpstreamAnswer } from './transport.js'
import { errorOf } from './upstream-errors.js'

/** The body of an adjustment. Upstream accepts no null or empty fields. */
export interface Adjustment {
  readonly quantity: number
  readonly adjustment_type: 'increase' | 'decrease'
  readonly warehouse_id?: string
  readonly location_id?: string
}

/** The result of an adjustment. */
export interface Adjusted {
  /** Upstream's response body, unchanged. If that cannot be used, only the id: a 2xx means that the adjustment was made. */
  readonly body: object
  /** The item after the adjustment; undefined if the response has no valid one. */
  readonly item: InventoryItem | undefined
  /** Whether upstream had seen the idempotency key before and repeated its first response. */
  readonly isReplay: boolean
}

/**
 * `PUT /wms/inventory/{id}/adjust`, which writes straight through to the warehouse system. Throws
 * `inventory_item_not_found`, `idempotency_conflict`, `forbidden`, or any problem of a read.
 */
export type Adjust = (
  id: string,
  adjustment: Adjustment,
  idempotencyKey: string,
  permitRequest: PermitRequest,
) => Promise<Adjusted>

const route = '/wms/inventory/{inventory_id}/adjust'

/** @param callUpstream for writes, with a rate limiter of its own */
export function createAdjust(callUpstream: CallUpstream): Adjust {
  return async (id, adjustment, idempotencyKey, permitRequest) => {
    const request = {
      method: 'PUT',
      path: `/wms/inventory/${encode(id)}/adjust`,
      headers: { 'idempotency-key': idempotencyKey },
      body: adjustment,
    } as const
    const answer = await callUpstream({ route, cause: 'write', permitRequest, request, toProblem, takesAnyBody: true })
    if (answer.status === 404) {
      throw problem('inventory_item_not_found', `Trackstar has no inventory item with the id ${JSON.stringify(id)}`)
    }
    const isObject = typeof answer.body === 'object' && answer.body !== null && !Array.isArray(answer.body)
    const body: object = isObject && answer.body ? answer.body : { id }
    const result = parseRecord<InventoryItem>(body)
    return {
      body,
      item: 'record' in result ? result.record : undefined,
      isReplay: String(answer.headers['idempotent-replayed']).toLowerCase() === 'true',
    }
  }
}

/** The error responses that mean something else for a write than for a read. */
function toProblem(answer: UpstreamAnswer): Problem | undefined {
  const { error, origin } = errorOf(answer)
  const isAboutKey = answer.status === 400 && /idempotency/i.test(error ?? '')
  if (answer.status === 409 || isAboutKey) {
    return problem('idempotency_conflict', error ?? 'The idempotency key was used before', { origin })
  }
  if (answer.status === 403) {
    return problem('forbidden', error ?? 'Trackstar does not allow this connection to write', { origin })
  }
  return undefined
}
