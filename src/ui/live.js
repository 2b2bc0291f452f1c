import { useEffect, useRef, useState } from 'preact/hooks'
import { addressOf, readKey, send, statusOf } from './service.js'

/** @typedef {import('./service.js').Schemas['StockEventData'] & {connection?: string}} StockEvent */

/** Events that wait for the next frame at most; a hidden page draws none. The newest ones stay. */
const maxWaiting = 1000
const retryMs = 2000
/** The status without a mirror: there are no events. */
const needsMirror = 501

/**
 * Follows the changes of stock until the component ends. `EventSource` cannot send a key, so each stream gets a ticket of its
 * own. Events are handed over once per frame, however many there are.
 * @param {{connection: string | undefined, skus: readonly string[]} | null} filter null: follows nothing. No SKU: all of them
 * @param {(events: StockEvent[]) => void} onEvents
 * @param {() => void} onOpen the stream is open: read again what may have changed before
 * @returns {'connecting' | 'live' | 'off'}
 */
export function useLive(filter, onEvents, onOpen) {
  const [state, setState] = useState(/** @type {'connecting' | 'live' | 'off'} */ ('connecting'))
  const handlers = useRef({ onEvents, onOpen })
  handlers.current = { onEvents, onOpen }
  const key = filter === null ? null : JSON.stringify(filter)
  useEffect(() => {
    if (filter === null) {
      setState('off')
      return undefined
    }
    /** @type {EventSource | undefined} */
    let source
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer
    let frame = 0
    let isClosed = false
    /** @type {StockEvent[]} */
    let waiting = []
    const hand = () => {
      frame = 0
      const events = waiting
      waiting = []
      handlers.current.onEvents(events)
    }
    const retry = () => {
      source?.close()
      if (isClosed) return
      setState('connecting')
      timer = setTimeout(() => void open(), retryMs)
    }
    async function open() {
      const { connection, skus } = /** @type {NonNullable<typeof filter>} */ (filter)
      try {
        // An `EventSource` does not tell why it failed.
        const status = await statusOf(addressOf('stock/events', { connection, sku: skus }))
        if (isClosed) return
        if (status === needsMirror) {
          setState('off')
          return
        }
        const ticket =
          readKey() === null ? undefined : await send(addressOf('stock/events/tickets'), { method: 'POST' })
        if (isClosed) return
        source = new EventSource(addressOf('stock/events', { connection, sku: skus, ticket: ticket?.ticket }))
      } catch {
        retry()
        return
      }
      source.addEventListener('open', () => {
        setState('live')
        handlers.current.onOpen()
      })
      source.addEventListener('reset', () => handlers.current.onOpen())
      source.addEventListener('stock', ({ data }) => {
        waiting.push(JSON.parse(data))
        if (waiting.length > maxWaiting) waiting.shift()
        frame ||= requestAnimationFrame(hand)
      })
      source.addEventListener('error', retry)
    }
    setState('connecting')
    void open()
    return () => {
      isClosed = true
      source?.close()
      clearTimeout(timer)
      cancelAnimationFrame(frame)
    }
  }, [key])
  return state
}
