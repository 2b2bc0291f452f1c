/** Where an error comes from: Trackstar itself, or the warehouse system behind it. */
export type Origin = 'trackstar' | 'integration'

/** An error response of status 400 or above. Handlers throw it; its message becomes the `error` field of the body. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly origin: Origin

  constructor(status: number, message: string, origin: Origin = 'trackstar') {
    super(message)
    this.status = status
    this.origin = origin
  }

  /** The body that upstream sends with it. */
  get body(): { error: string; origin: Origin } {
    return { error: this.message, origin: this.origin }
  }
}
