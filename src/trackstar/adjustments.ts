import { type Problem, problem } from '../errors.js'
import { InventoryItem } from '../records/inventory-item.js'
import { createRecordParser } from '../records/record.js'
import type { CallUpstream } from './call.js'
import { encode } from './query.js'
import type { PermitRequest } from './rate-limiter.js'
import type { UpstreamAnswer } from './transport.js'
import { invalidResponse, saidBy } from './upstream-errors.js'

/** What upstream takes: no field may be null or empty. */
export interface Adjustment {
  readonly quantity: number
  readonly adjustment_type: 'increase' | 'decrease'
  readonly warehouse_id?: string
  readonly location_id?: string
}

/** What upstream has done. */
export interface Adjusted {
  /** Upstream's own reply, as it came. */
  readonly body: unknown
  /** The item as it is now; undefined where the reply does not hold a sound one. */
  readonly item: InventoryItem | undefined
  /** Whether upstream had seen the idempotency key, and gave the first reply again. */
  readonly isReplay: boolean
}

/** `PUT /wms/inventory/{id}/adjust`. Written straight through to the warehouse system. */
export type Adjust = (
  id: string,
  adjustment: Adjustment,
  idempotencyKey: string,
  bid: PermitRequest,
) => Promise<Adjusted>

const route = '/wms/inventory/{inventory_id}/adjust'
const reader = createRecordParser(InventoryItem)

/** @param upstream for writes: with a budget of their own */
export function adjuster(upstream: CallUpstream): Adjust {
  return async (id, adjustment, idempotencyKey, bid) => {
    const request = {
      method: 'PUT',
      path: `/wms/inventory/${encode(id)}/adjust`,
      headers: { 'idempotency-key': idempotencyKey },
      body: adjustment,
    } as const
    const answer = await upstream({ route, cause: 'write', permitRequest: bid, request: () => request, refusal })
    if (answer === undefined || answer.status === 404) {
      throw problem('inventory_item_not_found', `Trackstar knows no inventory item with the id ${JSON.stringify(id)}`)
    }
    if (typeof answer.body !== 'object' || answer.body === null || Array.isArray(answer.body)) {
      throw invalidResponse(route, { path: '', message: 'must be object' })
    }
    const result = reader.parseRecord(answer.body)
    return {
      body: answer.body,
      item: 'record' in result ? result.record : undefined,
      isReplay: String(answer.headers['idempotent-replayed']).toLowerCase() === 'true',
    }
  }
}

/** The refusals that mean something else for a write than for a read; the others are as everywhere. */
function refusal(answer: UpstreamAnswer): Problem | undefined {
  const { error, origin } = saidBy(answer)
  const aboutKey = answer.status === 400 && /idempotency/i.test(error ?? '')
  if (answer.status === 409 || aboutKey) {
    return problem('idempotency_conflict', error ?? 'The idempotency key was used before', { origin })
  }
  if (answer.status === 403)
    return problem('forbidden', error ?? 'Trackstar does not allow this connection to write', { origin })
  return undefined
}
