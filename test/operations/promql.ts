/** What a query of Prometheus asks for, as far as it can be held against what the service exposes. */
export interface Query {
  readonly selectors: readonly Selector[]
  /** The labels that it groups or matches by. */
  readonly groupedBy: readonly string[]
}

export interface Selector {
  readonly metric: string
  readonly matchers: readonly Matcher[]
}

export interface Matcher {
  readonly label: string
  /** The alternatives, where it is a regular expression: `a|b` is `a` and `b`. */
  readonly values: readonly string[]
}

const grouping = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g
const selector = /([a-zA-Z_:][\w:]*)\s*\{((?:[^{}"]|"[^"]*")*)\}/g
const matcher = /(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g
const keywords = ['and', 'or', 'unless', 'bool', 'offset']

/** Reads a query. Not a parser of PromQL: it knows what the queries of `docs` are made of. */
export function readQuery(text: string): Query {
  const unbalanced = unbalancedIn(text)
  if (unbalanced !== undefined) throw new Error(`${unbalanced} has no partner in ${text}`)
  const selectors: Selector[] = []
  const groupedBy: string[] = []
  const rest = text
    .replaceAll(grouping, (_clause, labels: string) => {
      groupedBy.push(...labels.split(',').map((label) => label.trim()))
      return ' '
    })
    .replaceAll(selector, (_whole, metric: string, matchers: string) => {
      selectors.push({ metric, matchers: Array.from(matchers.matchAll(matcher), readMatcher) })
      return ' '
    })
    .replaceAll(/\[[^\]]*\]/g, ' ')
  for (const [, name = '', isFunction] of rest.matchAll(/(?<![\w.$])([a-zA-Z_:][\w:]*)(\s*\()?/g)) {
    if (isFunction === undefined && !keywords.includes(name)) selectors.push({ metric: name, matchers: [] })
  }
  return { selectors, groupedBy }
}

function readMatcher([, label = '', operator = '', value = '']: RegExpExecArray): Matcher {
  return { label, values: operator.endsWith('~') ? value.split('|') : [value] }
}

const partners: ReadonlyMap<string, string> = new Map([
  [')', '('],
  [']', '['],
  ['}', '{'],
])

/** The first bracket without a partner, quoted text aside. */
function unbalancedIn(text: string): string | undefined {
  const open: string[] = []
  for (const character of text.replaceAll(/"[^"]*"/g, '')) {
    if ('([{'.includes(character)) open.push(character)
    else if (partners.has(character) && open.pop() !== partners.get(character)) return character
  }
  return open.at(-1)
}

/** The labels, and their values, of every metric in a text that Prometheus would scrape. */
export type Exposed = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>

export function readExposed(...texts: readonly string[]): Exposed {
  const exposed = new Map<string, Map<string, Set<string>>>()
  for (const line of texts.join('\n').split('\n')) {
    const [, metric, labels = ''] = /^([a-zA-Z_:][\w:]*)(\{.*\})? \S+$/.exec(line) ?? []
    if (metric === undefined) continue
    const known = exposed.get(metric) ?? new Map<string, Set<string>>()
    exposed.set(metric, known)
    for (const { label, values } of Array.from(labels.matchAll(matcher), readMatcher)) {
      known.set(label, new Set([...(known.get(label) ?? []), ...values]))
    }
  }
  return exposed
}
