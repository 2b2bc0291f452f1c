import { isIP } from 'node:net'
import type { FastifyInstance } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { problem } from '../errors.js'

export interface HostCheckOptions {
  /** Names by which the service is called besides those of the loopback interface, without ports. */
  readonly names: readonly string[]
}

/**
 * For a service without authentication: rejects requests whose `Host` is a name that is not its own. Otherwise any page
 * could make its own host name resolve to this machine and then read and write as a page of the same origin (DNS
 * rebinding). An address cannot be rebound, so all addresses are accepted, and so is an empty `Host`, which no browser
 * sends. A target in absolute form has a host as well (RFC 9112, 3.2.2); neither may be foreign. `/livez` and `/readyz`
 * are answered by any name.
 */
export default fastifyPlugin<HostCheckOptions>(
  async (app: FastifyInstance, { names }) => {
    const own = new Set(names.map(withoutFinalDot))
    app.addHook('onRequest', (request, _reply, done) => {
      const isOwn = (name: string) => name === '' || isIP(name) !== 0 || isLoopbackName(name) || own.has(name)
      const foreign = [request.raw.headers.host, hostOfTarget(request.originalUrl)]
        .map((host = '') => hostName(host))
        .find((name) => !isOwn(name))
      const isProbe = ['/livez', '/readyz'].includes(request.routeOptions.url ?? '')
      done(foreign === undefined || isProbe ? undefined : misdirected(foreign))
    })
  },
  { name: 'host-check' },
)

const misdirected = (name: string) =>
  problem(
    'misdirected_request',
    `Without API keys, this service is not available as ${JSON.stringify(name.slice(0, 255))}: call it by its address, or set PUBLIC_URL`,
  )

/** The host of a target in absolute form, without user information. */
const hostOfTarget = (target: string) => /^https?:\/\/(?:[^/?#]*@)?([^/?#]*)/i.exec(target)?.[1]

/** The name or address in a `Host` header, without the port and the brackets of IPv6. */
const hostName = (host: string) => withoutFinalDot(/^\[([^\]]*)\]|^([^:]*)/.exec(host)?.slice(1).join('') ?? '')

const withoutFinalDot = (name: string) => name.toLowerCase().replace(/\.$/, '')

/** RFC 6761, 6.3: resolvers answer these names with the loopback address. */
const isLoopbackName = (name: string) => name === 'localhost' || name.endsWith('.localhost')
