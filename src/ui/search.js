import { useState } from 'preact/hooks'
import { linkTo } from './address.js'
import { useDelayed, useRoute } from './hooks.js'
import { html } from './html.js'
import { addressOf } from './service.js'
import { numberText } from './words.js'

/** @typedef {import('./service.js').Schemas['FoundProduct'] & {connection?: string}} Found */

const typingMs = 60

/**
 * A field for a SKU with suggestions, used as the pattern "combobox" of the ARIA practices: arrows choose, Enter opens, Escape
 * closes.
 * @param {{connections: readonly string[], scope: string | undefined}} props the connections that are searched; a group
 * is searched by those of its connections
 */
export function Search({ connections, scope }) {
  const [text, setText] = useState('')
  const [isOpen, setOpen] = useState(false)
  const [chosen, setChosen] = useState(-1)
  const q = useDelayed(text.trim(), typingMs)
  const { found, problem } = useFound(q, connections)
  const options = isOpen && q !== '' ? found : []

  /** @param {Found | undefined} product undefined: the text as typed */
  const open = (product) => {
    const sku = product?.sku ?? text.trim()
    if (sku === '') return
    setOpen(false)
    setChosen(-1)
    setText(sku)
    location.hash = linkTo('stock', { sku, merchant: product?.warehouse_customer_id, connection: scope })
  }
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.key === 'Escape') setOpen(false)
    else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      setOpen(true)
      const by = event.key === 'ArrowDown' ? 1 : -1
      // One more than the options: none is chosen.
      const count = options.length + 1
      setChosen(((chosen + 1 + by + count) % count) - 1)
    }
  }
  const chosenId = chosen >= 0 && chosen < options.length ? `option-${chosen}` : undefined
  return html`<form
    role="search"
    class="search"
    onSubmit=${(/** @type {Event} */ event) => {
      event.preventDefault()
      open(options[chosen])
    }}
  >
    <label for="sku">SKU, GTIN or name</label>
    <div class="row">
      <input
        id="sku"
        type="search"
        role="combobox"
        autocomplete="off"
        autocapitalize="off"
        spellcheck=${false}
        maxlength="255"
        aria-autocomplete="list"
        aria-expanded=${options.length > 0 ? 'true' : 'false'}
        aria-controls="suggestions"
        aria-activedescendant=${chosenId}
        value=${text}
        onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ { currentTarget }) => {
          setText(currentTarget.value)
          setChosen(-1)
          setOpen(true)
        }}
        onKeyDown=${onKeyDown}
        onBlur=${() => setTimeout(() => setOpen(false), 150)}
      />
      <button type="submit">Show stock</button>
    </div>
    <ul id="suggestions" role="listbox" aria-label="Suggestions" hidden=${options.length === 0}>
      ${options.map(
        (product, index) => html`<li
          key=${`${product.connection} ${product.product_id}`}
          id=${`option-${index}`}
          role="option"
          aria-selected=${index === chosen ? 'true' : 'false'}
          onMouseDown=${(/** @type {Event} */ event) => {
            event.preventDefault()
            open(product)
          }}
        >
          <code>${product.sku ?? '(no SKU)'}</code>
          <span class="name">${product.name}</span>
          <span class="number">${product.is_kit ? 'kit · ' : ''}${numberText(product.available)}</span>
        </li>`,
      )}
    </ul>
    <p class="quiet" role="status">${hintOf({ q, isOpen, found, problem })}</p>
  </form>`
}

/** @param {{q: string, isOpen: boolean, found: readonly Found[], problem: import('./service.js').Problem | null}} state */
function hintOf({ q, isOpen, found, problem }) {
  if (!isOpen || q === '') return ''
  if (problem?.code === 'requires_mirror') return 'Suggestions need the copy of the catalog. Type the whole SKU.'
  if (problem?.code === 'mirror_loading') return 'The catalog is still being loaded. Type the whole SKU.'
  if (problem?.code === 'connection_not_found') return 'This key has no suggestions here. Type the whole SKU.'
  if (problem) return problem.title
  return found.length === 0 ? 'No product has this text.' : `${found.length} suggestions`
}

/**
 * @param {string} q
 * @param {readonly string[]} connections
 * @returns {{found: Found[], problem: import('./service.js').Problem | null}}
 */
function useFound(q, connections) {
  // A group has few connections, and one alone is the rule: the first four are enough for suggestions.
  const [a, b, c, d] = [0, 1, 2, 3].map((n) => {
    const isAsked = q !== '' && (n < connections.length || (n === 0 && connections.length === 0))
    const url = isAsked ? addressOf('search', { q, connection: connections[n] }).href : null
    return { connection: connections[n], ...useRoute(url) }
  })
  const replies = [a, b, c, d].flatMap((reply) => (reply ? [reply] : []))
  /** @type {Map<string, Found>} */
  const found = new Map()
  for (const { connection, data } of replies) {
    for (const product of data?.data ?? []) {
      const id = connections.length > 1 ? String(product.sku) : product.product_id
      // In several connections the numbers are several: the stock has the sum.
      const isShared = connections.length > 1
      if (!found.has(id)) found.set(id, isShared ? { ...product, connection, available: null } : product)
    }
  }
  return {
    found: Array.from(found.values()).slice(0, 20),
    problem: replies.find(({ problem }) => problem !== null)?.problem ?? null,
  }
}
