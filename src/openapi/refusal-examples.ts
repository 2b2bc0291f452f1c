import { type ProblemCode, problem, problemBody, problems } from '../errors.js'

interface Refusal {
  /** The request, as it is asked or told of. */
  readonly asked: string
  readonly detail: string
}

const unparsed = 'Expected a request by RFC 9112 within the limits of this service'

/** What is refused before it is for any operation, and so is documented with none. */
const refusals: Partial<Record<ProblemCode, Refusal>> = {
  route_not_found: { asked: '`GET /nowhere`', detail: 'There is no GET /nowhere here' },
  method_not_allowed: { asked: '`PUT /stock`', detail: 'Expected GET or HEAD, but got PUT' },
  request_timeout: { asked: 'A request that stops half-way', detail: unparsed },
  headers_too_large: { asked: 'A request with more than 32 KiB of headers', detail: unparsed },
}

/** A body of each, by code: made as the service makes it. */
export const refusalExamples = Object.fromEntries(
  Object.entries(refusals).map(([code, { asked, detail }]) => {
    const value = problemBody(problem(code as ProblemCode, detail), '6cf590f2-9f4a-4981-af72-3f8accaec68e')
    return [code, { summary: value.title, description: asked, value }]
  }),
)

/** The codes of {@link refusalExamples} in words. */
export const refusalsInWords = Object.keys(refusals)
  .map((code) => `\`${code}\`: ${problems[code as ProblemCode].title}`)
  .join('. ')
