/**
 * Lets only so many first loads run at a time, in the order in which they begin. A load gives its turn away while it waits
 * before it tries again, so that connections which fail do not keep the others from loading.
 */
export class LoadTurns {
  #free: number
  readonly #waiting = new Set<() => void>()

  /** @param max loads that may run at a time */
  constructor(max: number) {
    this.#free = max
  }

  /**
   * Waits for a turn.
   * @throws the reason of `signal` when it aborts before that
   */
  async take(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#free > 0) {
      this.#free--
      return
    }
    await new Promise<void>((resolve, reject) => {
      const begin = () => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        this.#waiting.delete(begin)
        reject(signal.reason as Error)
      }
      this.#waiting.add(begin)
      signal.addEventListener('abort', leave, { once: true })
    })
  }

  /** Gives a turn to the next load. */
  giveBack(): void {
    const [next] = this.#waiting
    if (next === undefined) {
      this.#free++
      return
    }
    this.#waiting.delete(next)
    next()
  }
}

/** The turn of one load, which its lists share: it is kept as long as one of them is being read. */
export class LoadTurn {
  #reading = 0
  #taken: Promise<void> | undefined

  constructor(
    private readonly turns: LoadTurns,
    private readonly signal: AbortSignal,
  ) {}

  /** Reads one list. `pause` runs work that needs no turn. */
  async read<T>(list: (pause: (work: () => Promise<unknown>) => Promise<void>) => Promise<T>): Promise<T> {
    let isReading = false
    const enter = async () => {
      // Before it is awaited, so that the other list does not give the turn back meanwhile.
      this.#reading++
      this.#taken ??= this.turns.take(this.signal)
      try {
        await this.#taken
        isReading = true
      } catch (error) {
        this.#reading--
        throw error
      }
    }
    const leave = () => {
      if (!isReading) return
      isReading = false
      if (--this.#reading > 0) return
      this.#taken = undefined
      this.turns.giveBack()
    }
    await enter()
    try {
      return await list(async (work) => {
        leave()
        await work()
        await enter()
      })
    } finally {
      leave()
    }
  }
}
