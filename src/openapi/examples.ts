import { readFileSync } from 'node:fs'
import type { ProblemCode } from '../errors.js'

/** One example of a response body. `description` begins with the request that gives it. */
export interface ResponseExample {
  readonly summary: string
  readonly description: string
  readonly value: unknown
}

type NamedExamples = Readonly<Record<string, ResponseExample>>

/** What `openapi/examples.json` holds: answers of the sandbox, captured by `npm run openapi`. */
export interface Examples {
  /** By operation id, status and name. */
  readonly operations: Readonly<Record<string, Readonly<Record<string, NamedExamples>>>>
  /** One for each code; an operation's own example of a code replaces it. */
  readonly problems: Readonly<Partial<Record<ProblemCode, ResponseExample>>>
}

/** Reads the captured examples. Throws if the file is missing: it is part of the package. */
export const readExamples = (): Examples =>
  JSON.parse(readFileSync(new URL(import.meta.resolve('#openapi/examples.json')), 'utf8')) as Examples
