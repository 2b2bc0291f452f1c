import type { Redis } from 'ioredis'

/** A replica that has not been heard of for this long may be cut off, and uses its own share of the rate. */
const joinedMs = 2000
/** A replica that has not been heard of for this long is gone. */
const memberMs = 30_000

/**
 * Registers a replica. `epoch` and `beat` show whether Redis is still the one, with the data, that it was: an empty one has
 * another epoch, an older snapshot a smaller beat.
 */
const heartbeat = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ${memberMs})
redis.call('ZADD', KEYS[1], now, ARGV[1])
if ARGV[3] == '1' then redis.call('ZADD', KEYS[5], now, ARGV[1]) end
redis.call('SET', KEYS[2], time[1] .. '.' .. time[2], 'NX')
if tonumber(ARGV[2]) > 1 and tonumber(redis.call('GET', KEYS[4]) or 0) < tonumber(ARGV[2]) then
  redis.call('SET', KEYS[4], ARGV[2], 'PX', ${memberMs})
end
local count = math.max(redis.call('ZCARD', KEYS[1]), tonumber(redis.call('GET', KEYS[4]) or 0))
return {string.format('%.3f', now), count, redis.call('GET', KEYS[2]), redis.call('INCR', KEYS[3])}
`

const leave = `
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
`

/**
 * Takes slots of the rate limit for a replica, or says when to ask again. A slot is taken for a second and a margin, in
 * Redis's time. `waiting` has what each replica waits for, so that a request goes after those of a higher priority at
 * other replicas, and replicas take turns within a priority. The mirror gets a slot a second, never two in a row.
 *
 * KEYS: slots, slots of lists, slots of forced reads, waiting, meta, joined, members, expected
 * ARGV: replica, rate, span, slots at most of lists and of forced reads, prefix and first number of the slots' names,
 *   requests by class (caller, list, refresh, forced, mirror)
 * Returns the classes granted, slots left, ms until the next question or -1, the rate in force, and slots taken.
 */
const takeSlots = `
local slots, lists, forceds, waiting, meta, joined, members, expected = unpack(KEYS)
local id, rate, span, prefix, number = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[6], tonumber(ARGV[7])
local caps = {[2] = {lists, tonumber(ARGV[4])}, [4] = {forceds, tonumber(ARGV[5])}}
local ranks = {1, 1, 2, 2, 3}
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000

redis.call('ZADD', joined, now, id)
redis.call('ZREMRANGEBYSCORE', joined, '-inf', now - ${joinedMs})
local there = redis.call('ZCARD', joined)
local all = math.max(redis.call('ZCARD', members), tonumber(redis.call('GET', expected) or 0))
if all > there then rate = math.max(1, math.floor(rate * there / all)) end

for _, key in ipairs({slots, lists, forceds}) do redis.call('ZREMRANGEBYSCORE', key, '-inf', now) end
local taken = redis.call('ZCARD', slots)

local demand, total = {}, 0
for class = 1, 5 do demand[class] = tonumber(ARGV[7 + class]); total = total + demand[class] end
local mine = tonumber(redis.call('HGET', meta, 'served:' .. id) or 0)
local others, mirrorsElsewhere = {}, false
local entries = redis.call('HGETALL', waiting)
for index = 1, #entries, 2 do
  if entries[index] ~= id then
    local entry = cjson.decode(entries[index + 1])
    if entry[1] < now then redis.call('HDEL', waiting, entries[index])
    else
      entry.served = tonumber(redis.call('HGET', meta, 'served:' .. entries[index]) or 0)
      others[#others + 1] = entry
      if entry[6] > 0 then mirrorsElsewhere = true end
    end
  end
end

local paused = tonumber(redis.call('HGET', meta, 'paused') or 0)
local mirrorAt = tonumber(redis.call('HGET', meta, 'mirrorAt') or 0)
local servedOthers = redis.call('HGET', meta, 'servedOthers') ~= '0'
local lastOfRank = {tonumber(redis.call('HGET', meta, 'rank1') or 2), tonumber(redis.call('HGET', meta, 'rank2') or 4)}

local function room(class)
  local cap = caps[class]
  return cap == nil or redis.call('ZCARD', cap[1]) < cap[2]
end
local function choose()
  if demand[5] > 0 and servedOthers and now >= mirrorAt then return 5, true end
  for rank = 1, 2 do
    local first, second = rank * 2 - 1, rank * 2
    if lastOfRank[rank] == first then first, second = second, first end
    if demand[first] > 0 and room(first) then return first, false end
    if demand[second] > 0 and room(second) then return second, false end
  end
  if demand[5] > 0 then return 5, false end
end
local function ahead(class, isMirrorTurn)
  if isMirrorTurn then return 0 end
  local count = 0
  if mirrorsElsewhere and servedOthers and now >= mirrorAt then count = 1 end
  for _, other in ipairs(others) do
    local higher, same = 0, 0
    for otherClass = 1, 5 do
      local n = other[otherClass + 1]
      if caps[otherClass] then n = math.min(n, math.max(0, caps[otherClass][2] - redis.call('ZCARD', caps[otherClass][1]))) end
      if ranks[otherClass] < ranks[class] then higher = higher + n
      elseif ranks[otherClass] == ranks[class] then same = same + n end
    end
    count = count + higher
    if same > 0 and other.served < mine then count = count + 1 end
  end
  return count
end

local granted, before = {}, 0
while total > 0 and paused <= now do
  local class, isMirrorTurn = choose()
  if class == nil then break end
  before = ahead(class, isMirrorTurn)
  if rate - taken <= before then break end
  local name = prefix .. (number + #granted)
  redis.call('ZADD', slots, now + span, name)
  if caps[class] then redis.call('ZADD', caps[class][1], now + span, name) end
  taken = taken + 1
  demand[class] = demand[class] - 1
  total = total - 1
  granted[#granted + 1] = class
  servedOthers = class ~= 5
  if class == 5 then mirrorAt = now + 1000 else lastOfRank[ranks[class]] = class end
  mine = now + #granted / 1000
end

if #granted > 0 then
  redis.call('HSET', meta, 'served:' .. id, string.format('%.3f', mine), 'mirrorAt', string.format('%.3f', mirrorAt),
    'servedOthers', servedOthers and '1' or '0', 'rank1', lastOfRank[1], 'rank2', lastOfRank[2])
  redis.call('PEXPIRE', meta, 600000)
  for _, key in ipairs({slots, lists, forceds}) do redis.call('PEXPIRE', key, span * 2) end
end

local wait = -1
if total > 0 then
  local at = now
  if paused > now then at = paused
  else
    local class, isMirrorTurn = choose()
    if class == nil then
      at = now + span
      for capped = 2, 4, 2 do
        if demand[capped] > 0 then
          local first = redis.call('ZRANGE', caps[capped][1], 0, 0, 'WITHSCORES')
          if first[2] then at = math.min(at, tonumber(first[2])) end
        end
      end
    else
      before = ahead(class, isMirrorTurn)
      -- The slot that is free once those ahead have had theirs.
      local position = before - (rate - taken)
      local held = redis.call('ZCARD', slots)
      if position >= 0 and held > 0 then
        local slot = redis.call('ZRANGE', slots, position % held, position % held, 'WITHSCORES')
        at = tonumber(slot[2]) + math.floor(position / held) * span
      end
    end
  end
  wait = math.max(1, math.ceil(at - now + 0.5))
  redis.call('HSET', waiting, id, cjson.encode({at + 750, demand[1], demand[2], demand[3], demand[4], demand[5]}))
  redis.call('PEXPIRE', waiting, 120000)
else redis.call('HDEL', waiting, id) end

return {granted, math.max(0, rate - taken), wait, rate, taken}
`

/** Counts the calls of these slots from now: they are written later than expected. */
const touchSlots = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
for index = 2, #ARGV do
  for _, key in ipairs(KEYS) do redis.call('ZADD', key, 'XX', now + tonumber(ARGV[1]), ARGV[index]) end
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[1] * 2) end
return 1
`

/** Gives a slot back, and tells the replicas that wait for one. KEYS: the three kinds of slots, waiting, channel */
const releaseSlot = `
for index = 1, 3 do redis.call('ZREM', KEYS[index], ARGV[1]) end
if redis.call('HLEN', KEYS[4]) > 0 then redis.call('PUBLISH', KEYS[5], ARGV[2]) end
return 1
`

/** KEYS: meta, channel. ARGV: ms, notice */
const pauseSlots = `
local time = redis.call('TIME')
local untilMs = time[1] * 1000 + time[2] / 1000 + tonumber(ARGV[1])
if tonumber(redis.call('HGET', KEYS[1], 'paused') or 0) < untilMs then
  redis.call('HSET', KEYS[1], 'paused', string.format('%.3f', untilMs))
  redis.call('PEXPIRE', KEYS[1], math.max(600000, tonumber(ARGV[1]) * 2))
  redis.call('PUBLISH', KEYS[2], ARGV[2])
end
return 1
`

/** Adds to the counts of clients. KEYS: clients. ARGV: window, what to add to each. Returns count and ms left of each. */
const addCounts = `
local counts = {}
for index, key in ipairs(KEYS) do
  local used = redis.call('INCRBY', key, ARGV[index + 1])
  local left = redis.call('PTTL', key)
  if left < 0 then
    redis.call('PEXPIRE', key, ARGV[1])
    left = tonumber(ARGV[1])
  end
  counts[#counts + 1] = used
  counts[#counts + 1] = left
end
return counts
`

/** Uses up a ticket, and tells the replica that issued it. KEYS: ticket, channel. ARGV: notice */
const redeemTicket = `
local caller = redis.call('GETDEL', KEYS[1])
if caller then redis.call('PUBLISH', KEYS[2], ARGV[1]) end
return caller
`

/**
 * Takes or keeps the lease of a connection. A term grows with each new leader, and is never one that an earlier Redis gave.
 * KEYS: lease, term. ARGV: replica, ms. Returns the leader, the term, and ms left.
 */
const lead = `
local leader = redis.call('GET', KEYS[1])
if leader == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2])
elseif not leader then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('SET', KEYS[2], string.format('%.0f', math.max(now, tonumber(redis.call('GET', KEYS[2]) or 0) + 1)))
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  leader = ARGV[1]
end
return {leader, redis.call('GET', KEYS[2]), redis.call('PTTL', KEYS[1])}
`

/** KEYS: lease, channel. ARGV: replica, notice */
const resign = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('PUBLISH', KEYS[2], ARGV[2])
return 1
`

/**
 * Decides for all replicas which copy of a record is the newer one, and appends what is new to the stream: a read that began
 * after the known copy was read wins, otherwise the later second of its date. A copy is `read|second|JSON`, without JSON
 * if upstream no longer has the record.
 * KEYS: records, stream, number of the latest change. ARGV: replica, length of the stream, then for each change: field, when
 * its read began and ended, its second or nothing, JSON or nothing.
 * Returns for each change nothing if it was taken, = if it is known, or the copy that stays, with ? before it if no date decided.
 */
const publishChanges = `
local results = {}
for index = 3, #ARGV, 5 do
  local field, begun, read, second, json = ARGV[index], tonumber(ARGV[index + 1]), ARGV[index + 2], ARGV[index + 3], ARGV[index + 4]
  local known = redis.call('HGET', KEYS[1], field)
  local result, isTaken = '', true
  if known then
    local knownRead, knownSecond, start = string.match(known, '^([^|]*)|([^|]*)|()')
    local knownJson = string.sub(known, start)
    if knownJson == json then isTaken, result = false, '='
    elseif begun <= tonumber(knownRead) then
      local isDated = second ~= '' and knownSecond ~= '' and second ~= knownSecond
      if json == '' or knownJson == '' or not isDated or tonumber(second) < tonumber(knownSecond) then
        isTaken = false
        result = known
        if not isDated and json ~= '' then result = '?' .. known end
      end
    end
  end
  if isTaken then
    redis.call('HSET', KEYS[1], field, read .. '|' .. second .. '|' .. json)
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'n', redis.call('INCR', KEYS[3]), 'o', ARGV[1], 'f', field, 'b', ARGV[index + 1], 'r', read, 'v', json)
  end
  results[#results + 1] = result
end
return results
`

/**
 * Notes that the copy is complete up to a position, unless another replica leads since then.
 * KEYS: position, term, stream, number of the latest change. ARGV: term, position, length of the stream, replica
 */
const savePosition = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], '*', 'n', redis.call('INCR', KEYS[4]), 'o', ARGV[4], 'f', 'position', 'v', ARGV[2])
return 1
`

const scripts = {
  heartbeat: [heartbeat, 5],
  leave: [leave, 2],
  takeSlots: [takeSlots, 8],
  touchSlots: [touchSlots, 3],
  releaseSlot: [releaseSlot, 5],
  pauseSlots: [pauseSlots, 2],
  redeemTicket: [redeemTicket, 2],
  lead: [lead, 2],
  resign: [resign, 2],
  publishChanges: [publishChanges, 3],
  savePosition: [savePosition, 4],
  addCounts: [addCounts, undefined],
} as const

type Arguments = (string | number)[]

/** A client of Redis that has the scripts of this service as commands. Keys come first. */
export interface ScriptedRedis extends Redis {
  heartbeat(...args: Arguments): Promise<[time: string, count: number, epoch: string, beat: number]>
  leave(...args: Arguments): Promise<number>
  takeSlots(...args: Arguments): Promise<[granted: number[], free: number, waitMs: number, rate: number, taken: number]>
  touchSlots(...args: Arguments): Promise<number>
  releaseSlot(...args: Arguments): Promise<number>
  pauseSlots(...args: Arguments): Promise<number>
  redeemTicket(...args: Arguments): Promise<string | null>
  lead(...args: Arguments): Promise<[leader: string, term: string, leftMs: number]>
  resign(...args: Arguments): Promise<number>
  savePosition(...args: Arguments): Promise<number>
  publishChanges(...args: Arguments): Promise<string[]>
  /** The first argument is the number of keys. */
  addCounts(...args: Arguments): Promise<number[]>
}

/** Redis loads each script once and then knows it by its hash. */
export function defineScripts(redis: Redis): ScriptedRedis {
  for (const [name, [lua, numberOfKeys]] of Object.entries(scripts)) {
    redis.defineCommand(name, numberOfKeys === undefined ? { lua } : { lua, numberOfKeys })
  }
  return redis as ScriptedRedis
}
