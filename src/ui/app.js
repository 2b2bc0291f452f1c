import { h, render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { currentPlace, linkTo } from './address.js'
import { useRoute } from './hooks.js'
import { html } from './html.js'
import { LowStockView } from './low-stock.js'
import { Loading, ProblemNote } from './problem.js'
import { Search } from './search.js'
import { addressOf, readKey, writeKey } from './service.js'
import { StateView } from './state.js'
import { StockView } from './stock.js'

/** @typedef {import('./service.js').Schemas['ConnectionEntry']} ConnectionEntry */

/** The views that this server has the routes for: `stock`, `state`. */
const served = (document.body.dataset['views'] ?? '').split(' ')
const hasStock = served.includes('stock')
const hasState = served.includes('state')

function App() {
  const [place, setPlace] = useState(currentPlace())
  const [key, setKey] = useState(readKey())
  useEffect(() => {
    const onChange = () => {
      setPlace(currentPlace())
      // A screen reader would stay where the link was that is gone.
      document.getElementById('main')?.focus()
    }
    addEventListener('hashchange', onChange)
    return () => removeEventListener('hashchange', onChange)
  }, [])
  const useKey = (/** @type {string | null} */ text) => {
    writeKey(text)
    setKey(text)
  }
  // Whichever route there is tells whether the key is needed, and valid.
  return h(Gate, { key, tried: key, useKey, place })
}

/** @param {{tried: string | null, useKey: (key: string | null) => void, place: import('./address.js').Place}} props */
function Gate({ tried, useKey, place }) {
  const { data, problem, reload } = useRoute(addressOf(hasStock ? 'connections' : 'status').href)
  const isRefused = problem?.code === 'unauthorized'
  /** @type {ConnectionEntry[]} */
  const entries = hasStock ? (data?.data ?? []) : []
  return html`
    <${Header} ...${{ entries, place, useKey, hasKey: tried !== null, isIn: data !== undefined }} />
    <main id="main" tabindex="-1">
      ${isRefused && html`<${KeyForm} isWrong=${tried !== null} useKey=${useKey} />`}
      ${problem && !isRefused && html`<${ProblemNote} problem=${problem} reload=${reload} />`}
      ${!data && !problem && html`<${Loading} what="the page" />`}
      ${data && html`<${View} place=${place} entries=${entries} />`}
    </main>`
}

/** The connection or group that the address names, or the first. @param {import('./address.js').Place} place @param {readonly ConnectionEntry[]} entries */
const chosenEntry = ({ options }, entries) =>
  entries.find(({ name }) => name === options.get('connection')) ?? entries[0]

/** @param {{place: import('./address.js').Place, entries: readonly ConnectionEntry[]}} props */
function View({ place: { view, options }, entries }) {
  const chosen = chosenEntry({ view, options }, entries)
  const scope = entries.length > 1 ? chosen?.name : undefined
  const isGroup = chosen?.kind === 'group'
  const sku = options.get('sku')
  if (hasState && (view === 'state' || !hasStock)) return html`<${StateView} />`
  if (entries.length === 0) return html`<p class="note warn" role="alert">This key may use no connection.</p>`
  if (view === 'low') return html`<${LowStockView} ...${{ scope, isGroup, options }} />`
  const merchant = options.get('merchant')
  return html`<${Search} scope=${scope} connections=${isGroup ? (chosen?.connections ?? []) : scope ? [scope] : []} />
    ${
      view === 'stock' && sku
        ? html`<${StockView} key=${JSON.stringify([sku, merchant, scope])} ...${{ sku, merchant, scope, isGroup }} />`
        : html`<${Intro} />`
    }`
}

function Intro() {
  useEffect(() => {
    document.title = 'Stock'
  }, [])
  return html`<section class="card">
    <h1>How much can be sold, and where is it?</h1>
    <p class="quiet">Type a SKU, or a part of a SKU, GTIN or name. What you open stays up to date by itself.</p>
  </section>`
}

/**
 * @param {{entries: readonly ConnectionEntry[], place: import('./address.js').Place, hasKey: boolean, isIn: boolean,
 *   useKey: (key: string | null) => void}} props
 */
function Header({ entries, place, hasKey, isIn, useKey }) {
  const { view, options } = place
  const connection = entries.length > 1 ? chosenEntry(place, entries)?.name : undefined
  const views = [
    ...(hasStock
      ? [
          ['', 'Stock'],
          ['low', 'Running out'],
        ]
      : []),
    ...(hasState ? [['state', 'State']] : []),
  ]
  const current = view === 'stock' ? '' : view
  const choose = (/** @type {string} */ name) => {
    location.hash = linkTo(view, { ...Object.fromEntries(options), connection: name })
  }
  return html`<header class="bar-top">
    <a class="skip" href="#main" onClick=${skip}>Skip to content</a>
    <p class="brand">trackstar-bff</p>
    ${
      isIn &&
      html`<nav aria-label="Views">
        ${views.map(
          ([name = '', title]) => html`<a
            href=${linkTo(name, { connection })}
            aria-current=${name === current || (!hasStock && name === 'state') ? 'page' : undefined}
            >${title}</a>`,
        )}
      </nav>`
    }
    ${
      connection &&
      html`<p class="choice"><label for="connection">Connection</label>
        <select
          id="connection"
          value=${connection}
          onChange=${(/** @type {{currentTarget: HTMLSelectElement}} */ { currentTarget }) => choose(currentTarget.value)}
        >
          ${entries.map(
            ({ name, kind }) =>
              html`<option key=${name} value=${name} selected=${name === connection}>${name}${kind === 'group' ? ' (group)' : ''}</option>`,
          )}
        </select></p>`
    }
    ${hasKey && html`<button type="button" class="plain" onClick=${() => useKey(null)}>Forget the key</button>`}
  </header>`
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

/** @param {{isWrong: boolean, useKey: (key: string) => void}} props */
function KeyForm({ isWrong, useKey }) {
  const [text, setText] = useState('')
  const describedBy = isWrong ? 'key-wrong' : 'key-hint'
  return html`<form
    class="card key"
    onSubmit=${(/** @type {Event} */ event) => {
      event.preventDefault()
      if (text.trim() !== '') useKey(text.trim())
    }}
  >
    <h1>Your key</h1>
    <p id="key-hint" class="quiet">
      The service needs an API key. It stays in this tab, until you close it, and is sent to this service only.
    </p>
    ${isWrong && html`<p id="key-wrong" class="note bad" role="alert">The service does not accept this key.</p>`}
    <label for="key">API key</label>
    <div class="row">
      <input
        id="key"
        type="password"
        autocomplete="off"
        spellcheck=${false}
        required
        aria-invalid=${isWrong ? 'true' : 'false'}
        aria-describedby=${describedBy}
        value=${text}
        onInput=${(/** @type {{currentTarget: HTMLInputElement}} */ { currentTarget }) => setText(currentTarget.value)}
      />
      <button type="submit">Continue</button>
    </div>
  </form>`
}

const page = document.getElementById('page')
if (page) render(h(App, null), page)
