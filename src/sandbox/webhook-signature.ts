import { createHmac } from 'node:crypto'

const prefix = 'whsec_'

/** The headers that Svix sends with a webhook. */
export interface WebhookHeaders extends Record<string, string> {
  'svix-id': string
  'svix-timestamp': string
  'svix-signature': string
}

/** The secret a sandbox signs with unless told otherwise. It guards nothing. */
export const sandboxWebhookSecret = `${prefix}${Buffer.from('signed in the sandbox only').toString('base64')}`

/**
 * Signs a webhook as Svix does: HMAC-SHA256 over `<id>.<timestamp>.<raw body>`, keyed with the base64 part of a
 * `whsec_…` secret. Of several secrets, as while they are being changed, each gives a signature. Throws where a secret
 * holds no key.
 */
export function signWebhook(
  secrets: string | readonly string[],
  id: string,
  timestampSeconds: number,
  rawBody: string | Buffer,
): WebhookHeaders {
  const signatures = [secrets].flat().map((secret) => {
    const hmac = createHmac('sha256', keyOf(secret)).update(`${id}.${timestampSeconds}.`).update(rawBody)
    return `v1,${hmac.digest('base64')}`
  })
  return { 'svix-id': id, 'svix-timestamp': String(timestampSeconds), 'svix-signature': signatures.join(' ') }
}

function keyOf(secret: string): Buffer {
  const key = Buffer.from(secret.startsWith(prefix) ? secret.slice(prefix.length) : '', 'base64')
  if (key.length === 0) throw new Error(`expected a webhook secret that is ${prefix} and a key in base64`)
  return key
}
