/** The version of this service and of its contract document; a test holds it against package.json. */
export const version = '0.1.0'
