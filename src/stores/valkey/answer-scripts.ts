import { script } from './script.ts';

/*
 * Kept answers. KEYS[1] is the prefix P of all names; the braces in it keep them on one server. Of an answer, by its name
 * (tenant, feature and digest as JSON): `a:<name>` is its value, which the server lets go when its time is over; `meta`
 * has its bytes, when it was put and until when; `all` and `of:<tenant>` order the names by when they were read last, and
 * `due` by when their time is over. `sums` has bytes in all (`b`) and of a tenant (`t:`), bytes (`f:`) and answers (`n:`)
 * of a tenant's feature, and the number of the last read (`seq`). ARGV[1]: the time, or empty for the server's.
 */
const COMMON = `
local P = KEYS[1]
local clock = redis.call('TIME')
local server = clock[1] * 1000 + math.floor(clock[2] / 1000)
local now = ARGV[1] == '' and server or tonumber(ARGV[1])
local function add(field, change)
  if redis.call('HINCRBY', P .. 'sums', field, change) <= 0 then redis.call('HDEL', P .. 'sums', field) end
end
local function count(whose, bytes, answers)
  local share = cjson.encode({whose[1], whose[2]})
  add('b', bytes)
  add('t:' .. whose[1], bytes)
  add('f:' .. share, bytes)
  add('n:' .. share, answers)
end
local function touch(tenant, name)
  local seq = redis.call('HINCRBY', P .. 'sums', 'seq', 1)
  redis.call('ZADD', P .. 'all', seq, name)
  redis.call('ZADD', P .. 'of:' .. tenant, seq, name)
end
local function drop(name)
  local meta = redis.call('HGET', P .. 'meta', name)
  if not meta then return 0 end
  local whose = cjson.decode(name)
  redis.call('DEL', P .. 'a:' .. name)
  redis.call('HDEL', P .. 'meta', name)
  redis.call('ZREM', P .. 'all', name)
  redis.call('ZREM', P .. 'due', name)
  redis.call('ZREM', P .. 'of:' .. whose[1], name)
  count(whose, -tonumber(string.match(meta, '^%d+')), -1)
  return 1
end
local function sweep(most)
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', P .. 'due', '-inf', now, 'LIMIT', 0, most)) do drop(name) end
end
local function sum(field) return tonumber(redis.call('HGET', P .. 'sums', field) or '0') end
`;

/** ARGV: now, name, tenant. Its value and its age in milliseconds; nil: there is none. */
const get = script(`${COMMON}
local name = ARGV[2]
local meta = redis.call('HGET', P .. 'meta', name)
if not meta then return false end
local at, expires = string.match(meta, '^%d+ (%d+) (%d+)')
local value = redis.call('GET', P .. 'a:' .. name)
if not value or tonumber(expires) <= now then
  drop(name)
  return false
end
touch(ARGV[3], name)
return {value, math.max(0, now - at)}`);

/** Let go by one put for want of room; what needs more is not kept. Each takes the server 0.16 ms on a busy machine (measured). */
const MOST_EVICTED = 500;
/** Let go by one put because their time is over. */
const MOST_SWEPT = 50;

/** ARGV: now, name, tenant, value, bytes, ttlMs, totalBytes, tenantBytes. Is it kept, bytes, answers, how many went for it. */
const put = script(`${COMMON}
local name, tenant, bytes = ARGV[2], ARGV[3], tonumber(ARGV[5])
local evicted = 0
local function room(set, field, bound)
  while sum(field) + bytes > bound do
    local oldest = redis.call('ZRANGE', P .. set, 0, 0)[1]
    if evicted >= ${MOST_EVICTED} or not oldest then return false end
    evicted = evicted + drop(oldest)
  end
  return true
end
sweep(${MOST_SWEPT})
drop(name)
local total, own = tonumber(ARGV[7]), tonumber(ARGV[8])
local kept = bytes <= math.min(total, own) and room('of:' .. tenant, 't:' .. tenant, own) and room('all', 'b', total)
if kept then
  redis.call('SET', P .. 'a:' .. name, ARGV[4], 'PX', ARGV[6])
  redis.call('HSET', P .. 'meta', name, string.format('%d %.0f %.0f', bytes, now, now + ARGV[6]))
  redis.call('ZADD', P .. 'due', now + ARGV[6], name)
  touch(tenant, name)
  count(cjson.decode(name), bytes, 1)
end
return {kept and 1 or 0, sum('b'), redis.call('ZCARD', P .. 'all'), evicted}`);

/** Looked at by one step of clearing. */
const CLEARED_AT_ONCE = 100;

/** ARGV: now, cursor, tenant or empty, feature or empty. The next cursor and how many went. */
const clear = script(`${COMMON}
local set = ARGV[3] == '' and 'all' or 'of:' .. ARGV[3]
local found = redis.call('ZSCAN', P .. set, ARGV[2], 'COUNT', ${CLEARED_AT_ONCE})
local gone = 0
for i = 1, #found[2], 2 do
  local name = found[2][i]
  if ARGV[4] == '' or cjson.decode(name)[2] == ARGV[4] then gone = gone + drop(name) end
end
return {found[1], gone}`);

/** ARGV: now. Bytes, answers, and the sums of each tenant's features. */
const shares = script(`${COMMON}
sweep(1000)
local told = {}
local fields = redis.call('HGETALL', P .. 'sums')
for i = 1, #fields, 2 do
  local share = string.match(fields[i], '^n:(.*)$')
  if share then table.insert(told, {share, fields[i + 1], redis.call('HGET', P .. 'sums', 'f:' .. share)}) end
end
return {sum('b'), redis.call('ZCARD', P .. 'all'), told}`);

export const ANSWER_SCRIPTS = { get, put, clear, shares } as const;
