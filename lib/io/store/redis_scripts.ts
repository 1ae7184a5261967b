/**
 * The registry's atomic operations in Redis, in Lua: each script runs whole, and nothing else runs
 * meanwhile. Their keys are made from what they find, so a Redis Cluster cannot run them; one server
 * with its replicas can. Redis 6.2 or later.
 *
 * A lease's files belong to its generation, a number; one whose lease is gone counts for
 * nothing, and is removed in small steps. One clock decides what has expired: that of Redis. Keys, all
 * under one prefix that ends with the number of this layout:
 *
 * ```
 * leases             hash   lease → generation
 * expiries           zset   generation → when it runs out, ms since 1970; those with a lease only
 * provider:GENERATION hash lease, server, address, port, revision
 * files:GENERATION   set    names
 * name:NAME          hash   generation → SHA256 ROOT SIZE MTIME
 * content:SHA256     hash   name → how many generations have it under this name
 * names              zset   every name, in order
 * dead               set    generations to be buried
 * servers            hash   server → how many leases it has
 * fileCount          number files of all generations with a lease
 * changes            zset   name → number of its last change; the newest only
 * lastChange         number of the last change
 * forgottenChange    number of the last change that is no longer among the changes
 * generation         number that was given last
 * ```
 */
import { LOCATED_SERVERS_MAX } from "../../protocol/master/limits.ts";
import {
  REDIS_PAGE_STEP,
  REDIS_PROVIDERS_MAX,
  REDIS_SWEEP_STEP,
  REGISTRY_CHANGES_MAX,
} from "./limits.ts";

export const KEY_PREFIX = "shoal:2:";

const COMMON = `
local P = '${KEY_PREFIX}'
local call = redis.call

local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Lua would write large numbers with an exponent.
local function exact(number)
  return string.format('%.0f', number)
end

-- One call costs what some values more in it do; Lua hands over a few thousand at most.
local function callWithAll(command, key, values)
  for i = 1, #values, 1000 do
    call(command, key, unpack(values, i, math.min(#values, i + 999)))
  end
end

local function setExpiry(generation, forMs)
  call('ZADD', P .. 'expiries', exact(now + math.max(0, tonumber(forMs))), generation)
end

-- Takes one from a count in a hash, and the field with the last.
local function countDown(hash, field)
  if call('HINCRBY', hash, field, -1) <= 0 then
    call('HDEL', hash, field)
  end
end

-- Its files count for nothing from now on.
local function retire(generation)
  local count = call('SCARD', P .. 'files:' .. generation)
  call('ZREM', P .. 'expiries', generation)
  call('DECRBY', P .. 'fileCount', count)
  if count == 0 then
    call('DEL', P .. 'provider:' .. generation)
  else
    call('SADD', P .. 'dead', generation)
  end
end

local function endLease(generation)
  local provider = call('HMGET', P .. 'provider:' .. generation, 'lease', 'server')
  call('HDEL', P .. 'leases', provider[1])
  countDown(P .. 'servers', provider[2])
  retire(generation)
end
`;

const CHANGES = `
-- A Redis that lost its memory must not give out numbers that somebody remembers from before: it
-- begins with the microseconds since 1970, and nobody makes a change a microsecond.
local function beginChanges()
  if call('EXISTS', P .. 'lastChange') == 0 then
    local first = exact(time[1] * 1000000 + time[2])
    call('SET', P .. 'lastChange', first)
    call('SET', P .. 'forgottenChange', first)
  end
end

local function tellChanges(names)
  if #names == 0 then
    return
  end
  beginChanges()
  local changes = P .. 'changes'
  local before = call('INCRBY', P .. 'lastChange', #names) - #names
  local numbered = {}
  for i, name in ipairs(names) do
    numbered[2 * i - 1] = exact(before + i)
    numbered[2 * i] = name
  end
  callWithAll('ZADD', changes, numbered)
  local surplus = call('ZCARD', changes) - ${REGISTRY_CHANGES_MAX}
  if surplus > 0 then
    local last = call('ZRANGE', changes, surplus - 1, surplus - 1, 'WITHSCORES')
    call('SET', P .. 'forgottenChange', exact(tonumber(last[2])))
    call('ZREMRANGEBYRANK', changes, 0, surplus - 1)
  end
end
`;

const FILES = `
local function sha256Of(packed)
  return string.sub(packed, 1, 64)
end

-- Whether it was new. The sets of the generation's names and of all names are the caller's affair.
local function putFile(generation, name, packed)
  local providers = P .. 'name:' .. name
  local old = call('HGET', providers, generation)
  call('HSET', providers, generation, packed)
  if old then
    countDown(P .. 'content:' .. sha256Of(old), name)
  end
  call('HINCRBY', P .. 'content:' .. sha256Of(packed), name, 1)
  return not old
end

-- Whether it was there. The set of the generation's names is the caller's affair.
local function dropFile(generation, name)
  local providers = P .. 'name:' .. name
  local packed = call('HGET', providers, generation)
  if not packed then
    return false
  end
  call('HDEL', providers, generation)
  if call('EXISTS', providers) == 0 then
    call('ZREM', P .. 'names', name)
  end
  countDown(P .. 'content:' .. sha256Of(packed), name)
  return true
end
`;

/**
 * Gathers rows of name, generation, packed file; and the providers they speak of, each once, as
 * generation, server, address, port.
 */
const GATHER = `
local providers, endpointOf = {}, {}
local function endpointWith(generation)
  if endpointOf[generation] == nil then
    endpointOf[generation] = false
    local expiry = call('ZSCORE', P .. 'expiries', generation)
    if expiry and tonumber(expiry) > now then
      local provider = call('HMGET', P .. 'provider:' .. generation, 'server', 'address', 'port')
      endpointOf[generation] = provider[2] .. ' ' .. provider[3]
      table.insert(providers, generation)
      for i = 1, 3 do
        table.insert(providers, provider[i])
      end
    end
  end
  return endpointOf[generation]
end

-- Of a content, servers that are many enough are begun with at any of them, to share the load.
local function gather(rows, name, sha256, seed)
  local key = P .. 'name:' .. name
  local found
  if call('HLEN', key) > ${REDIS_PROVIDERS_MAX} then
    found = call('HRANDFIELD', key, ${REDIS_PROVIDERS_MAX}, 'WITHVALUES')
  else
    found = call('HGETALL', key)
  end
  local count = #found / 2
  local isFound, counts = {}, {}
  for i = 0, count - 1 do
    local at = 2 * ((seed + i) % count)
    local generation, packed = found[at + 1], found[at + 2]
    local endpoint = (sha256 == nil or sha256Of(packed) == sha256) and endpointWith(generation)
    if endpoint then
      local content = string.match(packed, '^%x+ %x+ %d+')
      local each = content .. ' ' .. endpoint
      if not isFound[each] and (counts[content] or 0) < ${LOCATED_SERVERS_MAX} then
        isFound[each] = true
        counts[content] = (counts[content] or 0) + 1
        table.insert(rows, name)
        table.insert(rows, generation)
        table.insert(rows, packed)
      end
    end
  end
end
`;

/** Lease, for how many ms, server, address, port. */
const OPEN = `
local lease, forMs, server, address, port = unpack(ARGV)
local old = call('HGET', P .. 'leases', lease)
if old then
  endLease(old)
end
local generation = exact(call('INCR', P .. 'generation'))
call('HSET', P .. 'provider:' .. generation, 'lease', lease, 'server', server,
  'address', address, 'port', port, 'revision', 0)
call('HSET', P .. 'leases', lease, generation)
call('HINCRBY', P .. 'servers', server, 1)
setExpiry(generation, forMs)
return 1
`;

/** Lease, the next one, for how many ms, server, address, port. The revision as text; nothing without such a lease of this server. */
const RESUME = `
local lease, next, forMs, server, address, port = unpack(ARGV)
local generation = call('HGET', P .. 'leases', lease)
local provider = generation and P .. 'provider:' .. generation
if not generation or call('HGET', provider, 'server') ~= server then
  return false
end
call('HDEL', P .. 'leases', lease)
call('HSET', P .. 'leases', next, generation)
call('HSET', provider, 'lease', next, 'address', address, 'port', port)
setExpiry(generation, forMs)
return call('HGET', provider, 'revision')
`;

/** Lease, for how many ms. 1 if it is there. */
const RENEW = `
local generation = call('HGET', P .. 'leases', ARGV[1])
if not generation then
  return 0
end
setExpiry(generation, ARGV[2])
return 1
`;

/** Lease, for how many ms, revision, whether to forget everything, how many to remove, their names, and each file as name and packed. How many files the lease has then; nothing if it is not there. */
const UPDATE = `
local lease, forMs, revision, isReset = ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1'
local removeCount = tonumber(ARGV[5])
local generation = call('HGET', P .. 'leases', lease)
if not generation then
  return false
end
setExpiry(generation, forMs)
if isReset and call('SCARD', P .. 'files:' .. generation) > 0 then
  local fresh = exact(call('INCR', P .. 'generation'))
  call('HSET', P .. 'provider:' .. fresh, unpack(call('HGETALL', P .. 'provider:' .. generation)))
  call('HSET', P .. 'leases', lease, fresh)
  call('ZADD', P .. 'expiries', call('ZSCORE', P .. 'expiries', generation), fresh)
  retire(generation)
  generation = fresh
end
local files = P .. 'files:' .. generation
local added, scored, changed = {}, {}, {}
for i = 6 + removeCount, #ARGV, 2 do
  local name = ARGV[i]
  if putFile(generation, name, ARGV[i + 1]) then
    table.insert(added, name)
    table.insert(scored, 0)
    table.insert(scored, name)
  end
  table.insert(changed, name)
end
callWithAll('SADD', files, added)
callWithAll('ZADD', P .. 'names', scored)
local count = #added
for i = 6, 5 + removeCount do
  local name = ARGV[i]
  if dropFile(generation, name) then
    call('SREM', files, name)
    count = count - 1
    table.insert(changed, name)
  end
end
call('INCRBY', P .. 'fileCount', count)
call('HSET', P .. 'provider:' .. generation, 'revision', revision)
tellChanges(changed)
return call('SCARD', files)
`;

/** Lease. */
const CLOSE = `
local generation = call('HGET', P .. 'leases', ARGV[1])
if generation then
  endLease(generation)
end
return 1
`;

/** How long ago in ms. How many leases that had run out by then were ended; there may be more unless it is 0. */
const SWEEP = `
local untilMs = exact(now - math.max(0, tonumber(ARGV[1])))
local expired = call('ZRANGEBYSCORE', P .. 'expiries', '-inf', untilMs, 'LIMIT', 0, ${REDIS_SWEEP_STEP})
for _, generation in ipairs(expired) do
  endLease(generation)
end
return #expired
`;

/** How many names at most. How many were buried; nothing if nobody is dead. */
const BURY = `
local generation = call('SRANDMEMBER', P .. 'dead')
if not generation then
  return false
end
local files = P .. 'files:' .. generation
local names = call('SPOP', files, ARGV[1])
for _, name in ipairs(names) do
  dropFile(generation, name)
end
if call('EXISTS', files) == 0 then
  call('SREM', P .. 'dead', generation)
  call('DEL', P .. 'provider:' .. generation)
end
tellChanges(names)
return #names
`;

/** A seed, then each query as `n` and a name or `s` and a SHA-256. Providers, then rows a query. */
const LOCATE = `
local reply, seed = {}, tonumber(ARGV[1])
for i = 2, #ARGV do
  local rows, what = {}, string.sub(ARGV[i], 2)
  if string.sub(ARGV[i], 1, 1) == 'n' then
    gather(rows, what, nil, seed)
  else
    local content = P .. 'content:' .. what
    local names
    if call('HLEN', content) > ${REDIS_PROVIDERS_MAX} then
      names = call('HRANDFIELD', content, ${REDIS_PROVIDERS_MAX})
    else
      names = call('HKEYS', content)
    end
    for _, name in ipairs(names) do
      gather(rows, name, what, seed)
    end
  end
  table.insert(reply, rows)
end
return { providers, reply }
`;

/**
 * A seed, how many names at most, the bounds of a range by name. Providers, rows, how many names those
 * are, and the last name that was looked at; without it, if the range is at its end.
 */
const PAGE = `
local seed, countMax = tonumber(ARGV[1]), tonumber(ARGV[2])
local names = call('ZRANGEBYLEX', P .. 'names', ARGV[3], ARGV[4], 'LIMIT', 0, ${REDIS_PAGE_STEP})
local rows, count, last = {}, 0, nil
for _, name in ipairs(names) do
  if count == countMax then
    break
  end
  local before = #rows
  gather(rows, name, nil, seed)
  if #rows > before then
    count = count + 1
  end
  last = name
end
if #names < ${REDIS_PAGE_STEP} and last == names[#names] then
  last = nil
end
return { providers, rows, count, last }
`;

/** How many at most, and a cursor, if there is one. The new cursor, whether it is stale, whether there is more; names. */
const CHANGES_SINCE = `
beginChanges()
local countMax, since = tonumber(ARGV[1]), tonumber(ARGV[2])
local cursor = tonumber(call('GET', P .. 'lastChange'))
if since == nil then
  return { cursor, 0, 0, {} }
end
if since < tonumber(call('GET', P .. 'forgottenChange')) or since > cursor then
  return { cursor, 1, 0, {} }
end
local found = call('ZRANGEBYSCORE', P .. 'changes', '(' .. exact(since), '+inf', 'WITHSCORES',
  'LIMIT', 0, countMax + 1)
local count = math.min(countMax, #found / 2)
local names = {}
for i = 1, count do
  names[i] = found[2 * i - 1]
end
if #found / 2 <= countMax then
  return { cursor, 0, 0, names }
end
return { count == 0 and since or tonumber(found[2 * count]), 0, 1, names }
`;

/** Servers, files. What has run out and was not swept up is few, and taken off. */
const STATS = `
local servers = call('HLEN', P .. 'servers')
local files = tonumber(call('GET', P .. 'fileCount') or 0)
local ended = {}
for _, generation in ipairs(call('ZRANGEBYSCORE', P .. 'expiries', '-inf', exact(now))) do
  files = files - call('SCARD', P .. 'files:' .. generation)
  local server = call('HGET', P .. 'provider:' .. generation, 'server')
  ended[server] = (ended[server] or 0) + 1
end
for server, count in pairs(ended) do
  if count == tonumber(call('HGET', P .. 'servers', server)) then
    servers = servers - 1
  end
end
return { servers, files }
`;

export const SCRIPTS = {
  open: COMMON + OPEN,
  resume: COMMON + RESUME,
  renew: COMMON + RENEW,
  update: COMMON + CHANGES + FILES + UPDATE,
  close: COMMON + CLOSE,
  sweep: COMMON + SWEEP,
  bury: COMMON + CHANGES + FILES + BURY,
  locate: COMMON + FILES + GATHER + LOCATE,
  page: COMMON + FILES + GATHER + PAGE,
  changes: COMMON + CHANGES + CHANGES_SINCE,
  stats: COMMON + STATS,
} as const;

export type ScriptName = keyof typeof SCRIPTS;
