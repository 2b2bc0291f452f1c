import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ServiceError, send } from './service.js'

/** @typedef {import('./service.js').Problem} Problem */

/**
 * Reads a route, again whenever its address changes. What it returned last stays until the next answer. After a problem that
 * says when to try again it does so by itself.
 * @param {string | null} address null: reads nothing
 * @param {number} [everyMs] reads again after so long
 * @returns {{data: any, problem: Problem | null, isLoading: boolean, reload: () => void}}
 */
export function useRoute(address, everyMs) {
  const [state, setState] = useState(
    /** @type {{address: string | null, data: any, problem: Problem | null}} */ ({
      address: null,
      data: undefined,
      problem: null,
    }),
  )
  const [round, setRound] = useState(0)
  const reload = useCallback(() => setRound((n) => n + 1), [])
  useEffect(() => {
    if (address === null) return undefined
    const controller = new AbortController()
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer
    const again = (/** @type {number} */ ms) => {
      timer = setTimeout(reload, ms)
    }
    const read = async () => {
      try {
        const data = await send(new URL(address), { signal: controller.signal })
        if (controller.signal.aborted) return
        setState({ address, data, problem: null })
        if (everyMs !== undefined) again(everyMs)
      } catch (error) {
        if (controller.signal.aborted) return
        const problem = problemOf(error)
        setState((before) => ({ address, data: before.address === address ? before.data : undefined, problem }))
        if (problem.retry_after !== undefined) again(Math.min(problem.retry_after, 30) * 1000)
        else if (everyMs !== undefined) again(everyMs)
      }
    }
    void read()
    return () => {
      controller.abort()
      clearTimeout(timer)
    }
  }, [address, round, everyMs])
  const isCurrent = state.address === address
  return {
    data: isCurrent ? state.data : undefined,
    problem: isCurrent ? state.problem : null,
    isLoading: address !== null && !isCurrent,
    reload,
  }
}

/** @param {unknown} error */
const problemOf = (error) =>
  error instanceof ServiceError ? error.problem : { title: 'The page has a fault', detail: String(error) }

/** The time, every second. */
export function useNow() {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return now
}

/**
 * A function that runs `work` at most once in `everyMs`, the last time after the last call.
 * @param {() => void} work
 * @param {number} everyMs
 */
export function useThrottled(work, everyMs) {
  const latest = useRef(work)
  latest.current = work
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined))
  useEffect(() => () => clearTimeout(timer.current), [])
  return useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      latest.current()
    }, everyMs)
  }, [everyMs])
}

/**
 * A value as it was `ms` ago, so that a person who types does not cause a request with every key.
 * @template T
 * @param {T} value
 * @param {number} ms
 */
export function useDelayed(value, ms) {
  const [delayed, setDelayed] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setDelayed(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return delayed
}
