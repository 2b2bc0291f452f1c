import tap from 'tap'
import { SharedMemory } from '../../src/cache/shared-memory.js'
import { GroupTexts } from '../../src/services/group-texts.js'
import { wholePart } from '../../src/services/stock-json.js'

function textsWithin(maxBytes: number) {
  let made = 0
  const memory = new SharedMemory(() => maxBytes)
  const texts = new GroupTexts(memory)
  const make = (text = 'text') => wholePart(`${text} ${++made}`)
  return { memory, texts, make }
}

tap.test('keeps a text for the same sources', async (t) => {
  const { texts, make } = textsWithin(10_000)
  const source = {}
  const first = texts.get('A', [source, 'x', undefined], make)
  t.equal(texts.get('A', [source, 'x', undefined], make), first)
  t.not(texts.get('B', [source, 'x', undefined], make), first, 'another key')
  for (const sources of [
    [{}, 'x', undefined],
    [source, 'y', undefined],
    [source, 'x'],
  ]) {
    t.not(texts.get('A', sources, make), first)
  }
})

tap.test('drops the least recently used texts when the memory is full, and takes all of its own', async (t) => {
  const { memory, texts, make } = textsWithin(2000)
  const long = () => make('x'.repeat(300))
  const first = texts.get('A', [], long)
  const second = texts.get('B', [], long)
  t.equal(texts.get('A', [], long), first)
  texts.get('C', [], long)
  t.ok(memory.bytes <= 2000)
  t.equal(texts.get('A', [], long), first)
  t.not(texts.get('B', [], long), second)
  const beyondLatin1 = texts.get('D', [], () => make('茶'.repeat(2000)))
  t.equal(memory.bytes, 0, 'one that does not fit is not kept')
  t.match(beyondLatin1.text, '茶')
})
