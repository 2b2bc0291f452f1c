import type { Test } from 'tap'
import { createSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/sandbox.js'

/** An answer, read to its end; `body` is undefined where it is not JSON. */
export interface Reply {
  status: number
  headers: Headers
  text: string
  body: Record<string, unknown> | undefined
}

/** How to make one call: `fetch`'s own options, and JSON to send. */
export interface CallOptions extends RequestInit {
  json?: unknown
}

/** A listening sandbox that is closed with the test, and a way to call it with the right credentials. */
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

/** The ids of a list's records, in their order. */
export const idsOf = ({ body }: Pick<Reply, 'body'>): unknown[] =>
  Array.isArray(body?.['data']) ? body['data'].map((record: unknown) => Object(record).id) : []

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
