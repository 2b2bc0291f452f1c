const value = `# HELP http_request_seconds Time of a request
# TYPE http_request_seconds histogram
http_request_seconds_bucket{le="0.005",method="GET",route="/products/:sku/stock",status="200"} 1
http_request_seconds_sum{method="GET",route="/products/:sku/stock",status="200"} 0.002
http_request_seconds_count{method="GET",route="/products/:sku/stock",status="200"} 1
`

/** Some lines of `GET /metrics`, and how it is documented. */
export const metricsResponse = {
  description: 'The metrics',
  headers: { 'Cache-Control': { type: 'string', description: 'Never to be kept', examples: ['no-store'] } },
  content: {
    'text/plain': {
      schema: { type: 'string' },
      examples: {
        requests: {
          summary: 'Some of its lines, after one request for a stock',
          description: '`GET /metrics`',
          value,
        },
      },
    },
  },
}
