import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'

/** A Redis or Valkey server of a test's own, on a free port of the loopback interface. */
export class RedisServer {
  #process: ChildProcess | undefined

  private constructor(
    private readonly command: string,
    readonly port: number,
  ) {}

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(findCommand(), await freePort())
    await server.start()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Starts it, empty. */
  async start(): Promise<void> {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    this.#process = spawn(this.command, args, { stdio: 'ignore' })
    for (;;) {
      const client = new Redis(this.url, { lazyConnect: true, retryStrategy: () => null })
      client.on('error', () => {})
      try {
        await client.connect()
        await client.ping()
        return
      } catch {
        await sleep(20)
      } finally {
        client.disconnect()
      }
    }
  }

  /** Sends a signal, such as SIGSTOP. */
  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal)
  }

  async stop(): Promise<void> {
    const stopped = this.#process
    if (stopped === undefined) return
    this.#process = undefined
    const exited = once(stopped, 'exit')
    stopped.kill('SIGKILL')
    await exited
  }
}

/** Throws if there is neither of the two: these tests are never skipped. */
function findCommand(): string {
  for (const command of ['redis-server', 'valkey-server']) {
    try {
      execFileSync(command, ['--version'], { stdio: 'ignore' })
      return command
    } catch {
      // The other one may be there.
    }
  }
  throw new Error('expected redis-server or valkey-server on the path, but found neither: apt-get install redis-server')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return address.port
}
