/** What a registry without an audit service answers: it knows no such address, or takes no POST there. */
const NO_SERVICE = [404, 405, 410, 501]

/**
 * What `npm audit --json` has found out, from what it printed; its exit code says no more than "something". Clean is only
 * what a report says is clean.
 *
 * @param {string} output
 * @returns {{ outcome: 'clean' | 'vulnerable' | 'no-service' | 'failed', lines: string[] }} with what to print
 */
export function auditVerdict(output) {
  const report = parsed(output)
  const total = report?.metadata?.vulnerabilities?.total
  const found = Object.values(report?.vulnerabilities ?? {})
  if (total > 0 || found.length > 0) return { outcome: 'vulnerable', lines: found.map(lineOf) }
  if (total === 0) return { outcome: 'clean', lines: ['npm audit: no known vulnerability in what production needs'] }
  if (NO_SERVICE.includes(report?.statusCode)) {
    const why = `the registry has no audit service (it answers ${report.statusCode})`
    return { outcome: 'no-service', lines: [`NOTICE: vulnerabilities were not looked for: ${why}`] }
  }
  const why = report?.error?.summary || report?.message || output.trim().slice(0, 500) || 'it printed nothing'
  return { outcome: 'failed', lines: [`npm audit failed: ${why}`] }
}

/** The object that a text is the JSON of; undefined for any other. */
function parsed(text) {
  try {
    const value = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

/** `undici <6.24.0 (high): Some title, some address`. */
function lineOf({ name, severity, range, via = [] }) {
  const causes = via.map((cause) => (typeof cause === 'string' ? `by way of ${cause}` : `${cause.title}, ${cause.url}`))
  return `${name} ${range} (${severity}): ${causes.join('; ')}`
}
