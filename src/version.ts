/** The version of the service and of its OpenAPI document. A test compares it with package.json. */
export const version = '0.1.0'
