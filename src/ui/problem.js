import { html } from './html.js'

/** What to do about a problem, in the words of somebody who looks at the page. */
/** @type {Readonly<Record<string, string>>} */
const hints = {
  mirror_loading: 'The catalog is still being loaded. This page continues by itself when it is there.',
  requires_mirror: 'The service runs without its copy of the catalog (CATALOG_MODE), so this view is not available.',
  upstream_unavailable: 'Trackstar cannot be reached, and nothing is cached that would answer.',
  upstream_timeout: 'Trackstar takes too long to answer.',
  upstream_auth_failed: 'Trackstar rejects the credentials of the service. An operator has to correct them.',
  rate_limited: 'This key has made too many requests. The page tries again by itself.',
  overloaded: 'The service is busy. The page tries again by itself.',
}

/**
 * @param {{problem: import('./service.js').Problem, reload?: () => void}} props
 */
export function ProblemNote({ problem, reload }) {
  const { title, detail, code, retry_after: retryAfter, request_id: requestId } = problem
  return html`<div class="note bad" role="alert">
    <h2>${title}</h2>
    <p>${hints[code ?? ''] ?? detail}</p>
    ${hints[code ?? ''] && html`<p class="quiet">${detail}</p>`}
    <p class="quiet">
      ${code && html`<code>${code}</code>`} ${requestId && html`request <code>${requestId}</code>`}
      ${retryAfter !== undefined && 'Trying again…'}
    </p>
    ${reload && html`<button type="button" onClick=${reload}>Try again</button>`}
  </div>`
}

/** @param {{what: string}} props */
export const Loading = ({ what }) => html`<p class="quiet" role="status">Loading ${what}…</p>`
