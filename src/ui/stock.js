import { useEffect, useState } from 'preact/hooks'
import { linkTo } from './address.js'
import { useNow, useRoute, useThrottled } from './hooks.js'
import { html } from './html.js'
import { useLive } from './live.js'
import { Loading, ProblemNote } from './problem.js'
import { addressOf } from './service.js'
import { Sparkline } from './sparkline.js'
import { ageOf, changeText, clockTime, issueInWords, numberText, quantityNames } from './words.js'

/** @typedef {import('./service.js').Schemas} Schemas */
/** @typedef {Schemas['Stock'] & {connections?: any[]}} Stock as of one connection, or of a group */
/** @typedef {import('./live.js').StockEvent & {key: number}} Change */

/** How soon after a change the whole stock is read again, and how often at most. */
const reloadMs = 400
/** @type {Readonly<Record<string, string>>} */
const stateInWords = { live: '● Live', connecting: '○ Connecting…', off: '○ Not live' }
const announceMs = 5000
const maxChanges = 20
const maxPoints = 300
/** Components whose changes are followed; a longer address may not fit. */
const maxComponents = 40

/**
 * The stock of one SKU, followed for as long as it is open.
 * @param {{sku: string, merchant: string | null, scope: string | undefined, isGroup: boolean}} props
 */
export function StockView({ sku, merchant, scope, isGroup }) {
  // In the query, since a SKU like `..` cannot be in a path.
  const url = addressOf('stock', { sku, warehouse_customer_id: merchant, include: 'lots', connection: scope })
  const { data, problem, reload } = useRoute(url.href)
  const [result] = data?.results ?? []
  /** @type {Stock | undefined} */
  const stock = result?.stock
  const [live, setLive] = useState(/** @type {number | null} */ (null))
  const [changes, setChanges] = useState(/** @type {Change[]} */ ([]))
  const available = live ?? stock?.available
  const points = usePoints(available)
  const reloadSoon = useThrottled(reload, reloadMs)
  useEffect(() => setLive(null), [data])

  const skus = stock && [sku, ...new Set(stock.components.flatMap((one) => one.sku ?? []))].slice(0, maxComponents)
  const state = useLive(
    skus ? { connection: scope, skus: Array.from(new Set(skus)) } : null,
    (events) => {
      const owner = stock?.product.warehouse_customer_id ?? null
      const own = events.filter((event) => event.sku === sku && (isGroup || event.warehouse_customer_id === owner))
      const last = own.at(-1)
      if (last) {
        setChanges((before) => [...own.toReversed().map(withKey), ...before].slice(0, maxChanges))
        if (!isGroup) setLive(last.available)
      }
      reloadSoon()
    },
    reload,
  )

  useEffect(() => {
    document.title = `${sku}${available === undefined ? '' : `: ${numberText(available)}`} – Stock`
  }, [sku, available])

  const shown = problem ?? result?.problem ?? null
  if (shown?.code === 'sku_ambiguous') return html`<${Candidates} sku=${sku} scope=${scope} problem=${shown} />`
  return html`<article aria-label=${`Stock of ${sku}`}>
    ${!stock && html`<h1><code>${sku}</code></h1>`}
    ${shown && html`<${ProblemNote} problem=${shown} reload=${reload} />`}
    ${!stock && !shown && html`<${Loading} what="the stock" />`}
    ${
      stock &&
      html`<${Headline} ...${{ stock, available, points, state }} />
        <div class="columns two">
          <div>
            <${Warehouses} stock=${stock} />
            ${stock.connections && html`<${Connections} stock=${stock} />`}
            <${Components} stock=${stock} scope=${scope} />
            <${Lots} stock=${stock} />
          </div>
          <div>
            <${Changes} changes=${changes} state=${state} isGroup=${isGroup} />
            <${WhereUsed} stock=${stock} scope=${scope} isGroup=${isGroup} />
          </div>
        </div>`
    }
  </article>`
}

let keys = 0
/** @param {import('./live.js').StockEvent} event */
const withKey = (event) => ({ ...event, key: ++keys })

/** @param {number | undefined} available @returns {readonly {at: number, value: number}[]} */
function usePoints(available) {
  const [points, setPoints] = useState(/** @type {{at: number, value: number}[]} */ ([]))
  useEffect(() => {
    if (available === undefined) return
    setPoints((before) => [...before.slice(-maxPoints), { at: Date.now(), value: available }])
  }, [available])
  return points
}

/**
 * What a screen reader says of a number that changes: now and then, not with every change.
 * @param {number} available
 * @param {boolean} hasChanged
 */
function useAnnounced(available, hasChanged) {
  const [said, setSaid] = useState('')
  const say = useThrottled(() => setSaid(`${numberText(available)} available`), announceMs)
  useEffect(() => {
    if (hasChanged) say()
  }, [available])
  return said
}

/** @param {{stock: Stock, available: number, points: readonly {at: number, value: number}[], state: string}} props */
function Headline({ stock, available, points, state }) {
  const now = useNow()
  const said = useAnnounced(available, points.length > 1)
  const { product, issues, complete } = stock
  return html`<header class="card headline">
    <div class="title">
      <h1><code>${stock.sku}</code></h1>
      <p>${product.name ?? '(no name)'}</p>
      <p class="tags">
        ${product.is_kit && html`<span class="tag">Kit</span>`}
        ${product.active === false && html`<span class="tag warn">Inactive</span>`}
        ${product.warehouse_customer_id && html`<span class="tag">${product.warehouse_customer_id}</span>`}
        ${product.gtin && html`<span class="tag">GTIN ${product.gtin}</span>`}
        <span class=${`tag ${state === 'live' ? 'good' : 'warn'}`} role="status">
          ${stateInWords[state]}
        </span>
      </p>
    </div>
    <div class="available">
      <p class="label">Available</p>
      <p class=${`big ${available === 0 ? 'zero' : ''}`}>${numberText(available)}</p>
      <p class="sr" role="status">${said}</p>
    </div>
    <${Sparkline} points=${points} now=${now} label="Available" />
    <div class="trust">
      <p><span class=${`light ${complete ? 'good' : 'warn'}`} aria-hidden="true"></span>
        <strong>${complete ? 'Complete' : 'May be wrong'}</strong>${' '}
        ${complete ? 'No issue affects this number.' : 'An issue below affects this number.'}</p>
      <p class="quiet">
        Confirmed ${ageOf(stock.as_of, now)}${stock.stale ? ', which is older than it should be' : ''}
        ${stock.source?.synced_at && html` · Trackstar copied the warehouse ${ageOf(stock.source.synced_at, now)}`}
      </p>
      ${(stock.source?.errors ?? []).map(({ message }) => html`<p class="warn-text">${message}</p>`)}
      ${
        issues.length > 0 &&
        html`<ul class="issues">
          ${issues.map(
            ({ code, detail, inventory_item_id: id }) =>
              html`<li><strong>${issueInWords(code)}.</strong> <span class="quiet">${detail}${id && ` (${id})`}</span></li>`,
          )}
        </ul>`
      }
    </div>
    <${Quantities} quantities=${stock.quantities} />
  </header>`
}

/** @param {{quantities: Schemas['Quantities']}} props */
const Quantities = ({ quantities }) => html`<dl class="quantities">
  ${Object.entries(quantityNames).map(
    ([field, name]) => html`<div><dt>${name}</dt>
      <dd>${numberText(/** @type {any} */ (quantities)[field])}</dd></div>`,
  )}
</dl>`

/** @param {{stock: Stock}} props */
function Warehouses({ stock }) {
  const most = Math.max(1, ...stock.warehouses.map(({ available }) => available))
  return html`<section class="card" aria-labelledby="warehouses">
    <h2 id="warehouses">Warehouses</h2>
    ${stock.warehouses.length === 0 && html`<p class="quiet">No warehouse is named.</p>`}
    <ul class="bars">
      ${stock.warehouses.map((one) => {
        const { warehouse_id: id, name, code, available, quantities } = one
        const label = [name ?? id, code && `(${code})`, 'connection' in one && `· ${one.connection}`]
          .filter(Boolean)
          .join(' ')
        return html`<li key=${`${id} ${label}`}>
          <span>${label}</span><strong>${numberText(available)}</strong>
          <span class="bar" aria-hidden="true"><span style=${{ width: `${(100 * available) / most}%` }}></span></span>
          <span class="quiet small">${quantitiesInWords(quantities)}</span>
        </li>`
      })}
    </ul>
    ${stock.product.is_kit && html`<p class="quiet small">What each warehouse can assemble by itself.</p>`}
  </section>`
}

/** @param {Schemas['Quantities']} quantities */
const quantitiesInWords = ({ onhand, committed, awaiting }) =>
  [
    [onhand, 'on hand'],
    [committed, 'committed'],
    [awaiting, 'awaiting'],
  ]
    .flatMap(([value, name]) => (typeof value === 'number' ? `${numberText(value)} ${name}` : []))
    .join(' · ')

/** @param {{changes: readonly Change[], state: string, isGroup: boolean}} props */
const Changes = ({ changes, state, isGroup }) => html`<section class="card" aria-labelledby="changes">
  <h2 id="changes">Changes</h2>
  ${changes.length === 0 && html`<p class="quiet">${state === 'off' ? 'Changes are followed with CATALOG_MODE=mirror only.' : 'None since the page was opened.'}</p>`}
  ${
    changes.length > 0 &&
    html`<div class="scroll changes" tabindex="0" role="group" aria-labelledby="changes"><ol>
      ${changes.map(({ key, as_of: at, available, previous_available: before, connection }) => {
        const by = available - (before ?? 0)
        return html`<li key=${key}>
          <time datetime=${at}>${clockTime(at)}</time>
          <span>${before === null ? 'new' : numberText(before)} → <strong>${numberText(available)}</strong></span>
          <span class=${by < 0 ? 'bad-text' : 'good-text'}>${by === 0 ? 'other quantities' : changeText(by)}</span>
          ${isGroup && connection && html`<span class="quiet">${connection}</span>`}
        </li>`
      })}
    </ol></div>`
  }
</section>`

/** @param {{stock: Stock}} props */
const Connections = ({ stock }) => html`<section class="card" aria-labelledby="connections">
  <h2 id="connections">Connections</h2>
  <div class="scroll" tabindex="0" role="group" aria-labelledby="connections"><table>
    <thead><tr><th scope="col">Connection</th><th scope="col">Answer</th><th scope="col" class="number">Available</th></tr></thead>
    <tbody>
      ${(stock.connections ?? []).map(
        ({ connection, status, available, problem }) => html`<tr key=${connection}>
          <th scope="row">${connection}</th>
          <td>${status === 'ok' ? 'ok' : (problem?.title ?? status)}</td>
          <td class="number">${numberText(available)}</td>
        </tr>`,
      )}
    </tbody>
  </table></div>
</section>`

/**
 * What is scarce in a kit; of a group, in each of its connections.
 * @param {Stock} stock
 * @returns {{connection: string | undefined, limiting: Schemas['Limiting']}[]}
 */
function limitsOf({ limiting, connections }) {
  if (connections === undefined) return limiting ? [{ connection: undefined, limiting }] : []
  return connections.flatMap((one) => (one.limiting ? [{ connection: one.connection, limiting: one.limiting }] : []))
}

/** @param {{stock: Stock, scope: string | undefined}} props */
function Components({ stock, scope }) {
  const { components, product } = stock
  if (components.length === 0) return null
  const limits = limitsOf(stock)
  return html`<section class="card" aria-labelledby="components">
    <h2 id="components">${product.is_kit ? 'Components' : 'Inventory items'}</h2>
    ${limits.map(
      ({ connection, limiting: { component_sku: sku, inventory_item_ids: ids, shortfall, yield: count } }) =>
        html`<p key=${connection} class="note warn"><strong>${sku ?? ids.join(', ')}</strong>${connection && ` in ${connection}`} is scarce: it
        allows ${numberText(count)}, and ${numberText(shortfall)} more would allow
        ${' '}${numberText(Math.max(0, count) + 1)}.</p>`,
    )}
    <div class="scroll" tabindex="0" role="group" aria-labelledby="components"><table>
      <thead><tr>
        <th scope="col">Item</th><th scope="col" class="number">Per unit</th><th scope="col" class="number">Fulfillable</th>
        <th scope="col" class="number wide-only">Awaiting</th>
      </tr></thead>
      <tbody>
        ${components.map((one) => {
          const { inventory_item_id: id, sku, name, quantities, status, unit_quantity: units } = one
          const own = 'connection' in one ? one.connection : undefined
          const connection = own ?? scope
          const limit = limits.find(
            (other) => other.connection === own && other.limiting.inventory_item_ids.includes(id),
          )
          return html`<tr key=${`${connection} ${id}`} class=${limit ? 'scarce' : ''}>
            <th scope="row">
              ${sku ? html`<a href=${linkTo('stock', { sku, connection })}><code>${sku}</code></a>` : html`<code>${id}</code>`}
              ${' '}<span class="quiet">${name}${own && ` · ${own}`}</span>
              ${status === 'missing' && html` <span class="tag bad">Missing</span>`}
              ${limit && html` <span class="tag warn">Scarce, ${numberText(limit.limiting.shortfall)} short</span>`}
            </th>
            <td class="number">${numberText(units)}</td>
            <td class="number">${numberText(quantities.fulfillable)}</td>
            <td class="number wide-only">${numberText(quantities.awaiting)}</td>
          </tr>`
        })}
      </tbody>
    </table></div>
  </section>`
}

/** @param {{stock: Stock}} props */
function Lots({ stock }) {
  const { lots = [], warehouses } = stock
  if (lots.length === 0) return null
  const names = new Map(warehouses.map(({ warehouse_id: id, name }) => [id, name ?? id]))
  const today = new Date().toISOString()
  return html`<section class="card" aria-labelledby="lots">
    <h2 id="lots">Lots</h2>
    <div class="scroll" tabindex="0" role="group" aria-labelledby="lots"><table>
      <thead><tr>
        <th scope="col">Expires</th><th scope="col">Lot</th><th scope="col">Warehouse</th><th scope="col" class="number">On hand</th>
      </tr></thead>
      <tbody>
        ${lots.map(
          ({ lot_id: id, expiration_date: date, onhand, warehouse_id: at }) => html`<tr>
            <td>${date?.slice(0, 10) ?? 'no date'} ${date && date < today && html`<span class="tag bad">Expired</span>`}</td>
            <td><code>${id ?? '–'}</code></td>
            <td>${names.get(at ?? '') ?? at ?? '–'}</td>
            <td class="number">${numberText(onhand)}</td>
          </tr>`,
        )}
      </tbody>
    </table></div>
  </section>`
}

const maxShownUses = 50
/** Each of them costs a request. */
const maxShownItems = 12

/** @param {{stock: Stock, scope: string | undefined, isGroup: boolean}} props */
function WhereUsed({ stock, scope, isGroup }) {
  const items = stock.components.slice(0, maxShownItems)
  return html`<section class="card" aria-labelledby="uses">
    <h2 id="uses">Where used</h2>
    ${items.length === 0 && html`<p class="quiet">The product has no items.</p>`}
    ${items.map((one) => {
      const connection = isGroup && 'connection' in one ? one.connection : scope
      const { inventory_item_id: id, sku } = one
      return html`<${Uses} key=${`${connection} ${id}`} ...${{ id, itemSku: sku, connection, isGroup, productId: stock.product.id }} />`
    })}
    ${stock.components.length > items.length && html`<p class="quiet">The other items are not shown.</p>`}
  </section>`
}

/** @param {{id: string, itemSku: string | null, connection: string | undefined, isGroup: boolean, productId: string}} props */
function Uses({ id, itemSku, connection, isGroup, productId }) {
  const isPath = id !== '.' && id !== '..'
  const url = isPath ? addressOf(`inventory/${encodeURIComponent(id)}/products`, { connection }).href : null
  const { data, problem } = useRoute(url)
  /** @type {Schemas['ItemUse'][]} */
  const all = data?.data ?? []
  const uses = all.filter(({ product_id: other }) => other !== productId)
  return html`<div class="uses">
    <h3><code>${itemSku ?? id}</code>${isGroup && html` <span class="quiet">${connection}</span>`}</h3>
    ${problem && html`<p class="quiet">${problem.title}</p>`}
    ${data && uses.length === 0 && html`<p class="quiet">Only here.</p>`}
    <ul class="links">
      ${uses.slice(0, maxShownUses).map(
        (use) => html`<li key=${use.product_id}>
          ${
            use.sku === null
              ? html`<code>${use.product_id}</code>`
              : html`<a href=${linkTo('stock', { sku: use.sku, merchant: use.warehouse_customer_id, connection })}>
                  <code>${use.sku}</code></a>`
          }
          <span class="quiet"> × ${numberText(use.unit_quantity)}${use.is_kit ? ' in a kit' : ''}</span>
        </li>`,
      )}
    </ul>
    ${uses.length > maxShownUses && html`<p class="quiet">and ${numberText(uses.length - maxShownUses)} more</p>`}
  </div>`
}

/** @param {{sku: string, scope: string | undefined, problem: import('./service.js').Problem}} props */
const Candidates = ({ sku, scope, problem }) => html`<section class="card" role="alert">
  <h1><code>${sku}</code></h1>
  <p>Several products have this SKU. Choose the merchant:</p>
  <ul class="links">
    ${(problem.candidates ?? []).map(
      ({ product_id: id, name, warehouse_customer_id: merchant, active }) => html`<li key=${id}>
        ${
          merchant === null
            ? html`<code>${id}</code>`
            : html`<a href=${linkTo('stock', { sku, merchant, connection: scope })}>${merchant}</a>`
        }
        <span class="quiet"> ${name} ${active === false ? '(inactive)' : ''}</span>
      </li>`,
    )}
  </ul>
</section>`
