import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { parse } from 'yaml'
import { problems } from '../../../src/errors.js'
import { Metrics } from '../../../src/http/metrics.js'
import { startConnections } from '../../connections-service.js'
import { routesOf } from '../../openapi/routes.js'
import { type AlertRule, alertRules, dashboard, type Panel, read } from '../../operations/files.js'
import { type Exposed, type Query, readExposed, readQuery } from '../../operations/promql.js'
import { startMirrored } from '../mirror/mirrored.js'

const root = join(import.meta.dirname, '..', '..', '..', '..')
const runbook = read('docs/runbook.md')
const job = 'trackstar-bff'

/** Labels that Prometheus itself adds to every sample. */
const targetLabels = ['job', 'instance']

/** The metrics of a service that has seen some of everything, and its addresses. */
async function observe(): Promise<{ exposed: Exposed; paths: readonly string[] }> {
  const { app, get, post, move, sandbox } = await startMirrored(tap)
  await get('/products/GONGFU-SET/stock')
  await get('/products/NO-SUCH-SKU/stock')
  sandbox.fault('/wms/inventory', { status: 503, times: 1 })
  await get('/inventory?limit=1')
  await post('/stock/query', { skus: [] })
  await move('inv_cup', 1, 'wh_oslo')
  await app.inject({
    method: 'PUT',
    url: '/inventory/inv_tray/adjust',
    payload: { quantity: 1, adjustment_type: 'increase' },
  })
  const onDemand = await startConnections(tap, { default: {} })
  await onDemand.get('/products/GONGFU-SET/stock')
  const replica = new Metrics()
  replica.watchReplicas(() => ({ id: 'a', count: 2, redis: 'ok', commands: 1, refusedWrites: 0 }))
  return {
    exposed: readExposed(
      (await get('/metrics')).body,
      (await onDemand.get('/metrics')).body,
      await replica.registry.metrics(),
    ),
    paths: (await routesOf(app)).map((route) => route.replace(/^\w+ /, '')),
  }
}

const { exposed, paths } = await observe()

/** Whether a label may have this value; true for labels whose values are not known. */
function isPossible(label: string, value: string, known: ReadonlySet<string>): boolean {
  if (label === 'job') return value === job || value === '$job'
  if (label === 'instance') return value === '$instance'
  if (label === 'connection') return value === '$connection'
  if (label === 'code') return value in problems
  if (label === 'route') return paths.includes(value)
  if (label === 'status') return /^[1-5](\d\d|\.\.)$/.test(value)
  if (label === 'outcome' && /^[45]\d\d$/.test(value)) return true
  return known.has(value)
}

/** What a query refers to that does not exist, one line each. */
function unknownIn(query: Query, there = exposed): string[] {
  const named = query.selectors.filter(({ metric }) => !['up', 'ALERTS'].includes(metric))
  const labels = new Set(named.flatMap(({ metric }) => Array.from(there.get(metric)?.keys() ?? [])))
  return [
    ...query.groupedBy
      .filter((label) => !labels.has(label) && !targetLabels.includes(label))
      .map((label) => `no metric of the query has the label ${label}`),
    ...named.flatMap(({ metric, matchers }) => {
      const known = there.get(metric)
      if (known === undefined) return [`there is no metric ${metric}`]
      return matchers.flatMap(({ label, values }) => {
        if (!known.has(label) && !targetLabels.includes(label)) return [`${metric} has no label ${label}`]
        const seen = known.get(label) ?? new Set<string>()
        const impossible = values.filter((value) => !isPossible(label, value, seen))
        return impossible.map((value) => `${label} of ${metric} is never ${value}`)
      })
    }),
  ]
}

const slugOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
/** The code between backquotes within a line. */
const quotedIn = (text: string) =>
  Array.from(text.replaceAll(/```[^`]*```/g, '').matchAll(/`([^`\n]+)`/g), ([, code = '']) => code)
const blocksOf = (language: string) =>
  Array.from(runbook.matchAll(new RegExp(`\`\`\`${language}\n([^\`]*)\`\`\``, 'g')), ([, code = '']) => code)
const [, alertsPart = ''] = /^## Alerts\n(.*?)^## /ms.exec(runbook) ?? []
const sections = alertsPart
  .split(/^### /m)
  .slice(1)
  .map((section) => ({ name: section.split('\n', 1)[0] ?? '', text: section }))

tap.test('the metrics, labels and values of alerts, dashboard and runbook exist', async (t) => {
  const queries = [
    ...alertRules.map(({ alert, expr }) => [alert, expr] as const),
    ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
    ...dashboard.annotations.list.map(({ expr }) => ['annotations', expr] as const),
    ...blocksOf('promql')
      .flatMap((block) => block.trim().split('\n'))
      .map((line) => ['runbook', line] as const),
    ...quotedIn(runbook)
      .filter((code) => /\{\w+=|^\w+ ?\(/.test(code))
      .map((code) => ['runbook', code] as const),
  ]
  t.ok(queries.length > 100)
  for (const [name, text] of queries) t.same(unknownIn(readQuery(text)), [], `${name}: ${text}`)

  const metricNames = quotedIn(runbook).filter((code) =>
    /^(http|trackstar|cache|mirror|process|nodejs|stock)_\w+$/.test(code),
  )
  for (const name of metricNames) t.ok(exposed.has(name) || name in problems, name)
  const addresses = quotedIn(runbook).filter((code) => /^\/[\w/:]*$/.test(code))
  for (const address of addresses) t.ok(paths.includes(address), address)
})

/** The labels that alerts of the rule carry: those it groups by, or else those of the metric. */
function labelsOf({ expr }: AlertRule): readonly string[] {
  const { groupedBy, selectors } = readQuery(expr)
  if (groupedBy.length > 0) return groupedBy
  return [...targetLabels, ...selectors.flatMap(({ metric }) => Array.from(exposed.get(metric)?.keys() ?? []))]
}

tap.test('every alert has a severity, a summary, a description and a runbook section', async (t) => {
  const names = alertRules.map(({ alert }) => alert)
  t.same(names, [...new Set(names)])
  for (const rule of alertRules) {
    const { alert, labels, annotations } = rule
    t.match(alert, /^TrackstarBff[A-Z]/)
    t.ok(['critical', 'warning'].includes(String(labels['severity'])), alert)
    t.ok(annotations['summary'], alert)
    const used = Array.from(String(annotations['description']).matchAll(/\$labels\.(\w+)/g), ([, label]) => label)
    t.same(
      used.filter((label) => !labelsOf(rule).includes(String(label))),
      [],
      `${alert} has the labels that its description names`,
    )
    t.equal(annotations['runbook_url'], `docs/runbook.md#${slugOf(alert)}`)
  }
})

tap.test('the runbook has a section for every alert, in the same order, and no others', async (t) => {
  t.same(
    sections.map(({ name }) => name),
    alertRules.map(({ alert }) => alert),
  )
  for (const { name, text } of sections) {
    for (const part of ['Meaning', 'Impact', 'Confirm', 'Do', 'Do not']) t.match(text, `**${part}**`, name)
  }
})

tap.test('the promtool tests make every alert fire', async (t) => {
  const { tests } = parse(read('test/operations/alerts.promtool.yml')) as { tests: object[] }
  const fired = new Set(JSON.stringify(tests).match(/TrackstarBff\w+/g))
  t.same([...fired].toSorted(), alertRules.map(({ alert }) => alert).toSorted())
})

tap.test(
  'the log messages in the runbook exist in the source',
  { todo: 'the messages are being renamed' },
  async (t) => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => read(join('src', file)))
    const [, rows = ''] = /^\| message .*\n\|[ -|]*\n((?:\|.*\n)*)/m.exec(runbook) ?? []
    const listed = Array.from(rows.matchAll(/^\| `([^`]+)`/gm), ([, message = '']) => message)
    const searched = Array.from(
      blocksOf('sh')
        .join('\n')
        .matchAll(/grep '([a-z][^']*?)[ \d]*'/g),
      ([, words = '']) => words,
    )
    const quoted = Array.from(runbook.matchAll(/`([^`]+)`(?:,? with [^.]*)? in the\s+log/g), ([, words = '']) => words)
    const ended = ['trackstar-bff cannot start:', 'the catalog is larger than CACHE_MAX_MB']
    t.ok(listed.length >= 8 && searched.length >= 2 && quoted.length >= 2)
    for (const message of [...listed, ...searched, ...quoted, ...ended]) {
      t.match(runbook, message)
      t.ok(
        sources.some((source) => source.includes(message)),
        message,
      )
    }
  },
)

tap.test('the dashboard can be imported: unique ids, panels side by side, and existing variables', async (t) => {
  const { panels, templating, uid } = dashboard
  t.equal(uid, 'trackstar-bff')
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  t.same(
    panels.filter(({ type }) => type === 'row').map(({ title }) => title),
    [
      'Traffic and latency',
      'Cache and freshness',
      'Upstream: rate limit and circuit breaker',
      'Mirror',
      'Callers',
      'Process',
    ],
  )
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }: Panel) =>
    Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
  )
  t.equal(new Set(cells).size, cells.length, 'panels do not overlap')
  t.ok(panels.every(({ gridPos: { x, w } }) => x + w <= 24))
  const known = [...templating.list.map(({ name }) => name), '__rate_interval']
  t.same(templating.list[0], { ...templating.list[0], type: 'datasource', query: 'prometheus' })
  for (const { title, type, datasource, targets = [] } of panels) {
    if (type === 'row') continue
    t.equal(datasource?.uid, `\${${templating.list[0]?.name}}`, title)
    t.ok(targets.length > 0, title)
    for (const { expr } of targets) {
      const used = Array.from(expr.matchAll(/\$(\w+)/g), ([, name = '']) => name)
      t.same(
        [...new Set(used)].filter((name) => !known.includes(name)),
        [],
        expr,
      )
    }
  }
})
