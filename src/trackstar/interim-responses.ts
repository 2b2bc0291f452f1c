import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'

const continueStart = 'HTTP/1.1 100'
/** As many bytes as undici accepts of a response's head. */
const maxHeadBytes = 16 * 1024

/**
 * Makes connections skip `100 Continue`. A client must accept it even if it has not asked for it (RFC 9110, 15.2), but
 * undici closes the connection; of the interim responses, it skips only the others.
 *
 * The socket is read by its public methods before undici's parser does, which listens later: what begins a response and is
 * a `100 Continue` is dropped, all else is put back. A response begins with the first bytes after something was written,
 * because a request is written at once, and no other before its response has ended (`pipelining: 1`, the default).
 * @param connect makes the connections, with HTTP/1.1
 */
export function skippingContinue(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) =>
    connect(options, (...result) => {
      const [, socket] = result
      if (socket) skipContinue(socket)
      callback(...result)
    })
}

function skipContinue(socket: Socket): void {
  let writtenBefore = 0
  let isBeginning = false
  let held: Buffer[] = []
  socket.on('readable', () => {
    if (socket.bytesWritten !== writtenBefore) {
      writtenBefore = socket.bytesWritten
      isBeginning = true
    }
    if (!isBeginning) return
    const chunk: Buffer | null = socket.read()
    if (chunk === null) return
    const rest = withoutContinue(Buffer.concat([...held, chunk]))
    isBeginning = rest.mayBeContinue
    held = isBeginning ? [rest.bytes] : []
    if (!isBeginning) socket.unshift(rest.bytes)
  })
}

/** What follows the `100 Continue` responses at the beginning of `bytes`, and whether that may be the beginning of another. */
function withoutContinue(bytes: Buffer): { bytes: Buffer; mayBeContinue: boolean } {
  let from = 0
  for (;;) {
    const start = bytes.toString('latin1', from, from + continueStart.length)
    if (start !== continueStart) return { bytes: bytes.subarray(from), mayBeContinue: continueStart.startsWith(start) }
    const end = bytes.indexOf('\r\n\r\n', from)
    if (end < 0) return { bytes: bytes.subarray(from), mayBeContinue: bytes.length - from <= maxHeadBytes }
    from = end + 4
  }
}
