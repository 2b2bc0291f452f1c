import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Test } from 'tap'
import { createSandbox, type Sandbox } from '../src/sandbox/sandbox.js'

const src = join(import.meta.dirname, '..', 'src')

export interface ServiceProcess {
  readonly address: string
  readonly sandbox: Sandbox
  /** Standard output and standard error so far. */
  readonly output: () => string
  /** Waits until the output matches `pattern`. */
  readonly written: (pattern: RegExp) => Promise<RegExpExecArray>
  /** Sends SIGTERM; resolves to the exit code. */
  readonly stop: () => Promise<number | null>
}

/** The service in a process of its own, with no other environment than `environment`, against a sandbox. */
export async function startProcess(
  t: Test,
  environment: Readonly<Record<string, string>> = {},
  script: 'main' | 'demo' = 'main',
): Promise<ServiceProcess> {
  const sandbox = createSandbox({ products: 20, readRate: 0 })
  const child = spawn(process.execPath, [join(src, `${script}.js`)], {
    env: {
      PORT: '0',
      AUTH_MODE: 'none',
      CATALOG_MODE: 'on-demand',
      TRACKSTAR_BASE_URL: await sandbox.listen(),
      TRACKSTAR_API_KEY: sandbox.credentials.apiKey,
      TRACKSTAR_ACCESS_TOKEN: sandbox.credentials.accessToken,
      ...environment,
    },
  })
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await sandbox.close()
  })
  let output = ''
  const written = async (pattern: RegExp) => {
    for (let found = pattern.exec(output); ; found = pattern.exec(output)) {
      if (found) return found
      if (child.exitCode !== null) throw new Error(`expected ${String(pattern)}, but got ${output}`)
      await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), ended])
    }
  }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const [, address = ''] = await written(/listening at (http:[\w.:/]+)/)
  return {
    address,
    sandbox,
    output: () => output,
    written,
    async stop() {
      child.kill('SIGTERM')
      const [code] = await ended
      return code
    },
  }
}
