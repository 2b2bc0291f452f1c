import Fastify from 'fastify'
import tap from 'tap'
import methodNotAllowed from '../../src/http/method-not-allowed.js'
import problems from '../../src/http/problems.js'

tap.test('answers 405 with the methods of the route', async (t) => {
  const app = Fastify()
  await app.register(problems)
  await app.register(methodNotAllowed)
  app.get('/a', () => ({}))
  app.post('/a', () => ({}))
  app.put('/b/:id', () => ({}))
  app.get('/files/*', () => ({}))
  app.addMethodNotAllowedRoutes()
  const ask = async (method: 'GET' | 'DELETE' | 'PUT' | 'POST' | 'OPTIONS', url: string) => {
    const { statusCode, headers } = await app.inject({ method, url })
    return [statusCode, headers['allow']]
  }
  t.strictSame(await ask('DELETE', '/a'), [405, 'GET, HEAD, POST'])
  t.strictSame(await ask('OPTIONS', '/a'), [405, 'GET, HEAD, POST'])
  t.strictSame(await ask('GET', '/b/1'), [405, 'PUT'])
  t.strictSame(await ask('PUT', '/files/x'), [404, undefined])
  t.strictSame(await ask('PUT', '/nowhere'), [404, undefined])
  t.strictSame(await ask('GET', '/a'), [200, undefined])
})
