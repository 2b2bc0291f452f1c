import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { ConfigError } from './config-error.js'
import { type Format, integer, namePattern, oneOf, token } from './formats.js'

/** What distinguishes one connection from another: a customer's warehouse system at Trackstar, with a token of its own. */
export interface ConnectionConfig {
  /** The name by which callers and operators know it. */
  readonly name: string
  /** Secret. */
  readonly accessToken: string
  /** Its id at Trackstar; undefined if it is not configured. */
  readonly connectionId: string | undefined
  /** Reads in any one second. */
  readonly readRate: number
  /** Writes in any one second. */
  readonly writeRate: number
  readonly catalogMode: CatalogMode
}

export type CatalogMode = 'mirror' | 'on-demand'

/** Several connections whose stock is seen as one. */
export interface ConnectionGroup {
  readonly name: string
  /** Names of connections, in the order of the file. */
  readonly connections: readonly string[]
}

/** The content of `CONNECTIONS_FILE`. */
export interface ConnectionsFile {
  readonly connections: readonly ConnectionConfig[]
  readonly groups: readonly ConnectionGroup[]
}

/** What counts for a connection that does not say it itself. */
export type ConnectionDefaults = Pick<ConnectionConfig, 'readRate' | 'writeRate' | 'catalogMode'>

const name: Format<string> = {
  expected: 'a name of a-z, 0-9, _ and -, at most 63 characters, that begins with a letter or digit',
  parse: (text) => (namePattern.test(text) ? text : undefined),
}
const rate = integer(1, 10_000)
const mode = oneOf('mirror', 'on-demand')
const connectionFields = [
  'name',
  'access_token',
  'access_token_file',
  'connection_id',
  'read_rate',
  'write_rate',
  'catalog_mode',
]
const groupFields = ['name', 'connections']

type Json = Readonly<Record<string, unknown>>

/**
 * Reads `CONNECTIONS_FILE`, and the files of tokens that it names, relative to its own folder.
 * @throws {ConfigError} with a line for each fault, by its JSON pointer: what was expected and, unless it is a token, what was
 * given
 */
export function readConnectionsFile(
  path: string,
  defaults: ConnectionDefaults,
  readFile: (path: string) => string = (file) => readFileSync(file, 'utf8'),
): ConnectionsFile {
  let text: string
  try {
    text = readFile(path)
  } catch (error) {
    throw new ConfigError([
      `CONNECTIONS_FILE is wrong: expected a file that can be read, but got ${JSON.stringify(path)} (${codeOf(error)})`,
    ])
  }
  return new FileReader(parseJson(text), defaults, (file) => readFile(resolve(dirname(path), file))).read()
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    // The message of the error quotes the text, which contains tokens.
    const [, position] = /at position (\d+)/.exec(String(error)) ?? []
    const line = position === undefined ? undefined : text.slice(0, Number(position)).split('\n').length
    throw new ConfigError([
      `CONNECTIONS_FILE is wrong: expected JSON, but got a syntax error${line ? ` in line ${line}` : ''}`,
    ])
  }
}

/** Checks the whole file, so that all faults are reported at once. */
class FileReader {
  readonly #problems: string[] = []
  readonly #tokens: ReadonlySet<unknown>
  /** Where each name, token and id was first used. */
  readonly #used = { name: new Map<string, string>(), token: new Map<string, string>(), id: new Map<string, string>() }

  constructor(
    private readonly file: unknown,
    private readonly defaults: ConnectionDefaults,
    private readonly readFile: (path: string) => string,
  ) {
    const all = isObject(file) && Array.isArray(file['connections']) ? file['connections'] : []
    this.#tokens = new Set(all.filter(isObject).flatMap((connection) => connection['access_token'] ?? []))
  }

  read(): ConnectionsFile {
    const { file } = this
    if (!isObject(file)) {
      throw new ConfigError([`CONNECTIONS_FILE is wrong: expected an object with connections, but got ${kindOf(file)}`])
    }
    this.#checkFields('', file, ['connections', 'groups'])
    const connections = this.#list('/connections', file['connections'], 'connections').map((connection, index) =>
      this.#connection(`/connections/${index}`, connection),
    )
    const names = new Set(connections.flatMap((connection) => connection?.name ?? []))
    const groups =
      file['groups'] === undefined
        ? []
        : this.#list('/groups', file['groups'], 'groups', 0).map((group, index) =>
            this.#group(`/groups/${index}`, group, names),
          )
    if (this.#problems.length > 0) throw new ConfigError(this.#problems)
    return Object.freeze({
      connections: connections.flatMap((one) => one ?? []),
      groups: groups.flatMap((one) => one ?? []),
    })
  }

  #connection(pointer: string, given: unknown): ConnectionConfig | undefined {
    // A text where a connection is expected may be its token.
    if (!isObject(given)) return this.#fault(pointer, 'an object with name and access_token', given, kindOf(given))
    this.#checkFields(pointer, given, connectionFields)
    const found = {
      name: this.#once('name', `${pointer}/name`, this.#text(`${pointer}/name`, given['name'], name)),
      accessToken: this.#token(pointer, given),
      connectionId: this.#once(
        'id',
        `${pointer}/connection_id`,
        this.#optional(
          given['connection_id'],
          (value) => this.#text(`${pointer}/connection_id`, value, token),
          undefined,
        ),
      ),
      readRate: this.#rate(`${pointer}/read_rate`, given['read_rate'], this.defaults.readRate),
      writeRate: this.#rate(`${pointer}/write_rate`, given['write_rate'], this.defaults.writeRate),
      catalogMode: this.#optional(
        given['catalog_mode'],
        (value) => this.#text(`${pointer}/catalog_mode`, value, mode),
        this.defaults.catalogMode,
      ),
    }
    // What is undefined has been reported.
    return Object.freeze(found) as ConnectionConfig
  }

  #group(pointer: string, given: unknown, names: ReadonlySet<string>): ConnectionGroup | undefined {
    if (!isObject(given)) return this.#fault(pointer, 'an object with name and connections', given, kindOf(given))
    this.#checkFields(pointer, given, groupFields)
    const ownName = this.#once('name', `${pointer}/name`, this.#text(`${pointer}/name`, given['name'], name))
    const members = this.#list(`${pointer}/connections`, given['connections'], 'names of connections')
    const seen = new Set<unknown>()
    for (const [index, member] of members.entries()) {
      const at = `${pointer}/connections/${index}`
      if (typeof member !== 'string' || !names.has(member))
        this.#fault(at, 'the name of a connection of this file', member)
      else if (seen.has(member)) this.#fault(at, 'a connection that the group does not have yet', member)
      seen.add(member)
    }
    return Object.freeze({ name: String(ownName), connections: Object.freeze(members.map(String)) })
  }

  #token(pointer: string, given: Json): string | undefined {
    const { access_token: text, access_token_file: file } = given
    if ((text === undefined) === (file === undefined)) {
      const got = text === undefined ? 'neither' : 'both'
      this.#problems.push(`${pointer}: expected access_token or access_token_file, but got ${got}`)
      return undefined
    }
    const at = `${pointer}/${text === undefined ? 'access_token_file' : 'access_token'}`
    const found = text === undefined ? this.#tokenFrom(at, file) : text
    if (found === undefined) return undefined
    const value = typeof found === 'string' ? token.parse(found) : undefined
    if (value === undefined) {
      this.#problems.push(
        `${at}: expected a token of ${token.expected}, but got something else (not shown: it is a secret)`,
      )
      return undefined
    }
    return this.#once('token', at, value)
  }

  /** The content of a file, without the line end that editors add. */
  #tokenFrom(pointer: string, file: unknown): string | undefined {
    if (typeof file !== 'string' || file === '') return this.#fault(pointer, 'the path of a file', file)
    try {
      return this.readFile(file).trim()
    } catch (error) {
      this.#problems.push(
        `${pointer}: expected a file that can be read, but got ${this.#showPath(file)} (${codeOf(error)})`,
      )
      return undefined
    }
  }

  #rate(pointer: string, given: unknown, fallback: number): number | undefined {
    if (given === undefined) return fallback
    const value = typeof given === 'number' ? rate.parse(String(given)) : undefined
    return value ?? this.#fault(pointer, rate.expected, given)
  }

  #text<T extends string>(pointer: string, given: unknown, { expected, parse }: Format<T>): T | undefined {
    const value = typeof given === 'string' ? parse(given) : undefined
    return value ?? this.#fault(pointer, expected, given)
  }

  #optional<T>(given: unknown, parse: (value: unknown) => T | undefined, fallback: T): T | undefined {
    return given === undefined ? fallback : parse(given)
  }

  /** The value, reported if another place of the file has it as well. */
  #once(kind: 'name' | 'token' | 'id', pointer: string, value: string | undefined): string | undefined {
    if (value === undefined) return undefined
    const first = this.#used[kind].get(value)
    if (first === undefined) this.#used[kind].set(value, pointer)
    else this.#problems.push(`${pointer}: expected another value than ${first}, but got the same`)
    return value
  }

  #list(pointer: string, given: unknown, elements: string, least = 1): readonly unknown[] {
    if (Array.isArray(given) && given.length >= least) return given
    this.#fault(pointer, `a list of ${elements}`, given, kindOf(given))
    return []
  }

  #checkFields(pointer: string, given: Json, known: readonly string[]): void {
    for (const field of Object.keys(given)) {
      if (known.includes(field)) continue
      const escaped = field.replaceAll('~', '~0').replaceAll('/', '~1')
      this.#problems.push(
        `${pointer}/${this.#tokens.has(field) ? '…' : escaped}: expected one of ${known.join(', ')}, but got another field`,
      )
    }
  }

  #fault(pointer: string, expected: string, given: unknown, shown = this.#show(given)): undefined {
    this.#problems.push(`${pointer}: expected ${expected}, but got ${shown}`)
    return undefined
  }

  /** What was given, unless it is a token in the wrong place, or may contain one. */
  #show(given: unknown): string {
    if (this.#tokens.has(given)) return 'a token (not shown: it is a secret)'
    if (typeof given === 'string' && given.length > 100) return `a text of ${given.length} characters`
    return given === null || ['string', 'number', 'boolean'].includes(typeof given)
      ? JSON.stringify(given)
      : kindOf(given)
  }

  /** The path of a file. A text that does not begin like one may be the token itself, in the wrong field. */
  #showPath(path: string): string {
    return /^(?:\.{0,2}\/|[a-z]:\\)/i.test(path) ? this.#show(path) : 'another text (not shown: it may be a token)'
  }
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const kindOf = (value: unknown): string => {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  return value === null ? 'null' : typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

const codeOf = (error: unknown): string => String(Object(error).code ?? 'unreadable')
