/** Reads HTTP responses from a socket, far cheaper than an HTTP client. */

/** Calls `onResponse` with the head of each complete response. Every response must have a Content-Length. */
export function responseReader(onResponse: (head: string) => void): (chunk: Buffer) => void {
  let rest: Buffer | undefined
  let head = ''
  /** Bytes of the body that are to come, while `head` is known. They are counted and not kept. */
  let missing = 0
  return (chunk) => {
    let bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk])
    rest = undefined
    for (;;) {
      if (head === '') {
        const headEnd = bytes.indexOf('\r\n\r\n')
        if (headEnd < 0) break
        head = bytes.toString('latin1', 0, headEnd)
        missing = lengthIn(head)
        bytes = bytes.subarray(headEnd + 4)
      }
      const taken = Math.min(missing, bytes.length)
      missing -= taken
      bytes = bytes.subarray(taken)
      if (missing > 0) break
      const complete = head
      head = ''
      onResponse(complete)
    }
    if (bytes.length > 0) rest = bytes
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
