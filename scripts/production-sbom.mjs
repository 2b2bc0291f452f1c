/**
 * A bill of materials with no more and no less than what runs in production, made from the one that npm makes of the whole
 * lock file. npm's own `--omit=dev` also leaves out packages that both production and development need (npm/cli#7909).
 *
 * @param {object} whole what `npm sbom --sbom-format=cyclonedx --package-lock-only` says
 * @param {object} lock package-lock.json
 * @returns {object} CycloneDX, without addresses of the registry
 * @throws {Error} if a package of production is missing in `whole`
 */
export function productionSbom(whole, lock) {
  const { name, version } = lock.packages['']
  const production = productionPackages(lock)
  const root = whole.metadata.component
  const components = whole.components
    .filter((component) => production.has(component['bom-ref']))
    .map((component) => asProduction(component, production.get(component['bom-ref'])))
  const listed = new Set(components.map((component) => component['bom-ref']))
  const missing = Array.from(production.keys()).filter((reference) => !listed.has(reference))
  if (missing.length > 0) throw new Error(`the bill of materials lacks ${missing.join(', ')}`)
  return {
    ...whole,
    // npm takes the folder's name.
    metadata: { ...whole.metadata, component: { ...root, name, version, externalReferences: [] } },
    components,
    dependencies: whole.dependencies
      .filter(({ ref }) => listed.has(ref) || ref === root['bom-ref'])
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => listed.has(other)) })),
  }
}

/** The packages that production needs, as `name@version`, each with whether it can be done without. */
function productionPackages({ packages }) {
  const needed = Object.entries(packages).filter(([path, { dev }]) => path !== '' && !dev)
  const references = needed.map(([path, { name = path.split('node_modules/').at(-1), version, ...entry }]) => [
    `${name}@${version}`,
    entry.optional === true || entry.devOptional === true,
  ])
  // One that is needed in some place is needed.
  return new Map(references.toSorted(([, a], [, b]) => Number(b) - Number(a)))
}

/** npm calls what development needs too optional, and marks it; where a package comes from is the registry's business. */
function asProduction({ properties, externalReferences, ...component }, isOptional) {
  return {
    ...component,
    scope: isOptional ? 'optional' : 'required',
    properties: properties.filter(({ name }) => name !== 'cdx:npm:package:development'),
    externalReferences: externalReferences.filter(({ type }) => type !== 'distribution'),
  }
}
