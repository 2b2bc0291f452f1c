import type { FastifyBaseLogger } from 'fastify'
import { ConfigError } from './config/config-error.js'
import type { ConnectionsFile } from './config/connections-file.js'
import type { ConnectionChanges } from './connection-registry.js'

/** How often the file is looked at, in ms. A mounted Secret is swapped as a link, which file watchers miss. */
const pollMs = 5000

export interface ConnectionsReloadOptions {
  /** @throws {ConfigError} for a file that cannot be used */
  readonly read: () => ConnectionsFile
  readonly apply: (file: ConnectionsFile) => ConnectionChanges
  /** The content that is in use. */
  readonly current: ConnectionsFile
  readonly log: Pick<FastifyBaseLogger, 'info' | 'error'>
  /** Runs `work` every `ms`, and returns what ends that. Default: a timer that does not keep the process alive. */
  readonly every?: (ms: number, work: () => void) => () => void
}

/**
 * Reads `CONNECTIONS_FILE`, and the files of tokens that it names, again when it is told to and every 5 s, and applies what
 * has changed. A file that cannot be used changes nothing.
 */
export class ConnectionsReload {
  #applied: string
  #error: string | undefined
  #stop = () => {}

  constructor(private readonly options: ConnectionsReloadOptions) {
    this.#applied = contentOf(options.current)
  }

  /** Why the file cannot be used, without any token; undefined if it is in use. */
  get error(): string | undefined {
    return this.#error
  }

  start(): void {
    const { every = onTimer } = this.options
    this.#stop = every(pollMs, () => this.reload())
  }

  stop(): void {
    this.#stop()
  }

  /** Reads the file now. Logs what has changed, and an error when it is a new one. */
  reload(): void {
    const { log } = this.options
    try {
      const file = this.options.read()
      const content = contentOf(file)
      if (content !== this.#applied) {
        log.info(this.options.apply(file), 'connections reloaded')
        this.#applied = content
      } else if (this.#error !== undefined) log.info('connections file is valid again')
      this.#error = undefined
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      const text = error.problems.join('; ')
      if (text !== this.#error)
        log.error({ problems: error.problems }, 'connections file is wrong, keeping the connections')
      this.#error = text
    }
  }
}

const contentOf = ({ connections, groups }: ConnectionsFile): string => JSON.stringify([connections, groups])

function onTimer(ms: number, work: () => void): () => void {
  const timer = setInterval(work, ms)
  timer.unref()
  return () => clearInterval(timer)
}
