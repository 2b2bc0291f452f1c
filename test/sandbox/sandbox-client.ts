import type { Test } from 'tap'
import { createSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.js'

/** A response with its body; `body` is undefined if it is not JSON. */
export interface Reply {
  status: number
  headers: Headers
  text: string
  body: Record<string, unknown> | undefined
}

/** The options of `fetch`, and a JSON body. */
export interface CallOptions extends RequestInit {
  json?: unknown
}

/** Starts a sandbox and closes it when the test ends. `call` sends the right credentials by default. */
export async function startSandbox(t: Test, options: SandboxOptions = {}) {
  const sandbox: Sandbox = createSandbox({ products: 60, readRate: 0, ...options })
  const base = await sandbox.listen()
  t.teardown(() => sandbox.close())
  const call = async (path: string, { json, headers, ...init }: CallOptions = {}): Promise<Reply> => {
    const credentials = {
      'x-trackstar-api-key': sandbox.credentials.apiKey,
      'x-trackstar-access-token': sandbox.credentials.accessToken,
    }
    const given = new Headers({ ...credentials, ...Object.fromEntries(new Headers(headers)) })
    const response = await fetch(base + path, {
      ...init,
      headers: given,
      ...(json ? { body: JSON.stringify(json) } : {}),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, body: parse(text) }
  }
  return { sandbox, base, call }
}

/** The ids of the records in a list, in order. */
export const idsOf = ({ body }: Pick<Reply, 'body'>): unknown[] =>
  Array.isArray(body?.['data']) ? body['data'].map((record: unknown) => Object(record).id) : []

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
