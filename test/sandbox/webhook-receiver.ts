import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'

/** A webhook that arrived. */
export interface ReceivedWebhook {
  readonly id: string
  readonly timestamp: string
  readonly signature: string
  readonly contentType: string | undefined
  readonly raw: string
  readonly body: {
    connection_id?: string
    integration_name?: string
    event_type?: string
    data: Record<string, unknown>
    data_truncated?: boolean
    previous_attributes?: Record<string, unknown>
  }
}

/** Starts a server that accepts webhooks until the test ends. Tests may replace `answer`. */
export async function startReceiver(t: Test) {
  const received: ReceivedWebhook[] = []
  const receiver = {
    received,
    url: '',
    answer: (response: ServerResponse, _nth: number) => void response.end(),
    /** The received events, as `<event> <id>`. */
    events: () => received.map(({ body }) => `${body.event_type} ${String(body.data['id'])}`),
  }
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const { headers } = request
    const raw = await text(request)
    received.push({
      id: String(headers['svix-id']),
      timestamp: String(headers['svix-timestamp']),
      signature: String(headers['svix-signature']),
      contentType: headers['content-type'],
      raw,
      body: JSON.parse(raw),
    })
    receiver.answer(response, received.length)
  }
  const server = createServer((request, response) => void take(request, response).catch(() => response.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  receiver.url = `http://127.0.0.1:${Object(server.address()).port}/webhooks`
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return receiver
}

/** Waits until `condition` holds; fails after 5 s. */
export async function eventually(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 5000; !condition(); await new Promise(setImmediate)) {
    if (Date.now() > end) throw new Error('the condition did not hold within 5 s')
  }
}
