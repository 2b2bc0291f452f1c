import tap from 'tap'
import { WaitingRoom } from '../../src/catalog/waiting-room.js'

tap.test('has as many seats as it has, and gives a seat that was left to the next', async (t) => {
  const room = new WaitingRoom(2)
  t.strictSame([room.enter(), room.enter(), room.enter()], [true, true, false])
  t.equal(room.waiting, 2)
  room.leave()
  t.equal(room.waiting, 1)
  t.ok(room.enter())
})
