import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { pino } from 'pino'
import tap, { type Test } from 'tap'
import problems from '../../src/http/problems.js'
import requestHead from '../../src/http/request-head.js'
import { serverOptions } from '../../src/http/server-options.js'
import { overSocket } from '../harness.js'

/** A server of one route, and the status, or the code of the problem, that it answers a head with. */
async function start(t: Test) {
  const app = Fastify(serverOptions({ trustProxy: false, requestTimeoutMs: 10_000 }, pino({ level: 'silent' })))
  await app.register(problems)
  await app.register(requestHead)
  app.get('/', () => ({ status: 'ok' }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo
  return async (first: string, ...headers: string[]) => {
    const { status, body } = await overSocket(port, [first, 'Connection: close', ...headers, '', ''].join('\r\n'))
    return status === 200 ? status : JSON.parse(body).code
  }
}

tap.test('takes one Host that names a host, and refuses any other', async (t) => {
  const answerTo = await start(t)
  const sound = ['test', 'test:3000', 'a.b-c.example', '127.0.0.1:80', '[::1]', '[::1]:3000', 'test:', '']
  for (const host of sound) t.equal(await answerTo('GET / HTTP/1.1', `Host: ${host}`), 200, host)
  const odd = ['a b', 'a, b', 'a/b', 'user@test', 'test:http', 'test\\a', '[::1', 'a"b', '<test>', 'test?a', 'test#a']
  for (const host of odd) t.equal(await answerTo('GET / HTTP/1.1', `Host: ${host}`), 'validation_failed', host)
  t.equal(await answerTo('GET / HTTP/1.1'), 'validation_failed', 'none')
  t.equal(await answerTo('GET / HTTP/1.1', 'Host: a', 'Host: b'), 'validation_failed', 'two')
  t.equal(await answerTo('GET / HTTP/1.1', 'Host: a', 'host: a'), 'validation_failed', 'the same twice')
})

tap.test('takes HTTP/1.0 without a Host, and no HTTP/0.9 or 2.0', async (t) => {
  const answerTo = await start(t)
  t.equal(await answerTo('GET / HTTP/1.0'), 200)
  for (const version of ['', ' HTTP/0.9', ' HTTP/2.0']) {
    t.equal(await answerTo(`GET /${version}`, 'Host: test'), 'validation_failed', version)
  }
})

tap.test('takes an asterisk for no address', async (t) => {
  const answerTo = await start(t)
  for (const target of ['*', '*/', '*?a=b']) {
    t.equal(await answerTo(`GET ${target} HTTP/1.1`, 'Host: test'), 'validation_failed', target)
  }
  t.equal(await answerTo('OPTIONS * HTTP/1.1', 'Host: test'), 'route_not_found')
})

tap.test('takes two hundred headers and no more', async (t) => {
  const answerTo = await start(t)
  const more = (count: number) => Array.from({ length: count }, (_, n) => `X-${n}: ${n}`)
  t.equal(await answerTo('GET / HTTP/1.1', 'Host: test', ...more(198)), 200)
  t.equal(await answerTo('GET / HTTP/1.1', 'Host: test', ...more(199)), 'headers_too_large')
  t.equal(await answerTo('GET / HTTP/1.1', 'Host: test', ...more(2500)), 'headers_too_large', 'regression: dropped')
})

tap.test('regression: of an address that is not sound the router answered by itself', async (t) => {
  const answerTo = await start(t)
  const sound = ['http://test', 'HTTPS://test/', 'http://test:80?a=%zz', '/?a=%zz', '/?%FF']
  for (const target of sound) t.equal(await answerTo(`GET ${target} HTTP/1.1`, 'Host: test'), 200, target)
  const odd = [
    '/%',
    '/%zz',
    '/%FF',
    '/%E0%A4%A/x',
    'http://test/%zz',
    'http://',
    'http:///x',
    'http://test:99999/',
    'http://test/#a',
  ]
  for (const target of odd) t.equal(await answerTo(`GET ${target} HTTP/1.1`, 'Host: test'), 'validation_failed', target)
  t.equal(await answerTo('GET /%zz HTTP/1.0'), 'validation_failed')
  t.equal(await answerTo('GET /unsound HTTP/1.1', 'Host: test'), 'route_not_found')
})
