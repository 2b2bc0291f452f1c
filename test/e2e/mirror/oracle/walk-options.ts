import { Random } from './random.js'
import type { WalkOptions } from './walk.js'

/**
 * The options of the walk of a seed. Most walks have a mirror. Each walk omits some kinds of faults, because with all
 * of them at once one fault hides the effects of another.
 */
export function optionsOf(seed: number): WalkOptions {
  const random = new Random(seed + 1_000_000)
  const some = (weight: number) => (random.chance(0.7) ? weight : 0)
  return {
    mode: seed % 5 === 4 ? 'on-demand' : 'mirror',
    actions: {
      pass: 8,
      changeItem: 12,
      changeProduct: some(6),
      addProduct: some(2),
      remove: some(2),
      restore: some(1),
      remake: some(1),
      adjust: some(4),
      adjustTwice: some(2),
      read: 16,
      fault: some(3),
      unreadable: some(0.6),
      clock: some(0.3),
      reader: 1,
    },
    deliveries: {
      none: 4,
      whole: some(6),
      doubled: some(2),
      late: some(2),
      part: some(2),
      truncated: some(2),
      withoutZone: some(1),
      oddDate: some(1),
      undated: some(0.5),
    },
    faults: {
      empty: some(1),
      '500': 2,
      '429': some(1),
      html403: some(1),
      reset: some(2),
      lost: some(2),
      garbage: some(1),
      loop: some(0.5),
      deep: some(0.5),
      slow: some(1),
    },
    writeReplies: { whole: 8, part: some(2), nothing: some(1), text: some(1) },
    maxLagMs: random.chance(0.6) ? 54_000 : 0,
    followsSkus: true,
    records: {
      odd: random.chance(0.5) ? 0.25 : 0,
      oddDates: random.chance(0.4) ? 0.2 : 0,
      absurdDates: random.chance(0.3) ? 0.05 : 0,
    },
  }
}
