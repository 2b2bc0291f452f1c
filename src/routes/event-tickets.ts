import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { problem } from '../errors.js'
import { ref } from '../schema.js'
import { connectionOrGroupField } from './chosen-connection.js'
import { localResponses } from './schemas.js'

/** Lets a browser open an event stream without a key. */
export const EventTicket = Type.Object(
  {
    ticket: Type.String({ description: 'For `GET /stock/events?ticket=`; works once' }),
    expires_at: Type.String({ format: 'date-time', description: 'When it expires, ISO 8601 UTC: in one minute' }),
  },
  { $id: 'EventTicket', description: 'Replaces a key once', additionalProperties: false },
)

export interface EventTicketsOptions {
  readonly issue: (
    caller: NonNullable<FastifyRequest['caller']>,
  ) => Static<typeof EventTicket> | Promise<Static<typeof EventTicket>>
}

/** `POST /stock/events/tickets`: for a browser's `EventSource`, which cannot send a key. */
export const eventTicketsRoute: FastifyPluginAsyncTypebox<EventTicketsOptions> = async (app, { issue }) => {
  // The request needs no body. Some clients send the content type of an empty one: `curl -d ''` that of a form.
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null)
    else void parse(request, body, done)
  })
  app.addContentTypeParser<string>('*', { parseAs: 'string' }, (_request, body, done) => {
    done(body === '' ? null : Object.assign(new Error('Unsupported Media Type'), { statusCode: 415 }))
  })
  app.post(
    '/stock/events/tickets',
    {
      config: { produces: 'json', connectionIn: 'query', servesGroups: true, connectionIsOptional: true },
      schema: {
        operationId: 'createEventTicket',
        tags: ['stock'],
        summary: 'Create an event ticket',
        description:
          'Returns a ticket that replaces the key in `GET /stock/events?ticket=`. Use it in browsers: their `EventSource` cannot send a key, and a key in a URL would end up in histories and logs. The ticket works once, within a minute, and for no other route. It is for the connections and groups of the key or, if the request names one, for that one.',
        querystring: Type.Object(connectionOrGroupField, { additionalProperties: false }),
        response: localResponses({ description: 'The ticket', schema: ref('EventTicket') }, 'connection_not_found'),
      },
    },
    async (request, reply) => {
      const { body, caller, connection } = request
      refuseFields(body)
      if (caller === null) throw new Error('expected an authenticated caller, but got none')
      return reply
        .header('cache-control', 'no-store')
        .send(await issue(connection ? { ...caller, connections: [connection.name] } : caller))
    },
  )
}

const maxShown = 20

/** Ignored, an option in the body would give a ticket for more than was asked for. */
function refuseFields(body: unknown): void {
  if (body === undefined || body === null) return
  const isObject = typeof body === 'object' && !Array.isArray(body)
  const fields = isObject ? Object.keys(body).slice(0, maxShown) : ['']
  if (fields.length === 0) return
  const message = 'is not recognized; name the connection in the query'
  const detail = fields.map((field) => `the field ${field || 'body'} ${message}`).join('; ')
  const errors = fields.map((field) => ({ field, message }))
  throw problem('validation_failed', detail.replace(/^t/, 'T'), { errors })
}
