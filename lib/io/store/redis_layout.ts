/**
 * How a registry lies in Redis, and the Lua functions that its operations (`redis_scripts.ts`) share.
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
 * content:SHA256     hash   generation → under how many names, and a few of them, a line each
 * address:ADDRESS    set    generations with a lease
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
import {
  LEASES_PER_PARTY_MAX,
  LOCATED_CONTENTS_MAX,
  LOCATED_PER_PARTY_MAX,
  LOCATED_SERVERS_MAX,
} from "../../protocol/master/limits.ts";
import { NAMES_OF_CONTENT_MAX, REDIS_PROVIDERS_MAX, REGISTRY_CHANGES_MAX } from "./limits.ts";

export const KEY_PREFIX = "shoal:3:";

export const COMMON = `
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
  local address = call('HGET', P .. 'provider:' .. generation, 'address')
  if address then
    call('SREM', P .. 'address:' .. address, generation)
  end
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

-- Whether a lease of this address may hold, beside those that do and this one.
local function hasRoomFor(address, generation)
  local count = 0
  for _, each in ipairs(call('SMEMBERS', P .. 'address:' .. address)) do
    local expiry = call('ZSCORE', P .. 'expiries', each)
    if each ~= generation and expiry and tonumber(expiry) > now then
      count = count + 1
    end
  end
  return count < ${LEASES_PER_PARTY_MAX}
end
`;

export const CHANGES = `
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

export const FILES = `
local function sha256Of(packed)
  return string.sub(packed, 1, 64)
end

-- What is kept of a content that a generation has: under how many names, and a few of them.
local function heldContent(sha256, generation)
  local held = call('HGET', P .. 'content:' .. sha256, generation)
  local names, count = {}, 0
  if held then
    for line in string.gmatch(held, '[^\\n]+') do
      table.insert(names, line)
    end
    count = tonumber(table.remove(names, 1))
  end
  return count, names
end

local function keepContent(sha256, generation, count, names)
  if count <= 0 then
    call('HDEL', P .. 'content:' .. sha256, generation)
  else
    local held = exact(count) .. '\\n' .. table.concat(names, '\\n')
    call('HSET', P .. 'content:' .. sha256, generation, held)
  end
end

local function addContent(sha256, generation, name)
  local count, names = heldContent(sha256, generation)
  if #names < ${NAMES_OF_CONTENT_MAX} then
    table.insert(names, name)
  end
  keepContent(sha256, generation, count + 1, names)
end

local function dropContent(sha256, generation, name)
  local count, names = heldContent(sha256, generation)
  local rest = {}
  for _, each in ipairs(names) do
    if each ~= name then
      table.insert(rest, each)
    end
  end
  keepContent(sha256, generation, count - 1, rest)
end

-- Whether it was new. The sets of the generation's names and of all names are the caller's affair.
local function putFile(generation, name, packed)
  local providers = P .. 'name:' .. name
  local old = call('HGET', providers, generation)
  call('HSET', providers, generation, packed)
  if old then
    dropContent(sha256Of(old), generation, name)
  end
  addContent(sha256Of(packed), generation, name)
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
  dropContent(sha256Of(packed), generation, name)
  return true
end
`;

/**
 * Gathers rows of name, generation, packed file; and the providers they speak of, each once, as
 * generation, server, address, port. Shared as in `shared_answer.ts`.
 */
export const GATHER = `
local providers, endpointOf, excepted = {}, {}, {}
local function endpointWith(generation)
  if endpointOf[generation] == nil then
    endpointOf[generation] = false
    local expiry = call('ZSCORE', P .. 'expiries', generation)
    if expiry and tonumber(expiry) > now then
      local provider = call('HMGET', P .. 'provider:' .. generation, 'server', 'address', 'port')
      if not excepted[provider[2]] then
        endpointOf[generation] = { address = provider[2], text = provider[2] .. ' ' .. provider[3] }
        table.insert(providers, generation)
        for i = 1, 3 do
          table.insert(providers, provider[i])
        end
      end
    end
  end
  return endpointOf[generation]
end

local function shuffle(list)
  for i = #list, 2, -1 do
    local j = math.random(i)
    list[i], list[j] = list[j], list[i]
  end
end

-- In turns between addresses, each of which has a few places.
local function share(rows, entries)
  local listOf, lists = {}, {}
  for _, entry in ipairs(entries) do
    local list = listOf[entry.endpoint.address]
    if not list then
      list = {}
      listOf[entry.endpoint.address] = list
      table.insert(lists, list)
    end
    table.insert(list, entry)
  end
  shuffle(lists)
  for _, list in ipairs(lists) do
    shuffle(list)
  end
  local isFound, counts, contents = {}, {}, 0
  for turn = 1, ${LOCATED_PER_PARTY_MAX} do
    for _, list in ipairs(lists) do
      local entry = list[turn]
      if entry then
        local content = entry.name .. ' ' .. string.match(entry.packed, '^%x+ %x+ %d+')
        local each = content .. ' ' .. entry.endpoint.text
        if not counts[content] and contents < ${LOCATED_CONTENTS_MAX} then
          counts[content] = 0
          contents = contents + 1
        end
        if counts[content] and counts[content] < ${LOCATED_SERVERS_MAX} and not isFound[each] then
          isFound[each] = true
          counts[content] = counts[content] + 1
          table.insert(rows, entry.name)
          table.insert(rows, entry.generation)
          table.insert(rows, entry.packed)
        end
      end
    end
  end
end

-- A hash, or any fields of a large one, with their values.
local function sampled(key)
  if call('HLEN', key) > ${REDIS_PROVIDERS_MAX} then
    return call('HRANDFIELD', key, ${REDIS_PROVIDERS_MAX}, 'WITHVALUES')
  end
  return call('HGETALL', key)
end

local function gather(rows, name)
  local found, entries = sampled(P .. 'name:' .. name), {}
  for i = 1, #found, 2 do
    local endpoint = endpointWith(found[i])
    if endpoint then
      table.insert(entries,
        { name = name, generation = found[i], packed = found[i + 1], endpoint = endpoint })
    end
  end
  share(rows, entries)
end

local function gatherContent(rows, sha256)
  local found, entries = sampled(P .. 'content:' .. sha256), {}
  for i = 1, #found, 2 do
    local generation = found[i]
    local endpoint = endpointWith(generation)
    if endpoint then
      local _, names = heldContent(sha256, generation)
      for _, name in ipairs(names) do
        local packed = call('HGET', P .. 'name:' .. name, generation)
        if packed and sha256Of(packed) == sha256 then
          table.insert(entries,
            { name = name, generation = generation, packed = packed, endpoint = endpoint })
        end
      end
    end
  end
  share(rows, entries)
end
`;
