/** Sends requests with a client and measures them; prints the table of results. */
import type { Pool } from 'undici'

export interface Outcome {
  readonly status: number
  readonly ms: number
  readonly body: string
  readonly cacheStatus: string
}

export async function ask(
  client: Pool,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const start = performance.now()
  try {
    const answer = await client.request({
      path,
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.body.text()
    const cacheStatus = String(answer.headers['cache-status'] ?? '')
    return { status: answer.statusCode, ms: performance.now() - start, body: text, cacheStatus }
  } catch (error) {
    return { status: 0, ms: performance.now() - start, body: String(error), cacheStatus: '' }
  }
}

/** Sends `perSecond` requests a second for `seconds`, without waiting for responses. */
export async function openLoop(perSecond: number, seconds: number, send: (n: number) => Promise<void>): Promise<void> {
  const start = performance.now()
  const running = new Set<Promise<void>>()
  for (let sent = 0; sent < perSecond * seconds; ) {
    const due = Math.min(perSecond * seconds, Math.floor(((performance.now() - start) / 1000) * perSecond))
    for (; sent < due; sent++) {
      const one = send(sent).finally(() => running.delete(one))
      running.add(one)
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await Promise.all(running)
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}

/** A row of the table of results; `ok` is null where there is no bound. */
export interface Row {
  readonly case: string
  readonly measured: string
  readonly bound: string
  readonly ok: boolean | null
}

export function print(title: string, rows: readonly Row[]): void {
  const widths = (['case', 'measured', 'bound'] as const).map((key) =>
    Math.max(key.length, ...rows.map((row) => row[key].length)),
  )
  const line = (cells: readonly string[]) => cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join(' | ')
  process.stdout.write(
    `${[
      '',
      title,
      `   | ${line(['case', 'measured', 'bound'])}`,
      ...rows.map(
        (row) => `${row.ok === null ? '   ' : row.ok ? 'ok ' : 'NO '}| ${line([row.case, row.measured, row.bound])}`,
      ),
    ].join('\n')}\n`,
  )
}
