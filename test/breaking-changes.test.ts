import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { breakingChanges, type Contract, contractRules, type Rule } from './openapi/breaking-changes.js'
import { compatibilityFaults, releaseFaults } from './openapi/release.js'

const read = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'openapi', name), 'utf8')) as Contract

tap.test('no client of the released contract breaks on this one, unless the major version has moved', async (t) => {
  t.strictSame(compatibilityFaults(read('released.json'), read('openapi.json')), [])
})

const json = (schema: object) => ({ content: { 'application/json': { schema } } })
const thing = { $ref: '#/components/schemas/Thing' }

/** A made-up contract, in which every rule has something to break. */
const contract = {
  openapi: '3.1.0',
  info: { title: 'things', version: '1.2.3' },
  servers: [{ url: '/' }],
  security: [{ key: ['read'] }, { ticket: [] }],
  paths: {
    '/things': {
      get: {
        operationId: 'listThings',
        tags: ['things'],
        parameters: [
          { name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 100, default: 10 } },
          { name: 'colour', in: 'query', schema: { type: 'array', items: { type: 'string', enum: ['red', 'blue'] } } },
          { name: 'from', in: 'header', schema: { type: 'string', pattern: '^[a-z]' } },
        ],
        responses: {
          200: {
            description: 'Things',
            headers: { ETag: { schema: { type: 'string' } } },
            ...json({ type: 'array', items: thing }),
          },
          304: { description: 'Nothing new' },
          404: { $ref: '#/components/responses/Missing' },
          default: { $ref: '#/components/responses/Missing' },
        },
      },
      post: {
        operationId: 'addThing',
        tags: ['things'],
        security: [{ key: ['write'] }],
        requestBody: { content: { ...json({ $ref: '#/components/schemas/NewThing' }).content, 'text/csv': {} } },
        responses: { 201: { description: 'Added', ...json(thing) } },
      },
    },
    '/things/{id}': {
      get: {
        operationId: 'getThing',
        tags: ['things'],
        security: [],
        responses: { 200: { description: 'One', ...json(thing) } },
      },
    },
  },
  components: {
    schemas: {
      Thing: {
        type: 'object',
        required: ['id', 'state'],
        additionalProperties: false,
        properties: {
          id: { type: 'string', maxLength: 20 },
          state: { type: 'string', enum: ['new', 'old'] },
          code: { type: 'string', enum: ['a', 'b'], 'x-may-grow': true },
          weight: { type: 'integer', minimum: 0 },
          owner: { anyOf: [{ $ref: '#/components/schemas/Owner' }, { type: 'null' }] },
          parts: { type: 'array', items: thing },
          at: { type: 'string', format: 'date-time' },
          measure: { oneOf: [{ type: 'number' }, { type: 'string' }] },
          notes: { type: 'object', additionalProperties: { type: 'string' } },
        },
      },
      Owner: { type: 'object', additionalProperties: true, properties: { name: { type: ['string', 'null'] } } },
      NewThing: {
        type: 'object',
        required: ['id'],
        properties: {
          id: { type: 'string', minLength: 1, maxLength: 20 },
          size: { type: ['number', 'null'] },
          tags: { type: 'array', maxItems: 5, items: { type: 'string' } },
        },
      },
    },
    responses: {
      Missing: { description: 'Missing', ...json({ type: 'object', properties: { detail: { type: 'string' } } }) },
    },
    securitySchemes: {
      key: { type: 'http', scheme: 'bearer', description: 'A key' },
      ticket: { type: 'apiKey', in: 'query', name: 'ticket' },
    },
  },
}

/** By where, its steps apart by a space, what is put there; `gone` takes it away. */
type Change = Readonly<Record<string, unknown>>
const gone = Symbol('gone')

/** The made-up contract otherwise. */
function changed(change: Change): Contract {
  const copy: unknown = structuredClone(contract)
  for (const [where, value] of Object.entries(change)) {
    const steps = where.split(' ')
    const last = String(steps.pop())
    const place = steps.reduce<Record<string, unknown>>((at, step) => Object(at)[step], Object(copy))
    if (value !== gone) place[last] = value
    else if (Array.isArray(place)) place.splice(Number(last), 1)
    else delete place[last]
  }
  return copy as Contract
}

const list = 'paths /things get'
const add = 'paths /things post'
const thingField = 'components schemas Thing properties'
const newField = 'components schemas NewThing properties'
const needed = (name: string) => ({ name, in: 'query', required: true, schema: { type: 'string' } })

/** For each rule changes that break it, each with what it is. */
const breaking: Readonly<Record<Rule, Readonly<Record<string, Change>>>> = {
  'operation-removed': {
    'a path is gone': { 'paths /things/{id}': gone },
    'a method is gone': { [add]: gone },
  },
  'operation-id-changed': { 'an operation has another id': { [`${list} operationId`]: 'getThings' } },
  'tag-changed': { 'an operation has another tag': { [`${list} tags`]: ['stuff'] } },
  'component-removed': {
    'a component has another name': {
      'components schemas Owner': gone,
      'components schemas Person': contract.components.schemas.Owner,
      [`${thingField} owner`]: { anyOf: [{ $ref: '#/components/schemas/Person' }, { type: 'null' }] },
    },
  },
  'server-changed': { 'all addresses begin otherwise': { 'servers 0 url': '/v2' } },
  'parameter-removed': {
    'a query parameter is gone': { [`${list} parameters 1`]: gone },
    'a header is no longer looked at': { [`${list} parameters 2`]: gone },
    'a parameter is called otherwise': { [`${list} parameters 0 name`]: 'max' },
    'a parameter is looked for in another place': { [`${list} parameters 2 in`]: 'query' },
  },
  'parameter-required': {
    'a new parameter is needed': { [`${list} parameters 3`]: needed('shop') },
    'a parameter has become needed': { [`${list} parameters 0 required`]: true },
  },
  'parameter-style-changed': {
    'a list is separated by commas': { [`${list} parameters 1 explode`]: false },
    'an object is written in brackets': { [`${list} parameters 1 style`]: 'deepObject' },
  },
  'body-removed': { 'no body is taken': { [`${add} requestBody`]: gone } },
  'body-required': {
    'the body has become needed': { [`${add} requestBody required`]: true },
    'there is a body, and it is needed': { [`${list} requestBody`]: { required: true, ...json({}) } },
  },
  'media-type-removed': {
    'a body is not taken in some media type': { [`${add} requestBody content text/csv`]: gone },
    'an answer comes in another media type': {
      [`${list} responses 200 content`]: { 'text/csv': { schema: { type: 'string' } } },
    },
    'an error has no body': { 'components responses Missing content': gone },
  },
  'response-removed': {
    'a success is another': { [`${add} responses 201`]: gone, [`${add} responses 200`]: { description: 'Done' } },
    'a 304 never comes': { [`${list} responses 304`]: gone },
    'other errors are not documented': { [`${list} responses default`]: gone },
  },
  'success-added': { 'a second success may come': { [`${add} responses 202`]: { description: 'Later' } } },
  'header-removed': { 'a header of an answer is gone': { [`${list} responses 200 headers ETag`]: gone } },
  'security-demanded': {
    'a key is asked where none was': { 'paths /things/{id} get security': [{ key: ['read'] }] },
    'one of two ways is closed': { 'security 1': gone },
    'another scope is asked': { [`${add} security 0 key`]: ['admin'] },
    'two keys are asked at once': { [`${add} security 0 ticket`]: [] },
    'an operation asks for more than all others': { [`${list} security`]: [{ key: ['write'] }, { ticket: [] }] },
  },
  'security-scheme-changed': {
    'the key goes into another header': { 'components securitySchemes ticket name': 'token' },
  },
  'type-changed': {
    'an answer has a number for text': { [`${thingField} id type`]: 'number' },
    'an answer has fractions': { [`${thingField} weight type`]: 'number' },
    'an answer may have null': { [`${thingField} id type`]: ['string', 'null'] },
    'an answer may have null in place of a component': {
      [`${list} responses 200 content application/json schema items`]: { anyOf: [thing, { type: 'null' }] },
    },
    'an answer may have anything': { [`${thingField} weight`]: {} },
    'an answer may have other things in a list': { [`${thingField} parts items`]: {} },
    'a header of an answer is of another type': { [`${list} responses 200 headers ETag schema type`]: 'integer' },
    'a field of an error is of another type': {
      'components responses Missing content application/json schema properties detail type': 'array',
    },
    'a request takes integers only': { [`${newField} size type`]: ['integer', 'null'] },
    'a request takes no null': { [`${newField} size type`]: 'number' },
    'a parameter is of another type': { [`${list} parameters 1 schema items type`]: 'integer' },
    'values of any name are of another type': { [`${thingField} notes additionalProperties type`]: 'integer' },
    'an alternative is of another type': { [`${thingField} measure oneOf 1 type`]: 'boolean' },
  },
  'enum-narrowed': {
    'a value is refused': { [`${list} parameters 1 schema items enum`]: ['red'] },
    'only some values are taken': { [`${newField} id enum`]: ['x'] },
  },
  'enum-grown': {
    'an answer may have a new value': { [`${thingField} state enum`]: ['new', 'old', 'lost'] },
    'an answer may have any value': { [`${thingField} state enum`]: gone },
  },
  'enum-value-removed': {
    'a value never comes': { [`${thingField} state enum`]: ['new'] },
    'a code, of which more may come, never comes': { [`${thingField} code enum`]: ['a', 'c'] },
  },
  'property-removed': {
    'a field of an answer is gone': { [`${thingField} weight`]: gone },
    'a field of an answer is called otherwise': {
      [`${thingField} weight`]: gone,
      [`${thingField} mass`]: { type: 'integer' },
    },
    'a field of a request is gone': { [`${newField} size`]: gone },
  },
  'property-required': {
    'a new field is needed': {
      [`${newField} shop`]: { type: 'string' },
      'components schemas NewThing required': ['id', 'shop'],
    },
    'a field has become needed': { 'components schemas NewThing required': ['id', 'size'] },
  },
  'property-optional': { 'a field may be absent': { 'components schemas Thing required': ['id'] } },
  'limit-tightened': {
    'text may be less long': { [`${newField} id maxLength`]: 10 },
    'text may be less short': { [`${newField} id minLength`]: 2 },
    'a list may hold less': { [`${newField} tags maxItems`]: 4 },
    'a list may not be empty': { [`${newField} tags minItems`]: 1 },
    'a number may be less large': { [`${list} parameters 0 schema maximum`]: 50 },
    'a number may be less small': { [`${list} parameters 0 schema minimum`]: 2 },
    'a limit is new': { [`${newField} tags items maxLength`]: 1000 },
  },
  'limit-loosened': {
    'text of an answer may be longer': { [`${thingField} id maxLength`]: 21 },
    'a number of an answer may be below zero': { [`${thingField} weight minimum`]: gone },
  },
  'form-changed': {
    'a parameter has another pattern': { [`${list} parameters 2 schema pattern`]: '^[a-c]' },
    'a field of a request has a pattern': { [`${newField} id pattern`]: '^x' },
    'a field of an answer is of no format': { [`${thingField} at format`]: gone },
    'a field of an answer is of a format, and so of another type in a client': { [`${thingField} id format`]: 'uuid' },
  },
  closed: {
    'a request may have no other fields': { 'components schemas NewThing additionalProperties': false },
    'an answer has no other fields': { 'components schemas Owner additionalProperties': false },
  },
  'default-changed': {
    'a parameter that is left out means something else': { [`${list} parameters 0 schema default`]: 20 },
  },
  'alternatives-changed': {
    'an answer has an alternative more': { [`${thingField} measure oneOf 2`]: { type: 'null' } },
  },
  'keyword-changed': {
    'a schema has a keyword without a rule': { [`${newField} size not`]: { const: 7 } },
    'an operation has its own servers': { [`${list} servers`]: [{ url: '/elsewhere' }] },
    'a parameter is given as JSON': { [`${list} parameters 0 content`]: { 'application/json': {} } },
  },
}

tap.test('each rule has its changes', async (t) => {
  t.strictSame(Object.keys(breaking).toSorted(), Object.keys(contractRules).toSorted())
  t.strictSame(breakingChanges(changed({}), changed({})), [], 'and the made-up contract does not break itself')
})

for (const [rule, changes] of Object.entries(breaking)) {
  for (const [what, change] of Object.entries(changes)) {
    tap.test(`it breaks clients when ${what} (${rule})`, async (t) => {
      const rules = new Set(breakingChanges(changed({}), changed(change)).map((found) => found.rule))
      t.ok(rules.has(rule as Rule), `found: ${Array.from(rules).join(', ') || 'nothing'}`)
    })
  }
}

const harmless: Readonly<Record<string, Change>> = {
  'a path is new': { 'paths /shops': contract.paths['/things'] },
  'a parameter that nobody needs is new': { [`${list} parameters 3`]: { ...needed('shop'), required: false } },
  'a parameter is no longer needed': { [`${list} parameters 0 required`]: false },
  'the parameters are in another order': {
    [`${list} parameters`]: contract.paths['/things'].get.parameters.toReversed(),
  },
  'the style that a parameter has anyway is said': { [`${list} parameters 1 style`]: 'form' },
  'a field of an answer is new': { [`${thingField} price`]: { type: 'number' } },
  'a field of an answer is always there': { 'components schemas Thing required': ['id', 'state', 'weight'] },
  'an answer never has null': { 'components schemas Owner properties name type': 'string' },
  'an answer has less of a limit': { [`${thingField} id maxLength`]: 10 },
  'an answer has integers': { [`${thingField} measure oneOf 0 type`]: 'integer' },
  'a value is new where more may come': { [`${thingField} code enum`]: ['a', 'b', 'c'] },
  'a field of a request that nobody needs is new': { [`${newField} price`]: { type: 'number' } },
  'a field of a request is no longer needed': { 'components schemas NewThing required': [] },
  'a request may have another value': { [`${list} parameters 1 schema items enum`]: ['red', 'blue', 'green'] },
  'a request may have any value': { [`${list} parameters 1 schema items enum`]: gone },
  'a request may have null': { [`${newField} id type`]: ['string', 'null'] },
  'a request may be larger': { [`${newField} id maxLength`]: 30, [`${newField} tags maxItems`]: gone },
  'a pattern is gone': { [`${list} parameters 2 schema pattern`]: gone },
  'a body is taken in another media type': { [`${add} requestBody content application/xml`]: {} },
  'an answer comes in another media type too': { [`${list} responses 200 content text/csv`]: {} },
  'an answer has another header': { [`${list} responses 200 headers Age`]: { schema: { type: 'integer' } } },
  'another error is documented': { [`${list} responses 429`]: { $ref: '#/components/responses/Missing' } },
  'an error never comes': { [`${list} responses 404`]: gone },
  'there is another way in': { 'security 2': { cookie: [] } },
  'nothing is asked any more': { security: [] },
  'a component is new': { 'components schemas Shop': { type: 'object' } },
  'a schema is said in place of its component': {
    'paths /things/{id} get responses 200 content application/json schema': contract.components.schemas.Thing,
  },
  'something is described, shown or deprecated': {
    'info description': 'Things',
    [`${list} summary`]: 'All',
    [`${list} description`]: 'All of them',
    [`${list} deprecated`]: true,
    [`${list} parameters 0 description`]: 'At most',
    [`${list} parameters 0 schema examples`]: [5],
    [`${list} responses 200 description`]: 'Some things',
    [`${list} responses 200 content application/json example`]: [],
    [`${thingField} id description`]: 'Its id',
    [`${thingField} id x-note`]: 1,
    'components securitySchemes key description': 'A key of yours',
  },
}

for (const [what, change] of Object.entries(harmless)) {
  tap.test(`it breaks nobody when ${what}`, async (t) => {
    t.strictSame(breakingChanges(changed({}), changed(change)), [])
  })
}

tap.test('of the real contract nothing can be taken away unseen', async (t) => {
  const before = read('openapi.json')
  const after = structuredClone(before)
  t.strictSame(breakingChanges(before, after), [])
  const unseen: string[] = []
  let taken = 0
  /** Takes each entry away, looks, and puts it back. */
  const takeEach = (from: object | undefined, at: string) => {
    for (const [name, value] of Object.entries(from ?? {})) {
      Reflect.deleteProperty(from ?? {}, name)
      if (breakingChanges(before, after).length === 0) unseen.push(`${at} ${name}`)
      Object.assign(from ?? {}, { [name]: value })
      taken++
    }
  }
  takeEach(after.paths, 'path')
  takeEach(after.components.schemas, 'component')
  for (const [name, { properties }] of Object.entries(after.components.schemas ?? {})) takeEach(properties, name)
  for (const [path, methods] of Object.entries(after.paths)) {
    for (const [method, { responses }] of Object.entries(methods)) {
      const relied = Object.entries(responses).filter(([status]) => /^[23d]/.test(status))
      takeEach(methods, path)
      for (const [status, response] of relied) {
        takeEach(response.headers, `${method} ${path} ${status}`)
        takeEach(response.content, `${method} ${path} ${status}`)
      }
    }
  }
  t.ok(taken > 300, `${taken} looked at`)
  t.strictSame(unseen, [])
})

const version = (number: string) => ({ 'info version': number })
const withoutWeight = { [`${thingField} weight`]: gone }

tap.test('a breaking change may come with a new major version, and with no other', async (t) => {
  const faults = (number: string) => compatibilityFaults(changed({}), changed({ ...withoutWeight, ...version(number) }))
  t.match(faults('1.2.3'), ['property-removed at Thing.weight: a field is gone'])
  t.equal(faults('1.3.0').length, 1)
  t.equal(faults('0.9.0').length, 1, 'a major that moves backwards is none')
  t.strictSame(faults('2.0.0'), [])
  t.strictSame(faults('10.0.0-beta.1'), [])
})

tap.test('a contract is released once for each version, and only with what its version allows', async (t) => {
  const faults = (change: Change) => releaseFaults(changed({}), changed(change))
  t.strictSame(releaseFaults(undefined, changed({})), [], 'the first')
  t.match(faults({}), [/version 1\.2\.3 has been released and the contract says 1\.2\.3/])
  t.match(faults(version('1.2.2')), [/the contract says 1\.2\.2/])
  t.strictSame(faults(version('1.2.4')), [])
  t.strictSame(faults({ ...version('1.10.0'), 'paths /shops': contract.paths['/things'] }), [])
  t.match(faults({ ...version('1.3.0'), ...withoutWeight }), [/^property-removed/])
  t.strictSame(faults({ ...version('2.0.0'), ...withoutWeight }), [])
})
