import { useEffect } from 'preact/hooks'
import { useNow, useRoute } from './hooks.js'
import { html } from './html.js'
import { Loading, ProblemNote } from './problem.js'
import { addressOf } from './service.js'
import { ageOf, numberText } from './words.js'

/** @typedef {import('./service.js').Schemas['ConnectionStatus']} ConnectionStatus */
/** @typedef {'good' | 'warn' | 'bad'} Light */
/** @typedef {{name: string, light: Light, text: unknown}} Fact */

const everyMs = 3000
/** An error of the last minutes is worth a look; an older one is over. */
const recentMs = 300_000

const words = { good: 'Good', warn: 'Look', bad: 'Bad' }

/** How the service fares, with a light for each connection. */
export function StateView() {
  const now = useNow()
  const { data, problem, reload } = useRoute(addressOf('status').href, everyMs)
  useEffect(() => {
    document.title = 'State – Stock'
  }, [])
  return html`<section aria-labelledby="state">
    <h1 id="state">State</h1>
    ${problem && html`<${ProblemNote} problem=${problem} reload=${reload} />`}
    ${!data && !problem && html`<${Loading} what="the state" />`}
    ${
      data &&
      html`<p class="quiet">
          Version ${data.version}, started ${ageOf(data.started_at, now)}.
          ${' '}${
            data.replicas === null
              ? 'One process, without replicas.'
              : `Replica ${data.replicas.id}, one of ${data.replicas.count}; Redis is ${data.replicas.redis}.`
          }
        </p>
        ${
          data.configuration_error &&
          html`<p class="note bad" role="alert">CONNECTIONS_FILE cannot be used: ${data.configuration_error}</p>`
        }
        <div class="columns">
          ${data.connections.map(
            (/** @type {ConnectionStatus} */ connection) =>
              html`<${ConnectionCard} key=${connection.name} connection=${connection} now=${now} />`,
          )}
        </div>`
    }
  </section>`
}

/** @param {{connection: ConnectionStatus, now: number}} props */
function ConnectionCard({ connection, now }) {
  const facts = factsOf(connection, now)
  const light = worst(facts.map((fact) => fact.light))
  const id = `connection-${connection.name}`
  return html`<section class="card" aria-labelledby=${id}>
    <h2 id=${id}><${LightOf} light=${light} /> ${connection.name}
      ${connection.connection_id && html` <small class="quiet"><code>${connection.connection_id}</code></small>`}</h2>
    <dl class="facts">
      ${facts.map(
        ({ name, light: one, text }) => html`<div><dt><${LightOf} light=${one} /> ${name}</dt>
          <dd>${text}</dd></div>`,
      )}
    </dl>
  </section>`
}

/** @param {{light: Light}} props */
const LightOf = ({ light }) =>
  html`<span class=${`light ${light}`} role="img" aria-label=${words[light]} title=${words[light]}></span>`

/** @param {readonly Light[]} lights @returns {Light} */
const worst = (lights) => (lights.includes('bad') ? 'bad' : lights.includes('warn') ? 'warn' : 'good')

/** @param {ConnectionStatus} connection @param {number} now @returns {Fact[]} */
function factsOf(connection, now) {
  const { mirror, credentials, circuit, budget, source, webhooks, last_error: error, cache } = connection
  const errors = source?.errors ?? []
  const prevents = errors.some(({ preventing_sync: isPreventing }) => isPreventing)
  const isRecent = error !== null && now - Date.parse(error.at) < recentMs
  return [
    mirrorFact(mirror, now),
    {
      name: 'Credentials',
      light: credentials === 'refused' ? 'bad' : credentials === 'ok' ? 'good' : 'warn',
      text: { ok: 'accepted by Trackstar', refused: 'refused by Trackstar', unknown: 'not tried yet' }[credentials],
    },
    {
      name: 'Circuit',
      light: circuit === 'open' ? 'bad' : circuit === 'half-open' ? 'warn' : 'good',
      text: {
        open: 'open: Trackstar fails, calls are paused',
        'half-open': 'trying Trackstar again',
        closed: 'closed',
      }[circuit],
    },
    {
      name: 'Rate',
      light: budget.waiting > budget.reads_per_second * 5 ? 'bad' : budget.waiting > 0 ? 'warn' : 'good',
      text: `${budget.used_last_second} of ${budget.reads_per_second} reads used, ${numberText(budget.waiting)} waiting`,
    },
    {
      name: 'Warehouse system',
      light: prevents ? 'bad' : errors.length > 0 ? 'warn' : 'good',
      text: html`${source?.synced_at ? `copied by Trackstar ${ageOf(source.synced_at, now)}` : 'unknown'}
        ${errors.map(({ message }) => html`<br /><span class="bad-text">${message}</span>`)}`,
    },
    {
      name: 'Webhooks',
      light: 'good',
      text:
        webhooks === null
          ? 'off'
          : `${numberText(webhooks.received)} received, ${numberText(webhooks.ignored)} ignored, last ${
              webhooks.last_received_at === null ? 'never' : ageOf(webhooks.last_received_at, now)
            }`,
    },
    {
      name: 'Last error',
      light: isRecent ? 'warn' : 'good',
      text:
        error === null
          ? 'none'
          : html`${error.detail} <span class="quiet">(${error.code}, ${ageOf(error.at, now)})</span>`,
    },
    {
      name: 'Cache',
      light: 'good',
      text: `${numberText(cache.entries)} entries, ${numberText(Math.round(cache.bytes / 1e6))} of ${numberText(
        Math.round(cache.max_bytes / 1e6),
      )} MB${cache.hit_ratio === null ? '' : `, ${Math.round(cache.hit_ratio * 100)} % hits`}`,
    },
  ]
}

/** @param {ConnectionStatus['mirror']} mirror @param {number} now @returns {Fact} */
function mirrorFact(mirror, now) {
  if (mirror === null) return { name: 'Mirror', light: 'good', text: 'none, records are read on demand' }
  const counts = `${numberText(mirror.products)} products, ${numberText(mirror.inventory)} items`
  const doubts = mirror.doubtful.length > 0 ? `, doubtful: ${mirror.doubtful.join(', ')}` : ''
  if (mirror.state === 'off') return { name: 'Mirror', light: 'bad', text: 'stopped, records are read on demand' }
  if (mirror.state === 'loading') {
    return { name: 'Mirror', light: 'warn', text: `loading: ${counts}, ${numberText(mirror.pages_left)} pages left` }
  }
  return {
    name: 'Mirror',
    light: doubts === '' ? 'good' : 'warn',
    text: `live: ${counts}, up to date ${ageOf(mirror.synced_at, now)}${doubts}`,
  }
}
