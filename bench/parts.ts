/** What of the service can be left out, and what it does for one request. */
export const parts = {
  'API key': 'the key hashed and compared with those that are let in',
  'rate limit': 'one more of this client, and three headers that say how many are left',
  CORS: 'the origin looked up, and two headers',
  'security headers': "helmet's, made at the start",
  compression: 'finding that the answer is too small for it',
  metrics: 'a histogram, a counter and a gauge',
  'log line': 'made and written',
  'request id': 'made, and sent as a header',
  freshness: 'the hash for the ETag, and four headers beside it',
  negotiation: 'a look at Accept and at the length of the address',
  overload: 'a look at how late the event loop is',
  validation: 'of the path, the query and the headers',
  'the join': 'its records looked up, to see that the answer that is kept still holds',
} as const
export type Part = keyof typeof parts
