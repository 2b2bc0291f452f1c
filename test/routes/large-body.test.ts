import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import Fastify from 'fastify'
import tap from 'tap'
import { arrayBody, type BodyDraft, sendLargeBody } from '../../src/routes/large-body.js'
import { runToEnd } from '../../src/steps.js'
import { eventually } from '../harness.js'

const part = (value: string) => ({ text: value, bytes: Buffer.byteLength(value), hash: value.slice(0, 20) })
const bodyOf = <T>(elements: readonly T[], write: (element: T, draft: BodyDraft) => void) =>
  runToEnd(arrayBody('{"data":[', elements, ']}', write))

/** A service that sends this body, and how much of it was taken from memory so far. */
async function serve(t: { teardown: (fn: () => unknown) => unknown }, body: ReturnType<typeof bodyOf>) {
  const app = Fastify()
  const taken = { bytes: 0 }
  const parts = body.parts.map(({ text: value, bytes }) => ({
    get text() {
      taken.bytes += bytes
      return value
    },
    bytes,
  }))
  app.get('/', (_request, reply) => sendLargeBody(reply, { ...body, parts }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  return { app, taken, port: (app.server.address() as AddressInfo).port }
}

tap.test('sends the parts in their order, whatever they are and however many', async (t) => {
  const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(texts, fc.nat({ max: 20_000 }), fc.boolean(), async (values, length, isShared) => {
      const filler = 'ü'.repeat(length)
      const body = bodyOf(values, (value, draft) => {
        draft.add(`{"name":${JSON.stringify(value)},"filler":`)
        draft.addPart(part(JSON.stringify(filler)), isShared)
        draft.add('}')
      })
      const app = Fastify()
      app.get('/', (_request, reply) => sendLargeBody(reply, body))
      const reply = await app.inject('/')
      const expected = JSON.stringify({ data: values.map((name) => ({ name, filler })) })
      await app.close()
      return reply.body === expected && body.bytes === Buffer.byteLength(expected)
    }),
    { numRuns: 30 },
  )
  t.end()
})

tap.test('has an ETag of the hashes and the texts, without read times', async (t) => {
  const tag = (hash: string, time: string) =>
    bodyOf([1, 2], (_n, draft) => {
      draft.add(`{"as_of":"${time}"}`)
      draft.addPart({ text: `"${time}"`, bytes: time.length + 2, hash }, true)
    }).etag
  t.match(tag('a', 'now'), /^W\/"[\w-]+"$/)
  t.equal(tag('a', 'now'), tag('a', 'then'))
  t.not(tag('a', 'now'), tag('b', 'now'))
})

tap.test('refuses a body of more than 64 MiB', async (t) => {
  const megabyte = part('x'.repeat(2 ** 20))
  const add = (_n: number, draft: BodyDraft) => draft.addPart(megabyte, true)
  const numbers = Array.from({ length: 70 }, (_, n) => n)
  t.throws(() => bodyOf(numbers, add), { problem: 'validation_failed', message: /67108864/ })
  t.equal(bodyOf(numbers.slice(0, 60), add).ownBytes < 1000, true, 'what is shared is not counted as held')
  t.ok(bodyOf(numbers.slice(0, 60), (_n, draft) => draft.addPart(megabyte, false)).ownBytes > 60 * 2 ** 20)
})

tap.test('takes no more than a few pieces ahead of a client that does not read', async (t) => {
  const piece = part('x'.repeat(10_000))
  const body = bodyOf(
    Array.from({ length: 3000 }, (_, n) => n),
    (_n, draft) => draft.addPart(piece, true),
  )
  const { port, taken } = await serve(t, body)
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  await once(socket, 'readable')
  // Until the buffers of the operating system are full.
  let before = -1
  await eventually(async () => {
    const isStill = taken.bytes === before
    before = taken.bytes
    for (let turn = 0; turn < 200; turn++) await nextTurn()
    return isStill
  })
  t.ok(taken.bytes < body.bytes / 2, `${taken.bytes} of ${body.bytes} bytes were taken`)
  const received = await text(socket)
  t.ok(received.endsWith(']}'), 'the rest comes when it is read')
  t.equal(taken.bytes, body.bytes)
  t.equal(received.length - received.indexOf('\r\n\r\n') - 4, body.bytes)
})

tap.test('lets other work run while it sends', async (t) => {
  const piece = part('x'.repeat(10_000))
  const body = bodyOf(
    Array.from({ length: 1000 }, (_, n) => n),
    (_n, draft) => draft.addPart(piece, true),
  )
  const { app } = await serve(t, body)
  let turns = 0
  let isDone = false
  const count = () => {
    turns++
    if (!isDone) setImmediate(count)
  }
  setImmediate(count)
  t.equal((await app.inject('/')).payload.length, body.bytes)
  isDone = true
  t.ok(turns >= 10, `${turns} turns of the event loop`)
})
