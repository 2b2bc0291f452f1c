import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { ref } from '../schema.js'
import { madeHereResponses } from './schemas.js'

/** What lets a browser read events without a key. */
export const EventTicket = Type.Object(
  {
    ticket: Type.String({ description: 'Goes into `GET /stock/events?ticket=`; good once' }),
    expires_at: Type.String({
      format: 'date-time',
      description: 'Until when it is good, ISO 8601 UTC: a minute from now',
    }),
  },
  { $id: 'EventTicket', description: 'Stands in for a key, once', additionalProperties: false },
)

export interface EventTicketsOptions {
  readonly issue: (caller: NonNullable<FastifyRequest['caller']>) => Static<typeof EventTicket>
}

/** `POST /stock/events/tickets`: for a browser's `EventSource`, which cannot send a key. */
export const eventTicketsRoute: FastifyPluginAsyncTypebox<EventTicketsOptions> = async (app, { issue }) => {
  // There is nothing to say, but clients that always send JSON name it as the type of nothing.
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null)
    else void parse(request, body, done)
  })
  app.post(
    '/stock/events/tickets',
    {
      config: { gives: 'json' },
      schema: {
        operationId: 'createEventTicket',
        tags: ['stock'],
        summary: 'A ticket to read events in a browser',
        description:
          "A browser's `EventSource` can send no key, and a key in an address would stay in histories and logs. A ticket goes there instead. It is good once, within a minute, and for nothing but `GET /stock/events`.",
        response: madeHereResponses({
          description: 'The ticket',
          schema: ref('EventTicket'),
        }),
      },
    },
    async (request, reply) => {
      const { caller } = request
      if (caller === null) throw new Error('a caller without a key came through')
      return reply.header('cache-control', 'no-store').send(issue(caller))
    },
  )
}
