/** Waits for `work`, but no longer than `ms`; says whether it was done by then. What fails in time throws. */
export async function completesWithin(work: Promise<unknown> | undefined, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, ms), false)
  })
  try {
    return await Promise.race([Promise.resolve(work).then(() => true), timeout])
  } finally {
    clearTimeout(timer)
  }
}
