import { maxConnections } from './several-connections.js'

/** A variable of `npm run sandbox` or the demo. */
export interface SandboxVariable {
  readonly name: string
  /** The default as the documentation shows it. */
  readonly shownDefault: string
  /** What it does; the documentation is generated from this. */
  readonly meaning: string
  /** The whole numbers that it takes; without it, any text. */
  readonly range?: { readonly min: number; readonly max: number }
}

/** The highest of the numbers that have no bound of their own. */
const highest = 9_999_999

/** Every variable that the sandbox and the demo read besides those of the service, in the order of the documentation. */
export const sandboxVariables = {
  connections: {
    name: 'SANDBOX_CONNECTIONS',
    shownDefault: '`1`',
    meaning: `Number of connections, up to ${maxConnections}, each with a token, a rate and data of its own`,
    range: { min: 1, max: maxConnections },
  },
  products: {
    name: 'SANDBOX_PRODUCTS',
    shownDefault: '`1000`',
    meaning: 'Number of products of a connection, those below included',
    range: { min: 0, max: highest },
  },
  latencyMs: {
    name: 'SANDBOX_LATENCY_MS',
    shownDefault: '`0`',
    meaning: 'Delay of every response, in ms',
    range: { min: 0, max: highest },
  },
  movesPerSecond: {
    name: 'SANDBOX_MOVES_PER_SECOND',
    shownDefault: '`1` in the demo, else `0`',
    meaning: 'How often the stock of a connection changes. Every third change is `LIVE-JASMINE`',
    range: { min: 0, max: highest },
  },
  host: {
    name: 'SANDBOX_HOST',
    shownDefault: '`127.0.0.1`',
    meaning: '`npm run sandbox`: address to listen on; `0.0.0.0` in a container',
  },
  port: {
    name: 'SANDBOX_PORT',
    shownDefault: '`3001`',
    meaning: '`npm run sandbox`: port to listen on',
    range: { min: 0, max: 65_535 },
  },
  webhookUrl: {
    name: 'SANDBOX_WEBHOOK_URL',
    shownDefault: 'unset',
    meaning: '`npm run sandbox`: where webhooks are sent',
  },
  webhookSecret: {
    name: 'SANDBOX_WEBHOOK_SECRET',
    shownDefault: 'a public one',
    meaning: '`npm run sandbox`: the secret that signs webhooks',
  },
} as const satisfies Record<string, SandboxVariable>
