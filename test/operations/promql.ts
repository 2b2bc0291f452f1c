import type { SyntaxNode } from '@lezer/common'
import { parser } from '@prometheus-io/lezer-promql'

/** The metrics and labels that a PromQL query uses. */
export interface Query {
  readonly selectors: readonly Selector[]
  /** The labels that the query groups or matches by. */
  readonly groupedBy: readonly string[]
}

export interface Selector {
  readonly metric: string
  readonly matchers: readonly Matcher[]
}

export interface Matcher {
  readonly label: string
  /** The alternatives of a regular expression: `a|b` is `a` and `b`. */
  readonly values: readonly string[]
}

/** Parses a query with Prometheus' own grammar; throws if it is not valid PromQL. */
export function readQuery(text: string): Query {
  const selectors: Selector[] = []
  const groupedBy: string[] = []
  // Grafana replaces such a variable with a duration before it sends the query.
  const query = text.replaceAll(/\[\$\w+\]/g, '[5m]')
  const textOf = ({ from, to }: { from: number; to: number }) => query.slice(from, to)
  parser.parse(query).iterate({
    enter({ name, type, from, node }) {
      if (type.isError) throw new Error(`Expected PromQL, but got: ${text} (at ${from})`)
      if (name === 'VectorSelector') selectors.push(readSelector(node, textOf))
      if (name === 'LabelName' && node.parent?.name === 'GroupingLabels') groupedBy.push(textOf(node))
    },
  })
  return { selectors, groupedBy }
}

function readSelector(selector: SyntaxNode, textOf: (node: SyntaxNode) => string): Selector {
  const metric = selector.getChild('Identifier')
  const matchers = selector.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []
  return {
    metric: metric ? textOf(metric) : '',
    matchers: matchers.map((matcher) => {
      const [label = '', operator = '', value = ''] = ['LabelName', 'MatchOp', 'StringLiteral'].map((name) => {
        const child = matcher.getChild(name)
        return child ? textOf(child) : ''
      })
      return matcherOf(label, operator, value.slice(1, -1))
    }),
  }
}

const matcherOf = (label: string, operator: string, value: string): Matcher => ({
  label,
  values: operator.endsWith('~') ? value.split('|') : [value],
})

/** The values of each label of each metric in Prometheus' text format. */
export type Exposed = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>

export function readExposed(...texts: readonly string[]): Exposed {
  const exposed = new Map<string, Map<string, Set<string>>>()
  for (const line of texts.join('\n').split('\n')) {
    const [, metric, labels = ''] = /^([a-zA-Z_:][\w:]*)(\{.*\})? \S+$/.exec(line) ?? []
    if (metric === undefined) continue
    const known = exposed.get(metric) ?? new Map<string, Set<string>>()
    exposed.set(metric, known)
    for (const [, label = '', value = ''] of labels.matchAll(/(\w+)="([^"]*)"/g)) {
      known.set(label, new Set([...(known.get(label) ?? []), value]))
    }
  }
  return exposed
}
