// Asks the built service (dist/), in front of a sandbox, for the examples of the contract document. Times and ids are
// fixed, so that two runs give the same answers.
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildApp } from '../dist/app.js'
import { readConfig } from '../dist/config/config.js'
import { problemBody, problems } from '../dist/errors.js'
import { toProblem } from '../dist/http/problems.js'
import { createSandboxServer, sandboxWebhookSecret, signWebhook } from '../dist/sandbox/sandbox.js'
import { severalConnections } from '../dist/sandbox/several-connections.js'
import { operationExamples, problemExamples, problemsOfOperations } from './example-requests.mjs'

const time = Date.parse('2026-11-23T10:00:00Z')
/** When Trackstar last copied the inventory. */
const syncTime = Date.parse('2026-11-23T09:31:07Z')
const requestId = '6cf590f2-9f4a-4981-af72-3f8accaec68e'

/**
 * Captures every example.
 * @returns {Promise<object>} what `openapi/examples.json` holds: `operations` by operation id, status and name, and
 *   `problems` by code
 */
export async function captureExamples() {
  const shared = await startService()
  try {
    const operations = {}
    const add = (operationId, status, name, example) => {
      operations[operationId] ??= {}
      operations[operationId][status] ??= {}
      operations[operationId][status][name] = example
    }
    for (const [operationId, examples] of Object.entries(operationExamples)) {
      for (const [name, request] of Object.entries(examples)) {
        const { status, body } = await answerTo(request, shared)
        const replace = request.replace ?? {}
        const value = JSON.parse(body, (key, given) => (key in replace ? replace[key] : given))
        add(operationId, status, name, { summary: request.summary, description: describe(request), value })
      }
    }
    add('streamStockEvents', 200, 'sold', await streamExample())
    add('getMetrics', 200, 'requests', await metricsExample())
    for (const [operationId, examples] of Object.entries(problemsOfOperations)) {
      for (const [code, request] of Object.entries(examples)) {
        add(operationId, problems[code].status, code, await problemExample(code, request, shared))
      }
    }
    const byCode = { internal_error: internalError() }
    for (const [code, request] of Object.entries(problemExamples)) {
      byCode[code] = await problemExample(code, request, shared)
    }
    const inOrder = Object.keys(problems).flatMap((code) => (code in byCode ? [[code, byCode[code]]] : []))
    return { operations, problems: Object.fromEntries(inOrder) }
  } finally {
    await shared.close()
  }
}

/** A service whose clocks stand still, in front of a sandbox; its catalog is mirrored and loaded. */
async function startService({ environment = {}, connections, group, sandbox: options = {}, isolated = false } = {}) {
  let sandboxTime = syncTime
  const members = severalConnections(group ? 3 : 1, {
    products: 100,
    readRate: 0,
    now: () => sandboxTime,
    ...options,
  })
  const server = createSandboxServer(members.map((member) => member.options))
  const [sandbox] = server.connections
  sandboxTime = time
  const ofGroup = group && {
    connections: members.map(({ name }, index) => {
      const { accessToken, connectionId } = server.connections[index].credentials
      return { name, access_token: accessToken, connection_id: connectionId }
    }),
    groups: [{ name: group, connections: members.map(({ name }) => name) }],
  }
  const content = ofGroup ?? (connections && { connections })
  const folder = content && (await mkdtemp(join(tmpdir(), 'connections-')))
  const file = folder && join(folder, 'connections.json')
  if (file) await writeFile(file, JSON.stringify(content))
  const config = readConfig({
    TRACKSTAR_BASE_URL: await server.listen(),
    TRACKSTAR_API_KEY: sandbox.credentials.apiKey,
    TRACKSTAR_ACCESS_TOKEN: sandbox.credentials.accessToken,
    TRACKSTAR_CONNECTION_ID: sandbox.credentials.connectionId,
    TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
    TRACKSTAR_READ_RATE: '1000',
    AUTH_MODE: 'none',
    CATALOG_MODE: 'mirror',
    LOG_LEVEL: 'silent',
    ...(file && { CONNECTIONS_FILE: file, TRACKSTAR_ACCESS_TOKEN: '', TRACKSTAR_CONNECTION_ID: '' }),
    ...environment,
  })
  const app = await buildApp(config, { clock: { now: () => time, elapsed: () => 1_000_000 } })
  const inject = (request) => app.inject(request)
  const states = async () => (await inject('/status')).json().connections
  const status = async () => (await states())[0]
  await app.ready()
  const isLive = async ({ name, source }) =>
    source !== null && (await inject(`/stock/low?below=0&connection=${name}`)).statusCode === 200
  const isLoaded = async () => (await Promise.all((await states()).map(isLive))).every(Boolean)
  if (config.catalogMode === 'mirror' && config.authMode === 'none' && !isolated) await until(isLoaded)
  return {
    app,
    sandbox,
    whenCompared: () => until(async () => (await status()).mirror.pages_left === 0),
    async listen() {
      if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 })
      return app.server.address().port
    },
    async close() {
      await app.close()
      await server.close()
      if (folder) await rm(folder, { recursive: true })
    },
  }
}

async function until(condition) {
  for (const end = Date.now() + 20_000; !(await condition()); await sleep(5)) {
    if (Date.now() > end) throw new Error('expected the sandbox to be mirrored within 20 s')
  }
}

/** The answer to an example's request: of the shared service, unless the request needs one of its own. */
async function answerTo(request, shared) {
  const { environment, sandbox, group, isolated, prepare, raw } = request
  if (!environment && !sandbox && !group && !isolated && !prepare && !raw) return send(request, shared)
  const service = await startService(request)
  try {
    await prepare?.(service)
    return await send(request, service)
  } finally {
    await service.close()
  }
}

async function send({ method = 'GET', url, body, headers, raw }, { app, listen }) {
  if (raw !== undefined) {
    const socket = connect(await listen(), '127.0.0.1')
    await once(socket, 'connect')
    socket.write(raw)
    const [head, content] = (await text(socket)).split('\r\n\r\n')
    return { status: Number(head.split(' ')[1]), body: content }
  }
  const answer = await app.inject({
    method,
    url: encodeURI(url),
    headers: { 'x-request-id': requestId, ...headers },
    ...(body !== undefined && { payload: body }),
  })
  return { status: answer.statusCode, body: answer.body }
}

/** The request in words: `POST /stock/check` and its body. */
function describe({ method = 'GET', url, body, condition, description }) {
  if (description !== undefined) return description
  const shownBody = body === undefined ? '' : ` \`${JSON.stringify(body)}\``
  return `\`${method} ${url}\`${shownBody}${condition === undefined ? '' : ` ${condition}`}`
}

async function problemExample(code, request, shared) {
  const { body } = await answerTo(request, shared)
  const value = { ...JSON.parse(body), request_id: requestId }
  if (value.code !== code) throw new Error(`expected ${code} for ${describe(request)}, but got ${body}`)
  if (code === 'upstream_timeout') value.detail = value.detail.replace(request.environment.TRACKSTAR_TIMEOUT_MS, '5000')
  return { summary: problems[code].title, description: describe(request), value }
}

/** No request causes this one: it represents a fault in the code. */
function internalError() {
  const value = problemBody(toProblem(new TypeError('x is not a function')), requestId, '../../docs/problems')
  return { summary: value.title, description: 'Any request that runs into a bug in this service', value }
}

/** Two events: jasmine tea is sold, and one gift box less can be made. */
async function streamExample() {
  const service = await startService()
  try {
    const url = '/stock/events?sku=LIVE-JASMINE&sku=LIVE-GIFT'
    const reading = new AbortController()
    const { body } = await fetch(`http://127.0.0.1:${await service.listen()}${url}`, { signal: reading.signal })
    const { record } = service.sandbox.move('inv_jasmine', { by: -3, warehouse_id: 'wh_oslo' })
    const payload = JSON.stringify({
      connection_id: service.sandbox.credentials.connectionId,
      event_type: 'inventory.updated',
      data: record,
    })
    await service.app.inject({
      method: 'POST',
      url: '/webhooks/trackstar',
      // Signed with the real time: the receiver rejects a delivery that is older than five minutes.
      headers: {
        'content-type': 'application/json',
        ...signWebhook(sandboxWebhookSecret, 'msg_1', Math.floor(Date.now() / 1000), payload),
      },
      payload,
    })
    let stream = ''
    for await (const part of body) {
      stream += Buffer.from(part).toString()
      if (stream.match(/^event: .*\n.*\n.*\n\n/gm)?.length === 2) break
    }
    reading.abort()
    return {
      summary: 'Three tins of jasmine tea are sold, so one gift box less can be made',
      description: `\`GET ${url}\``,
      value: stream.replaceAll(/^id: \w+-/gm, 'id: 4fe97695-').replace(/^retry: \d+/m, 'retry: 2000'),
    }
  } finally {
    await service.close()
  }
}

/** The lines of one histogram, with durations of a fixed size. */
async function metricsExample() {
  const service = await startService()
  try {
    await service.app.inject('/products/SENCHA-100/stock')
    const { body } = await service.app.inject('/metrics')
    const isShown = (line) =>
      /^# (HELP|TYPE) http_request_seconds /.test(line) ||
      (line.startsWith('http_request_seconds_') &&
        line.includes('route="/products/:sku/stock"') &&
        /_sum|_count|le="0.005"/.test(line))
    const lines = body.split('\n').filter(isShown)
    return {
      summary: 'Some of the lines, after one request for a stock',
      description: '`GET /metrics`',
      value: `${lines
        .join('\n')
        .replace(/(_sum\{.*\}) .*/, '$1 0.002')
        .replace(/(_bucket\{.*\}) .*/, '$1 1')}\n`,
    }
  } finally {
    await service.close()
  }
}
