import { useEffect, useState } from 'preact/hooks'
import { linkTo } from './address.js'
import { useRoute, useThrottled } from './hooks.js'
import { html } from './html.js'
import { useLive } from './live.js'
import { Loading, ProblemNote } from './problem.js'
import { addressOf } from './service.js'
import { numberText } from './words.js'

/** @typedef {import('./service.js').Schemas['LowStockEntry'] & {connection?: string}} Row */

const pageSize = 25
const reloadMs = 1000

/** @param {FormDataEntryValue | null} value */
const textOf = (value) => (typeof value === 'string' ? value : '')

/** Characters of SKUs that fit in an address; beyond that all changes are followed. */
const maxSkuLength = 6000

/**
 * What runs out: SKUs below a bound, a page at a time. The numbers shown change as they do.
 * @param {{scope: string | undefined, isGroup: boolean, options: URLSearchParams}} props
 */
export function LowStockView({ scope, isGroup, options }) {
  const below = options.get('below') ?? '10'
  const [merchant, warehouse] = [options.get('merchant') ?? '', options.get('warehouse') ?? '']
  const filter = { below, warehouse_customer_id: merchant, warehouse_id: warehouse, connection: scope }
  // The tokens of the pages before this one, and of this one.
  const key = JSON.stringify(filter)
  const [pages, setPages] = useState({ key, tokens: /** @type {string[]} */ ([]) })
  const tokens = pages.key === key ? pages.tokens : []
  const address = addressOf('stock/low', { ...filter, limit: pageSize, page_token: tokens.at(-1) }).href
  const { data, problem, reload } = useRoute(address)
  /** @type {Row[]} */
  const rows = data?.data ?? []
  const [live, setLive] = useState({ data, numbers: /** @type {Map<string, number>} */ (new Map()) })
  const numbers = live.data === data ? live.numbers : new Map()
  const skus = rows.map(({ sku }) => sku)
  // Events have the numbers of one connection in all of its warehouses: for any others the page is read again.
  const isSum = isGroup || warehouse !== ''
  const reloadSoon = useThrottled(reload, reloadMs)
  const isLong = encodeURIComponent(skus.join('')).length > maxSkuLength
  useLive(
    rows.length > 0 ? { connection: scope, skus: isLong ? [] : skus } : null,
    (events) => {
      if (isSum) {
        reloadSoon()
        return
      }
      const next = new Map(numbers)
      for (const { product_id: id, available } of events) next.set(id, available)
      setLive({ data, numbers: next })
    },
    isSum ? reloadSoon : () => {},
  )
  const warehouses =
    useRoute(isGroup ? null : addressOf('warehouses', { limit: 100, connection: scope }).href).data?.data ?? []

  /** @param {SubmitEvent} event */
  const onSubmit = (event) => {
    event.preventDefault()
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget))
    const next = Object.fromEntries(
      ['below', 'merchant', 'warehouse'].map((name) => [name, textOf(form.get(name)).trim()]),
    )
    location.hash = linkTo('low', { ...next, connection: scope })
  }
  const next = data?.next_token ?? null
  useEffect(() => {
    document.title = 'Running out – Stock'
  }, [])
  return html`<section aria-labelledby="low">
    <h1 id="low">Running out</h1>
    <form class="card filters" onSubmit=${onSubmit}>
      <p><label for="below">Less than</label>
        <input id="below" name="below" type="number" min="0" max="1000000000" step="any" required value=${below} /></p>
      <p><label for="merchant">Merchant</label>
        <input id="merchant" name="merchant" list="merchants" maxlength="255" autocomplete="off" value=${merchant} /></p>
      <p><label for="warehouse">Warehouse</label>
        <input id="warehouse" name="warehouse" list="warehouses" maxlength="255" autocomplete="off" value=${warehouse} /></p>
      <datalist id="merchants">
        ${Array.from(new Set(rows.flatMap((row) => row.warehouse_customer_id ?? [])), (id) => html`<option value=${id} />`)}
      </datalist>
      <datalist id="warehouses">
        ${warehouses.map((/** @type {{id: string, name: string}} */ { id, name }) => html`<option value=${id}>${name}</option>`)}
      </datalist>
      <button type="submit">Show</button>
    </form>
    ${problem && html`<${ProblemNote} problem=${problem} reload=${reload} />`}
    ${!data && !problem && html`<${Loading} what="low stock" />`}
    ${data && rows.length === 0 && html`<p class="note good" role="status">Nothing is below ${below}.</p>`}
    ${
      rows.length > 0 &&
      html`<div class="card scroll" tabindex="0" role="group" aria-labelledby="low"><table>
        <thead><tr>
          <th scope="col">Product</th><th scope="col" class="wide-only">Merchant</th>
          <th scope="col" class="number">Available</th><th scope="col" class="number wide-only">Awaiting</th>
        </tr></thead>
        <tbody>
          ${rows.map(({ product_id: id, sku, name, warehouse_customer_id: owner, available, quantities }) => {
            const now = numbers.get(id)
            const isChanged = now !== undefined && now !== available
            return html`<tr key=${`${id} ${sku}`}>
              <th scope="row"><a href=${linkTo('stock', { sku, merchant: owner, connection: scope })}><code>${sku}</code></a>
                ${' '}<span class="quiet">${name}</span></th>
              <td class="wide-only">${owner}</td>
              <td class="number">
                ${isChanged && html`<span class="quiet">${numberText(available)} → </span>`}
                <strong class=${isChanged ? 'changed' : ''}>${numberText(now ?? available)}</strong>
              </td>
              <td class="number wide-only">${numberText(quantities.awaiting)}</td>
            </tr>`
          })}
        </tbody>
      </table></div>`
    }
    <nav class="pages" aria-label="Pages">
      <button type="button" disabled=${tokens.length === 0} onClick=${() => setPages({ key, tokens: tokens.slice(0, -1) })}>
        Previous</button>
      <span role="status">Page ${tokens.length + 1}</span>
      <button type="button" disabled=${next === null} onClick=${() => setPages({ key, tokens: [...tokens, String(next)] })}>
        Next</button>
    </nav>
  </section>`
}
