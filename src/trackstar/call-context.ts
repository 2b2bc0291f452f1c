import { context, createContextKey } from '@opentelemetry/api'
import type { Cause } from './upstream.js'

/** Which call upstream an HTTP request is, for who makes spans of HTTP requests and sees only their addresses. */
export interface ActiveCall {
  /** The path's template. */
  readonly route: string
  readonly cause: Cause
}

const key = createContextKey('call to Trackstar')

/** Runs `work`, whose HTTP request is `call`. */
export const duringCall = <T>(call: ActiveCall, work: () => T): T =>
  context.with(context.active().setValue(key, call), work)

/** The call that goes on right now; undefined where none does, and always where no traces are made. */
export const activeCall = (): ActiveCall | undefined => context.active().getValue(key) as ActiveCall | undefined
