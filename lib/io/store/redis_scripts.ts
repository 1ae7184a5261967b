/**
 * The registry's atomic operations in Redis, in Lua: each script runs whole, and nothing else runs
 * meanwhile. Their keys are made from what they find, so a Redis Cluster cannot run them; one server
 * with its replicas can. Redis 6.2 or later. The head of `redis_layout.ts` describes the keys.
 */
import { FILES_PER_PARTY_MAX } from "../../protocol/master/limits.ts";
import { REDIS_PAGE_STEP, REDIS_SWEEP_STEP } from "./limits.ts";
import { CHANGES, COMMON, FILES, GATHER } from "./redis_layout.ts";

/** Lease, for how many ms, server, address, port. 0 if the address has leases enough. */
const OPEN = `
local lease, forMs, server, address, port = unpack(ARGV)
local old = call('HGET', P .. 'leases', lease)
if old then
  endLease(old)
end
if not hasRoomFor(address) then
  return 0
end
local generation = exact(call('INCR', P .. 'generation'))
call('HSET', P .. 'provider:' .. generation, 'lease', lease, 'server', server,
  'address', address, 'port', port, 'revision', 0)
call('HSET', P .. 'leases', lease, generation)
call('HINCRBY', P .. 'servers', server, 1)
call('SADD', P .. 'address:' .. address, generation)
setExpiry(generation, forMs)
return 1
`;

/** Lease, the next one, for how many ms, server, address, port. The revision as text; nothing without such a lease of this server. */
const RESUME = `
local lease, next, forMs, server, address, port = unpack(ARGV)
local generation = call('HGET', P .. 'leases', lease)
local provider = generation and P .. 'provider:' .. generation
if not generation or call('HGET', provider, 'server') ~= server or
  not hasRoomFor(address, generation) then
  return false
end
call('SREM', P .. 'address:' .. call('HGET', provider, 'address'), generation)
call('SADD', P .. 'address:' .. address, generation)
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
local address = P .. 'address:' .. call('HGET', P .. 'provider:' .. generation, 'address')
local putCount = (#ARGV - 5 - removeCount) / 2
if putCount > 0 then
  local held = putCount
  for _, each in ipairs(call('SMEMBERS', address)) do
    if not (isReset and each == generation) then
      held = held + call('SCARD', P .. 'files:' .. each)
    end
  end
  if held > ${FILES_PER_PARTY_MAX} then
    return 'full'
  end
end
setExpiry(generation, forMs)
if isReset and call('SCARD', P .. 'files:' .. generation) > 0 then
  local fresh = exact(call('INCR', P .. 'generation'))
  call('HSET', P .. 'provider:' .. fresh, unpack(call('HGETALL', P .. 'provider:' .. generation)))
  call('HSET', P .. 'leases', lease, fresh)
  call('ZADD', P .. 'expiries', call('ZSCORE', P .. 'expiries', generation), fresh)
  call('SADD', address, fresh)
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

/**
 * A seed, how many addresses are not to be told of, those, then each query as `n` and a name or `s` and a SHA-256.
 * Providers, then rows a query.
 */
const LOCATE = `
local reply, exceptCount = {}, tonumber(ARGV[2])
math.randomseed(tonumber(ARGV[1]))
for i = 3, 2 + exceptCount do
  excepted[ARGV[i]] = true
end
for i = 3 + exceptCount, #ARGV do
  local rows, what = {}, string.sub(ARGV[i], 2)
  if string.sub(ARGV[i], 1, 1) == 'n' then
    gather(rows, what)
  else
    gatherContent(rows, what)
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
local countMax = tonumber(ARGV[2])
math.randomseed(tonumber(ARGV[1]))
local names = call('ZRANGEBYLEX', P .. 'names', ARGV[3], ARGV[4], 'LIMIT', 0, ${REDIS_PAGE_STEP})
local rows, count, last = {}, 0, nil
for _, name in ipairs(names) do
  if count == countMax then
    break
  end
  local before = #rows
  gather(rows, name)
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
