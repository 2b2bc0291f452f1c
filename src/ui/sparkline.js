import { html } from './html.js'
import { clockTime, numberText } from './words.js'

const [width, height] = [240, 48]

/**
 * How a number went, as a line of steps. It is drawn as SVG: that needs no library.
 * @param {{points: readonly {at: number, value: number}[], now: number, label: string}} props
 */
export function Sparkline({ points, now, label }) {
  const [first] = points
  if (first === undefined) return null
  const values = points.map(({ value }) => value)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const span = Math.max(now - first.at, 1000)
  const x = (/** @type {number} */ at) => ((at - first.at) / span) * width
  const y = (/** @type {number} */ value) =>
    high === low ? height / 2 : 4 + (1 - (value - low) / (high - low)) * (height - 8)
  const steps = points.slice(1).map(({ at, value }) => `H${x(at).toFixed(1)}V${y(value).toFixed(1)}`)
  const last = values.at(-1) ?? first.value
  const text = `${label} since ${clockTime(first.at)}: ${numberText(last)} now, between ${numberText(low)} and ${numberText(high)}`
  return html`<figure class="spark">
    <svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-label=${text}>
      <path d=${`M0 ${y(first.value).toFixed(1)}${steps.join('')}H${width}`} />
    </svg>
    <figcaption class="quiet">since ${clockTime(first.at)} · low ${numberText(low)} · high ${numberText(high)}</figcaption>
  </figure>`
}
