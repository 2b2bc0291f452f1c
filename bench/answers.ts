/** Counts answers on a bare socket: far cheaper than a client that hands them out. */

/** Takes whole answers off a connection, of which each must say its length, and tells the head of each. */
export function answerReader(onAnswer: (head: string) => void): (chunk: Buffer) => void {
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
      onAnswer(head)
    }
    rest = bytes.length === 0 ? undefined : bytes
  }
}

/** Of a head with names in lower case, as Fastify writes it. */
function lengthIn(head: string): number {
  const name = '\r\ncontent-length: '
  const at = head.indexOf(name)
  return at < 0 ? 0 : Number.parseInt(head.slice(at + name.length, at + name.length + 9), 10)
}

/** The status that the head of an answer says. */
export const statusIn = (head: string): number => Number(head.slice(9, 12))
