import tap from 'tap'
import { random } from '../../src/sandbox/random.js'

tap.test('gives the same numbers for the same seed, and others for another', async (t) => {
  const draw = (seed: number) => {
    const source = random(seed)
    return Array.from({ length: 20 }, () => source.between(0, 1_000_000))
  }
  t.strictSame(draw(7), draw(7))
  t.notSame(draw(7), draw(8))
})

tap.test('stays between its bounds and reaches both', async (t) => {
  const source = random(1)
  const drawn = new Set(Array.from({ length: 500 }, () => source.between(3, 6)))
  t.strictSame(
    [...drawn].toSorted((a, b) => a - b),
    [3, 4, 5, 6],
  )
})

tap.test('picks each of the choices', async (t) => {
  const source = random(1)
  const drawn = new Set(Array.from({ length: 200 }, () => source.pick(['a', 'b', 'c'])))
  t.strictSame([...drawn].toSorted(), ['a', 'b', 'c'])
})
