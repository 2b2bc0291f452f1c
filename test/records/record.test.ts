import tap from 'tap'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { recordSchema } from '../../src/records/record.js'
import { nullish } from '../../src/schema.js'

tap.test('takes a value, null or nothing', async (t) => {
  const check = Compile(Type.Object({ name: nullish(Type.String()) }))
  for (const sound of [{}, { name: null }, { name: '' }]) t.ok(check.Check(sound))
  for (const wrong of [{ name: 1 }, { name: [] }]) t.notOk(check.Check(wrong))
})

tap.test('asks of a record for an id and nothing more', async (t) => {
  const schema = recordSchema('Pot', 'A pot', { volume: nullish(Type.Number()) })
  t.match(schema, { $id: 'Pot', description: 'A pot', additionalProperties: true })
  const check = Compile(schema)
  const dates = { created_date: null, updated_date: '2026-03-01T12:00:00Z', trackstar_updated_date: 'some day' }
  const tags = { trackstar_tags: ['green', { season: 'spring' }] }
  for (const sound of [{ id: 'x' }, { id: 'x', ...dates, ...tags, volume: null, lid: true }]) t.ok(check.Check(sound))
  const wrong = [{}, { id: '' }, { id: null }, { id: 5 }, { id: 'x', volume: '1' }, { id: 'x', trackstar_tags: 'a' }]
  for (const record of wrong) t.notOk(check.Check(record), JSON.stringify(record))
})
