import tap from 'tap'
import { assign } from '../../src/basket/assignment.js'
import type { Need } from '../../src/basket/exact-flow.js'

const need = (amount: bigint, ...members: [item: number, worth: bigint][]): Need => ({
  amount,
  members: members.map(([item, worth]) => ({ item, worth })),
})
const exhausted = () => ({ left: 0 })
const plenty = () => ({ left: 1e6 })

tap.test('needs no budget where all members are worth 1', async (t) => {
  const needs = [need(3n, [0, 1n], [1, 1n]), need(2n, [0, 1n])]
  t.strictSame(assign({ supplies: [2n, 3n], needs }, exhausted()), { coverable: true })
  t.match(assign({ supplies: [1n, 3n], needs }, exhausted()), {
    coverable: false,
    lacking: new Map([[1, { numerator: 1n, denominator: 1n }]]),
  })
})

tap.test('needs none where items that one need alone can use settle it', async (t) => {
  const needs = [need(7n, [0, 2n], [1, 3n]), need(4n, [1, 1n], [2, 1n])]
  t.strictSame(assign({ supplies: [4n, 1n, 3n], needs }, exhausted()), { coverable: true })
  t.match(assign({ supplies: [3n, 0n, 4n], needs }, exhausted()), {
    coverable: false,
    lacking: new Map([[0, { numerator: 1n, denominator: 3n }]]),
    draws: [
      { need: 0, item: 0, amount: 3n },
      { need: 1, item: 2, amount: 4n },
    ],
  })
})

tap.test('needs none where there is plenty, or too little by any measure', async (t) => {
  const needs = [need(6n, [0, 2n], [1, 3n]), need(6n, [0, 3n], [1, 2n])]
  t.strictSame(assign({ supplies: [3n, 3n], needs }, exhausted()), { coverable: true }, 'each worth the least')
  t.strictSame(assign({ supplies: [2n, 2n], needs }, exhausted()), { coverable: true }, 'each where it is worth most')
  t.match(assign({ supplies: [2n, 1n], needs }, exhausted()), { coverable: false })
  const three = [need(4n, [0, 2n], [1, 4n]), need(4n, [0, 2n], [1, 4n]), need(4n, [0, 2n], [1, 4n])]
  t.strictSame(assign({ supplies: [4n, 1n], needs: three }, exhausted()), { coverable: true }, 'tier by tier')
})

tap.test('searches what is left, keeping amounts whole', async (t) => {
  const needs = [need(4n, [0, 4n], [1, 2n]), need(6n, [0, 6n], [1, 2n]), need(6n, [0, 6n], [1, 2n])]
  t.strictSame(assign({ supplies: [2n, 2n], needs }, plenty()), { coverable: true })
  t.strictSame(assign({ supplies: [2n, 2n], needs }, { left: 20 }), { coverable: undefined })
  t.match(assign({ supplies: [2n, 1n], needs }, plenty()), { coverable: false })
  const odd = [need(4n, [0, 3n], [1, 2n]), need(4n, [0, 3n], [1, 2n])]
  t.strictSame(assign({ supplies: [2n, 1n], needs: odd }, plenty()), {
    coverable: false,
    lacking: new Map([
      [0, { numerator: 0n, denominator: 1n }],
      [1, { numerator: 0n, denominator: 1n }],
    ]),
    draws: [],
  })
  t.strictSame(assign({ supplies: [2n, 2n], needs: odd }, plenty()), { coverable: true })
})
