import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Document } from './document.js'

/** What is wrong with `body` as `method path` answering `status`; null where nothing is. */
export type FaultsOf = (method: string, path: string, status: string, mediaType: string, body: unknown) => unknown

/** Holds bodies against the schemas of a document; where it does not name the status, against that of any other. */
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
