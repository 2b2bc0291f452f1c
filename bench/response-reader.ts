/** Reads HTTP responses from a socket, far cheaper than an HTTP client. */

/** Calls `onResponse` with the head of each complete response. Every response must have a Content-Length. */
export function responseReader(onResponse: (head: string) => void): (chunk: Buffer) => void {
  let rest: Buffer | undefined
  return (chunk) => {
    let bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk])
    for (;;) {
      const headEnd = bytes.indexOf('\r\n\r\n')
      if (headEnd < 0) break
      const head = bytes.toString('latin1', 0, headEnd)
      const end = headEnd + 4 + lengthIn(head)
      if (bytes.length < end) break
      bytes = bytes.subarray(end)
      onResponse(head)
    }
    rest = bytes.length === 0 ? undefined : bytes
  }
}

/** Fastify writes header names in lower case. */
function lengthIn(head: string): number {
  const name = '\r\ncontent-length: '
  const at = head.indexOf(name)
  return at < 0 ? 0 : Number.parseInt(head.slice(at + name.length, at + name.length + 9), 10)
}

/** The status in the head of a response. */
export const statusIn = (head: string): number => Number(head.slice(9, 12))
