import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { buildApp } from '../../../../src/app.js'
import { readConfig } from '../../../../src/config/config.js'
import { sandboxWebhookSecret, signWebhook } from '../../../../src/sandbox/webhook-sender.js'
import { type Answer, canonical, isExplained, partsOf, statesSince, truthOf } from './answers.js'
import { differenceOfKept } from './both-ways.js'
import { EventReader } from './event-reader.js'
import {
  FakeUpstream,
  type Fault,
  type Resource,
  upstreamDate,
  type Version,
  type WriteReply,
} from './fake-upstream.js'
import { chooseProduct, type Json, joinStock, keyOf } from './join.js'
import { Random } from './random.js'
import { differenceOfRecords, mostReadsInOneSecond } from './record-routes.js'
import { newItem, newProduct, skus } from './records.js'
import { VirtualTime } from './virtual-time.js'

const secondMs = 1000
const minuteMs = 60_000

/** The actions of a walk, and their weights. */
export interface WalkOptions {
  readonly mode: 'mirror' | 'on-demand'
  readonly actions: Readonly<Record<Action, number>>
  readonly deliveries: Readonly<Record<Delivery, number>>
  readonly faults: Readonly<Record<Fault, number>>
  readonly writeReplies: Readonly<Record<WriteReply, number>>
  /** How late upstream may list a change. */
  readonly maxLagMs: number
  /** Whether event readers may subscribe to a SKU without the merchant if several merchants share it. */
  readonly followsSkus: boolean
  readonly records: { readonly odd: number; readonly oddDates: number; readonly absurdDates: number }
}

export type Action =
  | 'pass'
  | 'changeItem'
  | 'changeProduct'
  | 'addProduct'
  | 'remove'
  | 'restore'
  | 'remake'
  | 'adjust'
  | 'adjustTwice'
  | 'read'
  | 'fault'
  | 'unreadable'
  | 'clock'
  | 'reader'

/** How a webhook announces a change. */
export type Delivery =
  | 'none'
  | 'whole'
  | 'doubled'
  | 'late'
  | 'part'
  | 'truncated'
  | 'withoutZone'
  | 'oddDate'
  | 'undated'

const syncIntervalMs = 30 * secondMs
const overlapMs = 60 * secondMs
/** Reads that upstream takes within a second. */
const readRate = 10
const compareMs = 90 * secondMs
/** The longest delay of a webhook. */
const maxDelayMs = 90 * secondMs

/** A wrong answer. */
export class WrongAnswer extends Error {}

/** A random walk of one service and one upstream, in virtual time. */
export class Walk {
  readonly #random: Random
  readonly #time = new VirtualTime()
  readonly upstream: FakeUpstream
  readonly story: string[] = []
  #app: FastifyInstance | undefined
  #reader: EventReader | undefined
  #wrong: WrongAnswer | undefined
  #deliveries = 0
  #keys = 0
  #wallAheads = [0]
  #steppedAt = Number.NEGATIVE_INFINITY
  /** Removed products and items, as they were. */
  readonly #removed: { resource: Resource; record: Json }[] = []
  readonly #etags = new Map<string, { etag: string; body: Json }>()
  readonly #pending = new Set<Promise<unknown>>()
  readonly #realRandom = Math.random
  #madeProducts = 0
  #settledAt = 0
  readonly counts: Record<string, number> = {}

  constructor(
    readonly seed: number,
    private readonly options: WalkOptions,
  ) {
    this.#random = new Random(seed)
    this.upstream = new FakeUpstream(this.#time, this.#random)
  }

  async start(): Promise<void> {
    const random = this.#random
    this.upstream.maxPage = random.pick([3, 5, 1000])
    this.upstream.aheadMs = random.int(-20, 20) * secondMs
    for (let n = 0; n < 5; n++) this.#addProduct({ isSilent: true })
    const config = readConfig({
      TRACKSTAR_BASE_URL: 'http://upstream.example',
      TRACKSTAR_API_KEY: 'key',
      TRACKSTAR_ACCESS_TOKEN: 'token',
      TRACKSTAR_CONNECTION_ID: 'conn',
      TRACKSTAR_WEBHOOK_SECRET: sandboxWebhookSecret,
      AUTH_MODE: 'none',
      LOG_LEVEL: 'silent',
      CLIENT_RATE_LIMIT: '0',
      TRACKSTAR_READ_RATE: String(readRate),
      CATALOG_MODE: this.options.mode,
      SYNC_INTERVAL_SECONDS: String(syncIntervalMs / secondMs),
      SYNC_OVERLAP_SECONDS: String(overlapMs / secondMs),
      FULL_COMPARE_HOURS: String(compareMs / (60 * minuteMs)),
    })
    this.#app = await buildApp(config, { dispatcher: this.upstream.dispatcher, clock: this.#time })
    // Retries and expiries are jittered; their jitter depends on the seed too, so that a walk can be repeated.
    Math.random = this.#random.next
    await this.#app.ready()
    await this.#time.pass(random.int(0, 20) * secondMs)
    this.#settledAt = this.#time.elapsed()
  }

  async stop(): Promise<void> {
    this.#reader?.leave()
    if (this.#app) await this.#time.until(this.#app.close())
    Math.random = this.#realRandom
    this.#time.restore()
  }

  /** A round: random actions, then a pause in which everything must agree. */
  async round(): Promise<void> {
    this.story.length = 0
    for (let n = this.#random.int(5, 30); n > 0; n--) await this.#act()
    await this.#settle()
    await this.#checkKept(true)
    await this.#checkAll()
  }

  get #service(): FastifyInstance {
    if (this.#app === undefined) throw new Error('the walk has not started')
    return this.#app
  }

  #say(text: string): void {
    const seconds = ((this.#time.elapsed() - Date.UTC(2026, 10, 28, 10)) / 1000).toFixed(1)
    this.story.push(`${seconds} s: ${text}`)
  }

  #count(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1
  }

  async #act(): Promise<void> {
    const action = this.#random.weighted(this.options.actions)
    this.#count(action)
    await this.#actions[action]()
    await this.#time.pass(this.#random.chance(0.5) ? 0 : this.#random.int(1, 400))
    await this.#checkKept(false)
    this.#throwIfWrong()
  }

  async #checkKept(alone: boolean): Promise<void> {
    const difference = await this.#time.until(differenceOfKept(this.#service, skus, alone))
    if (difference !== undefined) this.#fail(difference)
  }

  #throwIfWrong(): void {
    if (this.#wrong) throw this.#wrong
  }

  /** Work that runs beside the walk. */
  #start(work: Promise<unknown>): void {
    const done = work
      .catch((error: unknown) => {
        this.#wrong ??= error instanceof WrongAnswer ? error : new WrongAnswer(String(error), { cause: error })
      })
      .finally(() => this.#pending.delete(done))
    this.#pending.add(done)
  }

  readonly #actions: Readonly<Record<Action, () => void | Promise<void>>> = {
    pass: () => this.#time.pass(this.#random.pick([50, 900, 1100, 5000, 20_000, 40_000])),
    changeItem: () => this.#changeItem(),
    changeProduct: () => this.#changeProduct(),
    addProduct: () => this.#addProduct(),
    remove: () => this.#remove(),
    restore: () => this.#restoreRemoved(),
    remake: () => this.#remakeProduct(),
    adjust: () => this.#start(this.#adjust(this.#someItem())),
    adjustTwice: () => {
      const id = this.#someItem()
      for (let n = 0; n < 2; n++) this.#start(this.#adjust(id))
    },
    read: () => this.#start(this.#read()),
    fault: () => this.#breakUpstream(),
    unreadable: () => this.#breakRecord(),
    clock: () => this.#stepClock(),
    reader: () => this.#moveReader(),
  }

  #someItem(): string | undefined {
    const ids = this.upstream.ids('inventory')
    return ids.length === 0 ? undefined : this.#random.pick(ids)
  }

  #lagMs(): number {
    return this.#random.chance(0.7) ? 0 : this.#random.int(0, this.options.maxLagMs)
  }

  /** Dates and stores a change of a record, and sends webhooks about it. */
  #change(resource: Resource, id: string, record: Json, { isSilent = false, verb = 'updated' } = {}): void {
    const { odd, oddDates, absurdDates } = this.options.records
    const random = this.#random
    const { now } = this.upstream
    let dated: number | null = now
    let date: unknown = upstreamDate(now)
    if (random.chance(absurdDates)) {
      dated = now + random.pick([-400, 400]) * 24 * 60 * minuteMs
      date = upstreamDate(dated)
    } else if (random.chance(oddDates)) date = oddDate(now, random)
    else if (random.chance(odd)) {
      dated = null
      date = null
    }
    const lagMs = isSilent ? 0 : this.#lagMs()
    const version = this.upstream.change(resource, id, { ...record, trackstar_updated_date: date }, { lagMs, dated })
    this.#say(`${resource} ${id} ${verb}, listed after ${lagMs} ms: ${JSON.stringify(version.record)}`)
    if (!isSilent) this.#tell(resource, id, version, verb)
  }

  #changeItem(): void {
    const id = this.#someItem()
    const record = id === undefined ? undefined : this.upstream.latest('inventory', id)?.record
    if (id === undefined || record === undefined) return
    this.#change('inventory', id, { ...newItem(id, this.#random, this.options.records.odd), sku: record['sku'] })
  }

  #changeProduct(): void {
    const ids = this.upstream.ids('products')
    if (ids.length === 0) return
    const random = this.#random
    const id = random.pick(ids)
    const record = this.upstream.latest('products', id)?.record ?? {}
    const made = newProduct(id, random, this.options.records.odd, this.#itemIds())
    const field = random.pick(['sku', 'active', 'warehouse_customer_id', 'inventory_items', 'name'])
    this.#change('products', id, {
      ...record,
      [field]: made[field],
      is_kit: field === 'inventory_items' ? made['is_kit'] : record['is_kit'],
    })
  }

  #itemIds(): string[] {
    return [...this.upstream.histories.inventory.keys()]
  }

  #addProduct(how: { isSilent?: boolean } = {}): void {
    if (this.upstream.ids('products').length >= 9) return
    const n = ++this.#madeProducts
    const itemId = n % 5 === 4 ? `item,${n}` : `item${n}`
    this.#change('inventory', itemId, newItem(itemId, this.#random, this.options.records.odd), {
      ...how,
      verb: 'created',
    })
    const id = n % 5 === 3 ? `prod,${n}` : `prod${n}`
    this.#change('products', id, newProduct(id, this.#random, this.options.records.odd, this.#itemIds()), {
      ...how,
      verb: 'created',
    })
  }

  #remove(): void {
    const resource = this.#random.pick(['products', 'inventory'] as const)
    const ids = this.upstream.ids(resource)
    if (ids.length < 3) return
    const id = this.#random.pick(ids)
    const { record } = this.upstream.latest(resource, id) as Version & { record: Json }
    this.upstream.listAll(resource, id)
    this.upstream.change(resource, id, undefined)
    this.#removed.push({ resource, record })
    this.#say(`${resource} ${id} removed`)
  }

  #restoreRemoved(): void {
    const back = this.#removed.pop()
    if (back === undefined) return
    const id = String(back.record['id'])
    if (this.upstream.latest(back.resource, id)?.record !== undefined) return
    this.#change(back.resource, id, back.record, { verb: 'created' })
  }

  /** Deletes a product and creates it again: another id, the same SKU. */
  #remakeProduct(): void {
    const ids = this.upstream.ids('products')
    if (ids.length === 0) return
    const id = this.#random.pick(ids)
    const { record } = this.upstream.latest('products', id) as Version & { record: Json }
    this.upstream.listAll('products', id)
    this.upstream.change('products', id, undefined)
    this.#say(`products ${id} removed, to be created again`)
    const n = ++this.#madeProducts
    this.#change('products', `prod${n}`, { ...record, id: `prod${n}` }, { verb: 'created' })
  }

  #tell(resource: Resource, id: string, { record }: Version, verb: string): void {
    const random = this.#random
    const kind = random.weighted(this.options.deliveries)
    if (kind === 'none' || record === undefined) return
    this.#count(`delivery ${kind}`)
    const { now } = this.upstream
    const date = record['trackstar_updated_date']
    const data: Record<Exclude<Delivery, 'none'>, Json> = {
      whole: record,
      doubled: record,
      late: record,
      part: { id, trackstar_updated_date: date },
      truncated: { id },
      withoutZone: { ...record, trackstar_updated_date: typeof date === 'string' ? date.replace(/Z$/, '') : date },
      oddDate: { ...record, trackstar_updated_date: typeof date === 'string' ? oddDate(now, random) : date },
      undated: { ...record, trackstar_updated_date: null },
    }
    const subject = resource === 'products' ? 'product' : 'inventory'
    const payload = {
      connection_id: 'conn',
      event_type: `${subject}.${verb}`,
      data: data[kind],
      ...(kind === 'truncated' && { data_truncated: true }),
    }
    const delays = kind === 'doubled' ? [0, 0] : [0]
    for (const _ of delays) {
      const longest = kind === 'late' ? maxDelayMs : 3000
      const delayMs = random.chance(0.3) ? 1 : random.int(1, longest)
      this.#time.set(() => this.#start(this.#deliver(payload)), delayMs)
      this.#say(`webhook ${kind} in ${delayMs} ms`)
    }
  }

  async #deliver(body: Json): Promise<void> {
    const payload = JSON.stringify(body)
    const signature = signWebhook(
      sandboxWebhookSecret,
      `msg_${++this.#deliveries}`,
      Math.floor(Date.now() / 1000),
      payload,
    )
    const headers = { 'content-type': 'application/json', ...signature }
    const reply = await this.#service.inject({ method: 'POST', url: '/webhooks/trackstar', headers, payload })
    if (reply.statusCode !== 204) this.#fail(`a delivery was answered ${reply.statusCode}: ${reply.body}`, payload)
  }

  #fail(what: string, ...details: unknown[]): never {
    throw new WrongAnswer(
      `${what}\n${details.map((detail) => (typeof detail === 'string' ? detail : JSON.stringify(detail))).join('\n')}`,
    )
  }

  async #adjust(id: string | undefined): Promise<void> {
    if (id === undefined) return
    const random = this.#random
    const payload = {
      quantity: random.int(1, 5),
      adjustment_type: random.pick(['increase', 'decrease']),
      ...(random.chance(0.5) && {
        warehouse_id: random.pick(this.options.records.odd > 0 ? ['wh_1', 'wh_2'] : ['wh_1']),
      }),
    }
    this.upstream.writeReply = random.weighted(this.options.writeReplies)
    const key = `key${++this.#keys}`
    this.#say(`adjust ${id} ${JSON.stringify(payload)}, reply ${this.upstream.writeReply}`)
    const url = `/inventory/${encodeURIComponent(id)}/adjust`
    const put = () => this.#service.inject({ method: 'PUT', url, headers: { 'idempotency-key': key }, payload })
    let reply = await put()
    // A caller without a response repeats the request with the same key.
    if (reply.statusCode >= 500 || random.chance(0.2)) reply = await put()
    this.#say(`adjust ${id} answered ${reply.statusCode}`)
    const isExpected = reply.statusCode < 300 || reply.statusCode === 404 || reply.statusCode >= 500
    if (!isExpected) this.#fail(`an adjustment was answered ${reply.statusCode}`, reply.body)
  }

  #breakUpstream(): void {
    const random = this.#random
    const fault = random.weighted(this.options.faults)
    const isLong = random.chance(0.4) && fault !== 'empty'
    const forMs = isLong ? random.int(1, 60) * secondMs : 30 * secondMs
    const part = random.pick(['/', '/wms/products', '/wms/inventory', 'updated_date', 'limit=', 'ids', 'adjust', 'sku'])
    const now = this.#time.elapsed()
    this.#count(`fault ${fault}`)
    this.#say(`${fault} for ${isLong ? `${forMs} ms` : 'one call'} with ${part}`)
    this.upstream.faults.push({
      fault,
      until: now + forMs,
      callsLeft: isLong ? Number.POSITIVE_INFINITY : 1,
      fits: (path) => decodeURIComponent(path).includes(part),
    })
  }

  /** From now on, for a while or until the walk settles, upstream cannot send one record. */
  #breakRecord(): void {
    const random = this.#random
    const resource = random.pick(['products', 'inventory'] as const)
    const ids = this.upstream.ids(resource)
    if (ids.length === 0) return
    const name = `${resource} ${random.pick(ids)}`
    const fault = random.pick(['500', 'garbage', 'slow'] as const)
    this.#say(`${name} cannot be read: ${fault}`)
    this.upstream.unreadable.set(name, fault)
    if (random.chance(0.5)) this.#time.set(() => this.upstream.unreadable.delete(name), random.int(1, 120) * secondMs)
  }

  #stepClock(): void {
    const ms = this.#random.pick([0, 0, 30 * 60 * minuteMs, -30 * 60 * minuteMs, 5000, -5000])
    this.#say(`the wall clock is ${ms} ms ahead`)
    this.#wallAheads.push(ms)
    this.#steppedAt = this.#time.elapsed()
    this.#time.setWallAhead(ms)
  }

  async #moveReader(): Promise<void> {
    if (this.options.mode !== 'mirror') return
    if (this.#reader !== undefined && this.#random.chance(0.5)) {
      this.#say('the reader of events leaves')
      this.#reader.leave()
    } else await this.#openReader()
  }

  async #openReader(): Promise<void> {
    const reader = this.#reader ?? new EventReader(this.#service)
    reader.leave()
    const isNew = this.#reader === undefined
    const status = await this.#time.until(reader.open())
    this.#say(`GET /stock/events from ${reader.lastEventId || 'now'} answered ${status}`)
    if (status !== 200) return
    this.#reader = reader
    let isReset = false
    reader.onReset = () => {
      isReset = true
    }
    reader.onEvent = (data) => {
      this.#count('event')
      this.#say(`event: ${data['sku']} of ${data['product_id']} is ${data['available']}`)
    }
    await this.#time.pass(0)
    if (isNew || isReset) await this.#readBaseline(reader)
  }

  /** A reader first opens its stream, then reads the current stock. */
  async #readBaseline(reader: EventReader): Promise<void> {
    const headers = { 'content-type': 'application/json' }
    for (const sku of skus) {
      const payload = { skus: [sku] }
      let reply: LightMyRequestResponse
      // Without a deadline: unless it changes, what is not read here is not in an event either.
      for (;;) {
        reply = await this.#time.until(this.#service.inject({ method: 'POST', url: '/stock/query', headers, payload }))
        if (reply.statusCode === 200) break
        await this.#time.pass(5000)
      }
      const [result] = reply.json().results
      this.#say(`the reader reads ${sku}: ${result.status} ${result.stock?.available}`)
      if (result.stock) reader.bySku.set(sku, result.stock)
      else reader.bySku.delete(sku)
    }
    for (const entry of await this.#low()) reader.byProduct.set(String(entry['product_id']), entry)
  }

  async #low(): Promise<Json[]> {
    const entries: Json[] = []
    let token = ''
    do {
      const url = `/stock/low?below=1000000000&limit=5${token}`
      const reply = await this.#time.until(this.#service.inject({ method: 'GET', url }))
      if (reply.statusCode !== 200) this.#fail(`${url} was answered ${reply.statusCode}`, reply.body)
      const { data, next_token } = reply.json()
      entries.push(...data)
      token = next_token === null ? '' : `&page_token=${encodeURIComponent(next_token)}`
    } while (token !== '')
    return entries
  }

  async #read(): Promise<void> {
    const random = this.#random
    const control = random.pick(['', '', 'no-cache', 'max-age=5', 'max-age=100', 'only-if-cached'])
    const headers: Record<string, string> = control === '' ? {} : { 'cache-control': control }
    const merchant = random.chance(0.3) ? random.pick(['m1', 'm2']) : undefined
    const startedAt = this.#time.elapsed()
    if (random.chance(0.15)) {
      const url = `/stock?${skus.map((one) => `sku=${encodeURIComponent(one)}`).join('&')}`
      const reply = await this.#service.inject({ method: 'GET', url, headers })
      if (reply.statusCode !== 200) return this.#checkRefusal(reply)
      for (const { sku, status, stock, problem } of reply.json().results) {
        const told = { sku, merchant: undefined, status, body: stock ?? problem }
        if (status !== 'unavailable') await this.#check(told, startedAt, `many ${control}`)
      }
      return
    }
    if (random.chance(0.3)) {
      const payload = { skus: [...skus], ...(merchant && { warehouse_customer_id: merchant }) }
      const reply = await this.#service.inject({
        method: 'POST',
        url: '/stock/query',
        headers: { ...headers, 'content-type': 'application/json' },
        payload,
      })
      if (reply.statusCode !== 200) return this.#checkRefusal(reply)
      for (const { sku, status, stock, problem } of reply.json().results) {
        if (status !== 'unavailable')
          await this.#check({ sku, merchant, status, body: stock ?? problem }, startedAt, `query ${control}`)
      }
      return
    }
    const sku = random.pick(skus)
    const query = merchant ? `?warehouse_customer_id=${merchant}` : ''
    const url = `/products/${encodeURIComponent(sku)}/stock${query}`
    const known = this.#etags.get(url)
    if (known && control === '' && random.chance(0.5)) headers['if-none-match'] = known.etag
    const reply = await this.#service.inject({ method: 'GET', url, headers })
    this.#say(`GET ${url} ${control} answered ${reply.statusCode}`)
    if (reply.statusCode === 304 && known) {
      // The cached body, as new as the age of the answer says.
      const as_of = new Date(this.#time.now() - Number(reply.headers['age']) * secondMs - 999).toISOString()
      await this.#check({ sku, merchant, status: 'ok', body: { ...known.body, as_of } }, startedAt, 'revalidated')
    } else if (reply.statusCode === 200) {
      this.#etags.set(url, { etag: String(reply.headers['etag']), body: reply.json() })
      await this.#check({ sku, merchant, status: 'ok', body: reply.json() }, startedAt, `stock ${control}`)
    } else if (reply.statusCode === 404)
      await this.#check({ sku, merchant, status: 'not_found', body: reply.json() }, startedAt, `stock ${control}`)
    else if (reply.statusCode === 409)
      await this.#check({ sku, merchant, status: 'ambiguous', body: reply.json() }, startedAt, `stock ${control}`)
    else this.#checkRefusal(reply)
  }

  /** Rejections that state their cause are not wrong answers; `internal_error` is. */
  #checkRefusal(reply: LightMyRequestResponse): void {
    if (reply.statusCode < 502) this.#fail(`a read was answered ${reply.statusCode}`, reply.body)
  }

  /** The virtual time of a wall time in an answer: the earliest possible if the wall clock was set. */
  #elapsedAt(wallMs: number): number {
    return Math.min(...this.#wallAheads.map((ahead) => wallMs - ahead), wallMs - this.#time.wallAheadMs)
  }

  /** Fails unless upstream had the answer's state at some time since the answer's `as_of`. */
  async #check(answer: Answer, startedAt: number, how: string): Promise<void> {
    const now = this.#time.elapsed()
    const { mode } = this.options
    let from: number
    if (answer.status === 'ok') {
      const asOf = Date.parse(String(answer.body['as_of']))
      // A request in progress when the clock was set uses the earlier time.
      if (asOf > this.#time.now() && this.#steppedAt < startedAt)
        this.#fail(`${how} of ${answer.sku} is as of a time to come`, answer.body)
      from = this.#elapsedAt(asOf)
      if (answer.body['stale'] === true) from = Math.min(from, this.#settledAt - compareMs)
    } else {
      // A rejection has no age. On demand it may be as old as a stale stock.
      const syncedAt = mode === 'mirror' ? await this.#syncedAt() : this.#settledAt
      from = Math.min(startedAt - 31_000, syncedAt)
    }
    // On demand a record is dated at the end of its read, and may have changed while the response was on its way.
    from -= mode === 'mirror' ? overlapMs : 5 * secondMs
    const issues = (answer.body['issues'] ?? []) as { code: string }[]
    // In this case anything may be missing, and the answer says so.
    if (issues.some(({ code }) => code === 'upstream_sync_incomplete')) return
    const statesOf = statesSince(this.upstream, from, this.#graceMs, mode === 'mirror' ? 0 : minuteMs)
    if (isExplained(this.upstream, answer, statesOf) === false) {
      const { stock, ...choice } = truthOf(this.upstream, answer.sku, answer.merchant)
      this.#fail(
        `${how} of ${JSON.stringify(answer.sku)} (merchant ${answer.merchant}) was wrong at ${now - Date.UTC(2026, 10, 28, 10)}, from ${from - Date.UTC(2026, 10, 28, 10)}`,
        {
          answer: answer.status,
          ...(answer.status === 'ok' ? partsOf(answer.body) : answer.body),
          as_of: answer.body['as_of'],
          stale: answer.body['stale'],
        },
        { upstream: choice.status, ...stock },
      )
    }
  }

  async #syncedAt(): Promise<number> {
    const reply = await this.#service.inject({ method: 'GET', url: '/status' })
    const synced = reply.json().connections[0].mirror?.synced_at
    return synced ? this.#elapsedAt(Date.parse(synced)) : Number.NEGATIVE_INFINITY
  }

  /** Changes that only a comparison shows: deletions, and changes without a comparable date. */
  readonly #graceMs = (version: Version, next: Version): number => {
    if (this.options.mode !== 'mirror') return 0
    const isSeen =
      next.record !== undefined &&
      next.dated !== undefined &&
      Math.abs(next.dated - this.upstream.aheadMs - next.since) < minuteMs
    return isSeen && version.record !== undefined ? 0 : isSeen ? 0 : 3 * compareMs
  }

  /** Delivers everything that is pending, ends faults, and waits for an incremental read and a comparison. */
  async #settle(): Promise<void> {
    this.#say('settle')
    this.upstream.faults.length = 0
    this.upstream.unreadable.clear()
    await this.#time.pass(Math.max(maxDelayMs, overlapMs) + 10 * secondMs)
    while (this.#pending.size > 0) await this.#time.until(Promise.all(this.#pending))
    const isMirror = this.options.mode === 'mirror'
    await this.#time.pass(isMirror ? 3 * compareMs + minuteMs : 7 * minuteMs)
    this.#throwIfWrong()
  }

  async #checkAll(): Promise<void> {
    const { mode } = this.options
    const ask = async (merchant: string | undefined) => {
      const payload = { skus: [...skus], ...(merchant && { warehouse_customer_id: merchant }) }
      const headers = { 'content-type': 'application/json' }
      return this.#time.until(this.#service.inject({ method: 'POST', url: '/stock/query', headers, payload }))
    }
    // On demand the first answer is stale, and its records are read again; so are those of a SKU that has become
    // ambiguous.
    await ask(undefined)
    await this.#time.pass(5000)
    for (const merchant of [undefined, 'm1', 'm2']) {
      const reply = await ask(merchant)
      if (reply.statusCode !== 200) this.#fail(`settled, the query was answered ${reply.statusCode}`, reply.body)
      for (const { sku, status, stock } of reply.json().results) {
        this.#checkSettled('query', sku, merchant, status, stock)
      }
    }
    const sku = this.#random.pick(skus)
    const url = `/products/${encodeURIComponent(sku)}/stock`
    const reply = await this.#time.until(this.#service.inject({ method: 'GET', url }))
    const status = reply.statusCode === 200 ? 'ok' : reply.statusCode === 404 ? 'not_found' : 'ambiguous'
    this.#checkSettled('stock', sku, undefined, status, reply.json())
    const many = `/stock?${skus.map((one) => `sku=${encodeURIComponent(one)}`).join('&')}`
    for (const { sku: one, status, stock } of (await this.#get(many)).json().results) {
      this.#checkSettled('many', one, undefined, status, stock)
    }
    const difference = await differenceOfRecords(this.upstream, (path) => this.#get(path), mode === 'mirror')
    if (difference !== undefined) this.#fail('settled, the routes of records are wrong', difference)
    const reads = mostReadsInOneSecond(this.upstream)
    if (reads > readRate) this.#fail(`upstream received ${reads} reads within a second`)
    this.upstream.readsAt.length = 0
    await this.#checkBaskets()
    if (mode === 'mirror') {
      await this.#checkLow()
      await this.#checkReader()
    }
    this.#settledAt = this.#time.elapsed()
    if (this.#time.wallAheadMs === 0) this.#wallAheads = [0]
    this.upstream.emptyAt.length = 0
  }

  #get(url: string): Promise<LightMyRequestResponse> {
    return this.#time.until(this.#service.inject({ method: 'GET', url }))
  }

  #checkSettled(
    route: string,
    sku: string,
    merchant: string | undefined,
    status: string,
    stock: Json | undefined,
  ): void {
    const truth = truthOf(this.upstream, sku, merchant)
    const what = `settled, ${route} of ${JSON.stringify(sku)} (merchant ${merchant})`
    if (status !== truth.status)
      this.#fail(`${what} is ${status}, not ${truth.status}`, { answer: stock }, { upstream: truth })
    if (truth.stock === undefined || stock === undefined) return
    if (stock['stale'] !== false) this.#fail(`${what} is stale`, stock)
    const parts = partsOf(stock)
    if (canonical(parts) !== canonical(truth.stock))
      this.#fail(`${what} is wrong`, { answer: parts }, { upstream: truth.stock })
  }

  async #checkBaskets(): Promise<void> {
    for (const sku of [this.#random.pick(skus), this.#random.pick(skus)]) {
      const { status, stock } = truthOf(this.upstream, sku)
      const quantity = Math.max(1, (stock?.available ?? 0) + this.#random.int(0, 1))
      const payload = { lines: [{ sku, quantity }] }
      const headers = { 'content-type': 'application/json' }
      const reply = await this.#time.until(
        this.#service.inject({ method: 'POST', url: '/stock/check', headers, payload }),
      )
      if (reply.statusCode !== 200) this.#fail(`settled, the basket was answered ${reply.statusCode}`, reply.body)
      const { lines, fulfillable, complete } = reply.json()
      const line = lines[0]
      const what = `settled, the basket of ${quantity} ${JSON.stringify(sku)}`
      if ((line.problem === undefined) !== (status === 'ok'))
        this.#fail(`${what} disagrees about what there is`, reply.body, { upstream: status })
      if (stock === undefined) continue
      const isEnough = stock.available >= quantity
      if (line.available !== stock.available || line.fulfillable !== isEnough)
        this.#fail(`${what} has a wrong line`, line, stock)
      if (fulfillable !== isEnough && complete) this.#fail(`${what} is wrong as a whole`, reply.body, stock)
    }
  }

  /** The products that `/stock/low` lists: each that its SKU selects among those of its merchant. */
  async #checkLow(): Promise<void> {
    const products = [...this.upstream.records('products')]
    const merchantOf = (product: Json) => product['warehouse_customer_id'] ?? null
    const expected = products.flatMap((product) => {
      const sku = keyOf(product['sku'])
      const siblings = products.filter(
        (other) => keyOf(other['sku']) === sku && merchantOf(other) === merchantOf(product),
      )
      const choice = chooseProduct(siblings)
      if (sku === null || choice.status !== 'ok' || choice.product !== product) return []
      const { available, quantities } = joinStock(product, (id) => this.upstream.listed('inventory', id))
      return [{ sku, product_id: product['id'], warehouse_customer_id: merchantOf(product), available, quantities }]
    })
    const answer = (await this.#low()).map(({ name: _name, ...entry }) => entry)
    for (const [index, entry] of answer.entries()) {
      const before = answer[index - 1]
      if (before && Number(before['available']) > Number(entry['available']))
        this.#fail('low stock is out of order', answer)
    }
    const sorted = (entries: readonly Json[]) => entries.map(canonical).sort()
    if (canonical(sorted(answer)) !== canonical(sorted(expected))) {
      const wrong = sorted(answer).filter((entry) => !sorted(expected).includes(entry))
      const missing = sorted(expected).filter((entry) => !sorted(answer).includes(entry))
      this.#fail('settled, low stock is wrong', { wrong }, { missing })
    }
  }

  /** The state of an event reader must agree with the routes. */
  async #checkReader(): Promise<void> {
    await this.#openReader()
    await this.#time.pass(10)
    const reader = this.#reader
    if (reader === undefined) this.#fail('settled, events cannot be read')
    for (const sku of skus) {
      const truth = truthOf(this.upstream, sku)
      const answer = reader.bySku.get(sku)
      if (truth.status === 'ambiguous' || !this.options.followsSkus) continue
      const available = truth.stock?.available ?? 0
      const isQuantities =
        truth.stock === undefined || canonical(answer?.['quantities']) === canonical(truth.stock.quantities)
      if ((answer?.['available'] ?? 0) !== available || !isQuantities) {
        this.#fail(
          `a reader of events has a wrong stock of ${JSON.stringify(sku)}`,
          {
            answer: {
              available: answer?.['available'],
              quantities: answer?.['quantities'],
              product: answer?.['product_id'],
            },
          },
          { upstream: truth },
        )
      }
    }
    const low = new Map((await this.#low()).map((entry) => [entry['product_id'], entry]))
    for (const [id, answer] of reader.byProduct) {
      const entry = low.get(id)
      const same = entry
        ? answer['sku'] === entry['sku'] && canonical(answer['quantities']) === canonical(entry['quantities'])
        : answer['available'] === 0
      if (!same) this.#fail(`a reader of events has a wrong stock of the product ${id}`, { answer }, { low: entry })
    }
    for (const [id, entry] of low)
      if (!reader.byProduct.has(String(id))) this.#fail(`no reader of events got an event for the product ${id}`, entry)
  }
}

/** The same time in the formats of other systems. */
function oddDate(ms: number, random: Random): unknown {
  const date = upstreamDate(ms)
  const seconds = Math.floor(ms / 1000)
  return random.pick([
    date.replace('Z', '+00'),
    date.replace('Z', '+00:00'),
    date.replace('Z', ''),
    date.replace('T', ' ').replace('Z', ''),
    date.replace('Z', ',000Z'),
    date.replaceAll(/[-:]/g, ''),
    seconds,
    String(seconds * 1000),
    upstreamDate(ms - 5 * 3600_000).replace('Z', '-05:00'),
  ])
}
