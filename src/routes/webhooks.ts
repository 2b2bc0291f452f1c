import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { LRUCache } from 'lru-cache'
import { Webhook } from 'standardwebhooks'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Catalog } from '../catalog/catalog.js'
import { problem } from '../errors.js'
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

const Delivery = Compile(
  Type.Object(
    {
      connection_id: Type.String(),
      event_type: Type.String(),
      data: Type.Optional(Type.Unknown()),
      data_truncated: Type.Optional(Type.Boolean()),
    },
    { additionalProperties: true },
  ),
)

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
      schema: {
        operationId: 'receiveWebhook',
        tags: ['operation'],
        summary: 'What Trackstar announces',
        description:
          'For Trackstar alone, whose webhooks Svix delivers: signed with `TRACKSTAR_WEBHOOK_SECRET`. Changed products, items and warehouses are taken in at once where they are newer than what is held.',
        headers: Type.Object({
          'svix-id': Type.Optional(Type.String({ description: 'The delivery' })),
          'svix-timestamp': Type.Optional(Type.String({ description: 'When it was signed, epoch seconds' })),
          'svix-signature': Type.Optional(Type.String({ description: '`v1,…`, several separated by spaces' })),
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
  if (Delivery.Check(body)) return body
  throw problem('validation_failed', 'Expected connection_id, event_type and data', {
    errors: [{ field: 'event_type', message: 'expected a delivery of Trackstar' }],
  })
}
