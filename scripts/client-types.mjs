import openapiTS, { astToString } from 'openapi-typescript'

const header = `// Generated from openapi.json by "npm run openapi": do not edit. The types of a client of trackstar-bff, for
// openapi-fetch (\`createClient<paths>\`) or by themselves (\`Stock\`, \`Problem\`). This file needs nothing else.

`

/**
 * The TypeScript types of a client of `document`, as openapi-typescript makes them: `paths` and `operations`, and every
 * schema under its own name.
 *
 * @param {object} document an OpenAPI 3.1 document without references to other files
 * @returns {Promise<string>} the text of a declaration file
 */
export async function clientTypes(document) {
  const nodes = await openapiTS(structuredClone(document), {
    rootTypes: true,
    rootTypesNoSchemaPrefix: true,
    rootTypesKeepCasing: true,
    silent: true,
  })
  return header + astToString(nodes)
}
