/** The baseline: a Fastify server with one constant route. */
import Fastify from 'fastify'

const [body = ''] = process.argv.slice(2)
const app = Fastify()
app.get('/constant', (_request, reply) => reply.type('application/json').send(body))
process.send?.(await app.listen({ host: '127.0.0.1', port: 0 }))
process.on('disconnect', () => process.exit(0))
