/** Who says no: Trackstar itself, or the warehouse system behind it. */
export type Origin = 'trackstar' | 'integration'

/** An answer of status 400 or above. Thrown by whatever finds the reason; its message becomes the body's `error`. */
export class ApiError extends Error {
  readonly status: number
  readonly origin: Origin

  constructor(status: number, message: string, origin: Origin = 'trackstar') {
    super(message)
    this.name = 'Refusal'
    this.status = status
    this.origin = origin
  }

  /** The body that upstream sends with it. */
  get body(): { error: string; origin: Origin } {
    return { error: this.message, origin: this.origin }
  }
}
