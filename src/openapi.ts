import { MockAgent } from 'undici'
import { buildApp } from './app.js'
import { readConfig } from './config/config.js'

/** The contract document, made from the routes; asks nobody and listens nowhere. */
export async function openapiDocument(): Promise<object> {
  const config = readConfig({
    TRACKSTAR_API_KEY: 'none',
    TRACKSTAR_ACCESS_TOKEN: 'none',
    AUTH_MODE: 'none',
    LOG_LEVEL: 'silent',
    // Nothing is to be loaded, and the route for webhooks is to be there.
    CATALOG_MODE: 'on-demand',
    TRACKSTAR_CONNECTION_ID: 'none',
    TRACKSTAR_WEBHOOK_SECRET: 'whsec_AAAA',
  })
  const app = await buildApp(config, { dispatcher: new MockAgent() })
  await app.ready()
  const document = app.swagger()
  await app.close()
  return document
}
