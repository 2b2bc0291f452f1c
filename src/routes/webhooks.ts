import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Ajv } from 'ajv'
import { Webhook } from 'standardwebhooks'
import { type Static, type TSchema, Type } from 'typebox'
import type { Connection } from '../connection.js'
import { problem } from '../errors.js'
import type { UnassignedOutcome } from '../http/metrics.js'
import type { SeenIds } from '../http/seen-ids.js'
import { keyOf } from '../records/fields.js'
import { parseExactKeys } from '../records/long-numbers.js'
import { nullish } from '../schema.js'
import { webhookResponses } from './schemas.js'

export interface WebhookRouteOptions {
  /** The connection with an id at Trackstar. */
  readonly findById: (connectionId: string) => Pick<Connection, 'catalog' | 'countDelivery'> | undefined
  /** `whsec_…`; several while one is being replaced. */
  readonly secrets: readonly string[]
  /** The ids of the deliveries that were applied. */
  readonly seenIds: SeenIds
  /** Counts deliveries that belong to no connection. */
  readonly unassignedDelivery: (outcome: UnassignedOutcome) => void
}

const maxBodyBytes = 1024 * 1024

/** The quantities in the example of a delivery. */
const cupsLeft = {
  onhand: 41,
  committed: 4,
  unfulfillable: 0,
  fulfillable: 37,
  sellable: 37,
  awaiting: 0,
  unsellable: 0,
}

/** The body of a delivery, with the fields that this service uses. */
const Delivery = Type.Object(
  {
    connection_id: Type.Optional(
      Type.Unsafe<string | number | null>({
        type: ['string', 'number', 'null'],
        description:
          'The connection; deliveries of a connection that the service does not have, or of none, are ignored',
      }),
    ),
    event_type: Type.String({
      description:
        '`inventory`, `product` or `warehouse` with `.created` or `.updated`, or an event about the connection; others are ignored',
    }),
    data: Type.Optional(
      Type.Unknown({
        description: 'The current record; if it lacks fields, this service reads the record from Trackstar',
      }),
    ),
    data_truncated: nullish(
      Type.Boolean({
        description: '`data` was too large and contains only the id; this service reads the record from Trackstar',
      }),
    ),
    data_url: nullish(
      Type.String({
        description:
          'Where Trackstar has `data` that was too large; not called, because this service reads the record by its id',
      }),
    ),
  },
  {
    title: 'WebhookDelivery',
    description: 'A webhook delivery from Trackstar, with the fields that this service uses',
    additionalProperties: true,
    examples: [
      {
        connection_id: 'conn_sandbox',
        event_type: 'inventory.updated',
        data: {
          id: 'inv_cup',
          warehouse_customer_id: 'cust_aurora',
          name: 'Cup, porcelain',
          sku: 'CUP',
          external_system_url: null,
          trackstar_tags: [],
          additional_fields: {},
          unit_cost: null,
          measurements: { length: 20, width: 15, height: 10, unit: 'cm', weight: 250, weight_unit: 'g' },
          active: true,
          ...cupsLeft,
          substitute_skus: [],
          inventory_by_warehouse_id: { wh_oslo: cupsLeft },
          lots: [],
          locations: [],
          created_date: '2025-02-10T07:30:00Z',
          updated_date: '2026-11-23T09:59:00Z',
          trackstar_created_date: '2025-02-11T01:00:00Z',
          trackstar_updated_date: '2026-11-23T10:00:00Z',
        },
      },
    ],
  },
)
const isDelivery = new Ajv({ strict: false }).compile<Static<typeof Delivery>>(Delivery)

/**
 * `POST /webhooks/trackstar`, delivered by Svix, which uses the Standard Webhooks scheme with its own header names;
 * the names of the standard are accepted as well.
 * Deliveries that were applied before, or belong to another connection, get the same 204 and change nothing: Svix retries
 * rejected deliveries, and disables an endpoint that keeps rejecting them.
 */
export const webhookRoute: FastifyPluginAsyncTypebox<WebhookRouteOptions> = async (app, options) => {
  const { findById, secrets, seenIds, unassignedDelivery } = options
  const verifiers = secrets.map((secret) => new Webhook(secret))

  // The signature covers the bytes of the body as received.
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit: maxBodyBytes }, (_request, body, done) =>
    done(null, body),
  )

  /** Whether one of the secrets made the signature, at most five minutes ago or ahead; compares in constant time. */
  function isSigned(raw: Buffer, signed: SignatureHeaders): boolean {
    return verifiers.some((verifier) => {
      try {
        verifier.verify(raw, signed, { jsonParse: false })
        return true
      } catch {
        return false
      }
    })
  }

  /** Applies a delivery and counts it. Returns false if it lacks the record that its event type promises. */
  async function receive(delivery: Static<typeof Delivery>, id: string): Promise<boolean> {
    const connectionId = keyOf(delivery.connection_id)
    const connection = connectionId === null ? undefined : findById(connectionId)
    if (connection === undefined) {
      unassignedDelivery('other_connection')
      return true
    }
    const outcome = (await seenIds.has(id)) ? 'duplicate' : connection.catalog.receive(delivery)
    connection.countDelivery(outcome)
    if (outcome === 'malformed') return false
    seenIds.add(id)
    return true
  }

  app.post(
    '/webhooks/trackstar',
    {
      bodyLimit: maxBodyBytes,
      // Trackstar may send thousands of deliveries a minute; a metric counts them.
      config: { documentedBody: Delivery, access: 'signature', successLogLevel: 'debug' },
      schema: {
        operationId: 'receiveWebhook',
        tags: ['operation'],
        summary: 'Receive a webhook',
        description:
          'Receives webhooks from Trackstar. Register this URL with Trackstar and set `TRACKSTAR_WEBHOOK_SECRET` to the secret that it shows; without a secret the route does not exist. A changed product, item or warehouse replaces the cached one if it is newer, so that the next stock request and `/stock/events` show it. A finished sync, an error of the connection or a schedule that is stuck appears in `source` and in `/status`. Svix sends the deliveries: the signature covers the unmodified body and is valid for five minutes. Its headers have the names of Svix, or those of Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`). Deliveries that were received before, or belong to another connection, get 204 and change nothing, because Svix retries rejected deliveries.',
        headers: Type.Object({ ...signatureParameters('svix'), ...signatureParameters('webhook') }),
        response: webhookResponses,
      },
    },
    async (request, reply) => {
      const raw = request.body
      const signed = Buffer.isBuffer(raw)
        ? signatureHeaders(request.headers).find((headers) => isSigned(raw, headers))
        : undefined
      if (!Buffer.isBuffer(raw) || signed === undefined) {
        unassignedDelivery('unsigned')
        throw problem(
          'unauthorized',
          'Expected a delivery that was signed with the webhook secret less than five minutes ago',
        )
      }
      const delivery = parse(raw)
      if (delivery === undefined) {
        unassignedDelivery('malformed')
        throw problem(
          'validation_failed',
          'Expected a JSON body with event_type and, if it is of a connection, connection_id and data',
          {
            errors: [{ field: 'event_type', message: 'expected a Trackstar webhook delivery' }],
          },
        )
      }
      if (!(await receive(delivery, signed['webhook-id']))) {
        const errors = [{ field: 'data', message: 'expected a whole record' }]
        throw problem('validation_failed', `Expected ${delivery.event_type} to contain a whole record`, { errors })
      }
      return reply.code(204).header('cache-control', 'no-store').send()
    },
  )
}

/** The parameters of a signature in the contract document. Optional: which of the two sets is sent is free. */
const signatureParameters = (prefix: 'svix' | 'webhook') => ({
  [`${prefix}-id`]: Type.Optional(
    Type.String({
      description: 'Id of the delivery; the same for each retry',
      examples: ['msg_2KWPBgLlAfxdpx2AI54pPJ85f4W'],
    }),
  ),
  [`${prefix}-timestamp`]: Type.Optional(
    Type.String({ description: 'When it was signed, epoch seconds', examples: ['1795428000'] }),
  ),
  [`${prefix}-signature`]: Type.Optional(
    Type.String({
      description: '`v1,` and the base64 HMAC-SHA256 of id, timestamp and body; several are separated by spaces',
      examples: ['v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4='],
    }),
  ),
})

/** The headers of a signature, by the names of Standard Webhooks. */
interface SignatureHeaders extends Record<string, string> {
  readonly 'webhook-id': string
  readonly 'webhook-timestamp': string
  readonly 'webhook-signature': string
}

/** The complete sets of signature headers, by Svix's names and by those of Standard Webhooks. Never mixes the two. */
function signatureHeaders(headers: IncomingHttpHeaders): SignatureHeaders[] {
  return ['svix', 'webhook'].flatMap((prefix) => {
    const [id, timestamp, signature] = ['id', 'timestamp', 'signature'].map((name) => headers[`${prefix}-${name}`])
    if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') return []
    if (id === '' || timestamp === '' || signature === '') return []
    return [{ 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature }]
  })
}

/** The delivery; undefined if the body is none. */
function parse(raw: Buffer): Static<typeof Delivery> | undefined {
  try {
    const body = parseExactKeys(raw.toString('utf8'))
    return isDelivery(body) ? body : undefined
  } catch {
    return undefined
  }
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The schema of the body in the API document, for a route that parses the bytes itself. */
    documentedBody?: TSchema
  }
}
