import { script } from './script.ts';

/*
 * Each runs as one step of the server, on a hash (the stream's facts) and a stream (its events). An event's number is
 * the first part of its id less one, so that a range of numbers is a range of ids. Times are the server's.
 */
const NOW = `local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)`;
/**
 * KEYS[3] has every stream that goes on, by when its lease is over; a producer that lives moves it on. What became due
 * is looked at by whoever sweeps, and nothing else ever is. At one server it is one of all tenants, in a cluster each's.
 */
const openUntil = (leaseMs: string, member: string): string =>
  `redis.call('ZADD', KEYS[3], now + ${leaseMs}, ${member})`;
const isOver = (member: string): string => `redis.call('ZREM', KEYS[3], ${member})`;

/** The first lines of whatever writes: without the fence of the moment nothing is written. */
const FENCED = `
local s = redis.call('HMGET', KEYS[1], 'fence', 'state', 'events', 'bytes', 'order')
if not s[1] then return 'gone' end
if s[1] ~= ARGV[1] or s[2] ~= 'live' then return 'fenced' end`;

/** ARGV: leaseMs, lifeMs, key, epoch, producer, about, epochs, times, request, member. */
const open = script(`${NOW}
local known = redis.call('HMGET', KEYS[1], 'epoch', 'fence')
if known[1] then return known[1] == ARGV[4] and tonumber(known[2]) or 0 end
redis.call('HSET', KEYS[1], 'fence', 1, 'state', 'live', 'events', 0, 'bytes', 0, 'until', now + ARGV[1],
  'key', ARGV[3], 'epoch', ARGV[4], 'producer', ARGV[5], 'about', ARGV[6], 'epochs', ARGV[7])
if tonumber(ARGV[8]) > 0 then redis.call('HSET', KEYS[1], 'left', ARGV[8], 'request', ARGV[9]) end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
${openUntil('ARGV[1]', 'ARGV[10]')}
return 1`);

/** ARGV: fence, from, leaseMs, lifeMs, maxBytes, events. */
const append = script(`${NOW}${FENCED}
if s[3] ~= ARGV[2] then return 'gone' end
local bytes = tonumber(s[4])
for i = 6, #ARGV do bytes = bytes + #ARGV[i] end
if bytes > tonumber(ARGV[5]) then
  redis.call('HSET', KEYS[1], 'state', 'full', 'until', now + ARGV[3])
  redis.call('HDEL', KEYS[1], 'request')
  redis.call('DEL', KEYS[2])
  redis.call('PUBLISH', KEYS[1], '')
  return 'full'
end
for i = 6, #ARGV do redis.call('XADD', KEYS[2], (ARGV[2] + i - 5) .. '-0', 'e', ARGV[i]) end
redis.call('HSET', KEYS[1], 'events', ARGV[2] + #ARGV - 5, 'bytes', bytes, 'until', now + ARGV[3])
if ARGV[2] == '0' then redis.call('PEXPIRE', KEYS[2], ARGV[4]) end
redis.call('PUBLISH', KEYS[1], '')
return 'ok'`);

/** ARGV: fence, leaseMs, lifeMs, member. */
const renew = script(`${NOW}${FENCED}
redis.call('HSET', KEYS[1], 'until', now + ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
${openUntil('ARGV[2]', 'ARGV[4]')}
return {s[3], s[5] or ''}`);

/** ARGV: fence, keepMs, status, facts, member. */
const finish = script(`${FENCED}
redis.call('HSET', KEYS[1], 'state', 'ended', 'status', ARGV[3], 'facts', ARGV[4])
redis.call('HDEL', KEYS[1], 'request')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('PUBLISH', KEYS[1], '')
${isOver('ARGV[5]')}
return 'ok'`);

/** ARGV: fence, member. */
const discard = script(`${FENCED}
redis.call('DEL', KEYS[1], KEYS[2])
${isOver('ARGV[2]')}
redis.call('PUBLISH', KEYS[1], '')
return 'ok'`);

/**
 * ARGV: from, most, keepMs, and of a claimant: key, epoch, producer, leaseMs, lifeMs; member. Whoever claims has the
 * fence and the request from the same step that made the old fence worthless.
 */
const read = script(`${NOW}
local s = redis.call('HMGET', KEYS[1], 'state', 'until', 'events', 'key', 'epoch', 'producer', 'about', 'left', 'order', 'epochs')
if not s[1] then return 0 end
local claim = {}
if s[1] == 'live' and now > tonumber(s[2]) then
  if s[8] and tonumber(s[8]) > 0 and not s[9] then
    if s[4] == ARGV[4] then
      local fence = redis.call('HINCRBY', KEYS[1], 'fence', 1)
      local left = redis.call('HINCRBY', KEYS[1], 'left', -1)
      local request = redis.call('HGET', KEYS[1], 'request')
      s[2] = now + ARGV[7]
      s[5] = ARGV[5]
      s[6] = ARGV[6]
      s[10] = s[10] .. ' ' .. ARGV[5] .. ':' .. s[3]
      redis.call('HSET', KEYS[1], 'until', s[2], 'epoch', s[5], 'producer', s[6], 'epochs', s[10])
      if left == 0 then redis.call('HDEL', KEYS[1], 'request') end
      redis.call('PEXPIRE', KEYS[1], ARGV[8])
      redis.call('PEXPIRE', KEYS[2], ARGV[8])
      redis.call('PUBLISH', KEYS[1], '')
      ${openUntil('ARGV[7]', 'ARGV[9]')}
      claim = {fence, left, request}
    end
  else
    redis.call('HINCRBY', KEYS[1], 'fence', 1)
    redis.call('HSET', KEYS[1], 'state', 'ended', 'status', 'interrupted', 'facts', '')
    redis.call('HDEL', KEYS[1], 'request')
    redis.call('PEXPIRE', KEYS[1], ARGV[3])
    redis.call('PEXPIRE', KEYS[2], ARGV[3])
    redis.call('PUBLISH', KEYS[1], '')
    ${isOver('ARGV[9]')}
    s[1] = 'ended'
  end
end
local e = redis.call('HMGET', KEYS[1], 'status', 'facts', 'unread')
local left = s[1] == 'live' and math.max(1, s[2] - now) or 0
local events = {}
for i, entry in ipairs(redis.call('XRANGE', KEYS[2], (ARGV[1] + 1) .. '-0', '+', 'COUNT', ARGV[2])) do
  events[i] = entry[2][2]
end
return {s[1], s[3], s[4], s[5], s[6], s[7], e[1] or '', e[2] or '', tostring(left), s[10], events, claim, e[3] or ''}`);

/** ARGV: order, id, prefix of the producer's channel. What a producer does not hear is found by its next renewal. */
const order = script(`
local s = redis.call('HMGET', KEYS[1], 'state', 'producer')
if s[1] ~= 'live' then return 0 end
if ARGV[1] ~= 'read' then redis.call('HSET', KEYS[1], 'order', ARGV[1]) end
redis.call('PUBLISH', ARGV[3] .. s[2], ARGV[1] .. ' ' .. ARGV[2])
return 1`);

/** KEYS: all that go on. ARGV: graceMs, most, leaseMs. What one gate has taken, another looks at a lease later at the earliest. */
const due = script(`${NOW}
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1], 'LIMIT', 0, ARGV[2])
for _, member in ipairs(found) do redis.call('ZADD', KEYS[1], now - ARGV[1] + ARGV[3], member) end
return found`);

/** KEYS: tenants with streams that go on, by until when. ARGV: tenant, lifeMs. */
const note = script(`${NOW}
return redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])`);

/** KEYS: the same. Those that may have one. */
const noted = script(`${NOW}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
return redis.call('ZRANGE', KEYS[1], 0, -1)`);

/** ARGV: graceMs, keepMs, member. Only a stream whose lease has run out for so long is ended, whatever the set says. */
const endUnread = script(`${NOW}
local s = redis.call('HMGET', KEYS[1], 'state', 'until', 'left', 'order')
if s[1] == 'live' and now <= s[2] + ARGV[1] then
  redis.call('ZADD', KEYS[3], s[2], ARGV[3])
  return 0
end
${isOver('ARGV[3]')}
if s[1] ~= 'live' then return 0 end
redis.call('HINCRBY', KEYS[1], 'fence', 1)
redis.call('HSET', KEYS[1], 'state', 'ended', 'status', 'interrupted', 'facts', '')
if s[3] and tonumber(s[3]) > 0 and not s[4] then redis.call('HSET', KEYS[1], 'unread', '1') end
redis.call('HDEL', KEYS[1], 'request')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
redis.call('PUBLISH', KEYS[1], '')
return 1`);

export const SCRIPTS = { open, append, renew, finish, discard, read, order, due, note, noted, endUnread } as const;
