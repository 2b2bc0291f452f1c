import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { LRUCache } from 'lru-cache'
import { Webhook } from 'standardwebhooks'
import { type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { problem } from '../errors.js'
import type { Catalog } from '../services/catalog.js'
import { webhookResponses } from './schemas.js'

export interface WebhookRouteOptions {
  readonly catalog: Pick<Catalog, 'receive'>
  /** `whsec_…`, several while one is being replaced. */
  readonly secrets: readonly string[]
  readonly connectionId: string
}

const maxBodyBytes = 1024 * 1024
/** Deliveries that are remembered: the sender repeats one for a day or so at most. */
const maxSeen = 20_000

/** What Trackstar posts, as far as this service looks at it. */
const Delivery = Type.Object(
  {
    connection_id: Type.String({ description: 'The connection; any other than `TRACKSTAR_CONNECTION_ID` is ignored' }),
    event_type: Type.String({
      description:
        '`inventory`, `product` or `warehouse` with `.created` or `.updated`, or what concerns the connection; others are ignored',
    }),
    data: Type.Optional(Type.Unknown({ description: 'The record as it is now' })),
    data_truncated: Type.Optional(
      Type.Boolean({
        description: '`data` was too large and is cut down to the id: the record is read from Trackstar',
      }),
    ),
  },
  {
    title: 'WebhookDelivery',
    description: 'What Trackstar posts, as far as this service looks at it',
    additionalProperties: true,
    examples: [
      {
        connection_id: 'conn_sandbox',
        event_type: 'inventory.updated',
        data: {
          id: 'inv_cup',
          sku: 'CUP',
          onhand: 41,
          committed: 4,
          unfulfillable: 0,
          fulfillable: 37,
          trackstar_updated_date: '2026-11-23T10:00:00Z',
        },
      },
    ],
  },
)
const isDelivery = Compile(Delivery)

/**
 * `POST /webhooks/trackstar`, delivered by Svix: its scheme is that of Standard Webhooks under other header names. What
 * was seen before, or is of another connection, is answered like any other and changes nothing: the sender would
 * repeat a refusal, and in the end give the address up.
 */
export const webhookRoute: FastifyPluginAsyncTypebox<WebhookRouteOptions> = async (app, options) => {
  const { catalog, secrets, connectionId } = options
  const verifiers = secrets.map((secret) => new Webhook(secret))
  const seen = new LRUCache<string, true>({ max: maxSeen })

  // The signature is over the bytes as they came.
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit: maxBodyBytes }, (_request, body, done) =>
    done(null, body),
  )

  /** Whether any secret in use made the signature, in constant time; too old or too new is not signed either. */
  function isSigned(raw: Buffer, headers: IncomingHttpHeaders): boolean {
    const signed = {
      'webhook-id': one(headers['svix-id']),
      'webhook-timestamp': one(headers['svix-timestamp']),
      'webhook-signature': one(headers['svix-signature']),
    }
    return verifiers.some((verifier) => {
      try {
        verifier.verify(raw, signed, { jsonParse: false })
        return true
      } catch {
        return false
      }
    })
  }

  app.post(
    '/webhooks/trackstar',
    {
      bodyLimit: maxBodyBytes,
      config: { documentedBody: Delivery, access: 'signature' },
      schema: {
        operationId: 'receiveWebhook',
        tags: ['operation'],
        summary: 'What Trackstar announces',
        description:
          'For Trackstar alone: give it this address for its webhooks, and this service the secret that it shows for it, as `TRACKSTAR_WEBHOOK_SECRET`. Without that the route is not there. A changed product, item or warehouse is taken in at once if it is newer than what is held, so that the next stock shows it and `/stock/events` tells it; a sync that has ended, or an error of the connection, shows in `source` and at `/status`. Deliveries come by Svix: the signature is over the body as it came, and no older than five minutes. What was seen before or belongs to another connection is answered like any other and changes nothing, because Svix repeats what is refused.',
        headers: Type.Object({
          'svix-id': Type.Optional(
            Type.String({
              description: 'The delivery; the same when it is repeated',
              examples: ['msg_2KWPBgLlAfxdpx2AI54pPJ85f4W'],
            }),
          ),
          'svix-timestamp': Type.Optional(
            Type.String({ description: 'When it was signed, epoch seconds', examples: ['1795428000'] }),
          ),
          'svix-signature': Type.Optional(
            Type.String({
              description: '`v1,` and the HMAC-SHA256 of id, timestamp and body in base64; several separated by spaces',
              examples: ['v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4='],
            }),
          ),
        }),
        response: webhookResponses,
      },
    },
    async (request, reply) => {
      const raw = request.body
      if (!Buffer.isBuffer(raw) || !isSigned(raw, request.headers)) {
        throw problem('unauthorized', 'Expected a delivery signed with a secret of this connection within five minutes')
      }
      const delivery = parse(raw)
      const id = one(request.headers['svix-id'])
      if (delivery.connection_id === connectionId && !seen.has(id)) {
        if (catalog.receive(delivery) === 'malformed') {
          const errors = [{ field: 'data', message: 'expected a whole record' }]
          throw problem('validation_failed', `Expected ${delivery.event_type} to bring a whole record`, { errors })
        }
        seen.set(id, true)
      }
      return reply.code(204).header('cache-control', 'no-store').send()
    },
  )
}

const one = (header: string | string[] | undefined) => (typeof header === 'string' ? header : '')

function parse(raw: Buffer) {
  let body: unknown
  try {
    body = JSON.parse(raw.toString('utf8'))
  } catch (cause) {
    throw problem('validation_failed', 'Expected a body of JSON', { cause })
  }
  if (isDelivery.Check(body)) return body
  throw problem('validation_failed', 'Expected connection_id, event_type and data', {
    errors: [{ field: 'event_type', message: 'expected a delivery of Trackstar' }],
  })
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the documentation shows as the body, where the route itself looks at the bytes. */
    documentedBody?: TSchema
  }
}
