/** The version of the service and of its OpenAPI document. A test compares it with package.json. */
export const version = '0.1.0'

/** The version of Node.js that runs the service, as `v24.1.0`. */
export const nodeVersion = process.version
