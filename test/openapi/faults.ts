import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Document } from './document.js'

/** What is wrong with `body` as a response of `method path` with `status`; null if nothing is. */
export type FaultsOf = (method: string, path: string, status: string, mediaType: string, body: unknown) => unknown

/**
 * Checks bodies against the schemas of a document; a status that it does not list is checked against the default
 * response.
 */
export function faultsIn(document: Document): FaultsOf {
  const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true } })
  ajv.addSchema(document, 'openapi.json')
  return (method, path, status, mediaType, body) => {
    const operation = document.paths[path]?.[method.toLowerCase()]
    const named = operation?.responses[status] ?? operation?.responses['default']
    const steps = ['paths', path, method.toLowerCase(), 'responses', operation?.responses[status] ? status : 'default']
    const start = named?.$ref ?? `#/${steps.map((step) => step.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')}`
    const pointer = `${start}/content/${mediaType.replaceAll('/', '~1')}/schema`
    const validate = ajv.getSchema(`openapi.json${pointer}`)
    if (validate === undefined) return `no schema at ${pointer}`
    return validate(body) === true ? null : validate.errors
  }
}
