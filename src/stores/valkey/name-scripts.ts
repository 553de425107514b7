import { script } from './script.ts';

/*
 * What several gates share about streams beside their logs. The keys of each script are of one hash slot. Of an
 * idempotency key: its facts (a hash), its answer in one piece, and the claims of its API key by their time. Times are
 * the server's.
 */
const NOW = `local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)`;

/** KEYS: facts, claims of the API key. ARGV: call, request, at, gate, leftMs, rememberMs, most. The same call once more is as the first time. */
const claim = script(`${NOW}
local s = redis.call('HMGET', KEYS[1], 'call', 'request', 'at', 'released')
if s[1] == ARGV[1] then return 1 end
if s[1] and not s[4] then return s end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[7]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'call', ARGV[1], 'request', ARGV[2], 'at', ARGV[3], 'gate', ARGV[4], 'claims', KEYS[2])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('ZADD', KEYS[2], now + ARGV[5], KEYS[1])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return 1`);

/** KEYS: facts, answer. ARGV: call, how long whoever waits finds that it was given back, in ms. The claims of its API key, of the same slot, are named by the facts alone. */
const release = script(`
local s = redis.call('HMGET', KEYS[1], 'call', 'claims')
if s[1] ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'released', '1')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('DEL', KEYS[2])
redis.call('ZREM', s[2], KEYS[1])
redis.call('PUBLISH', KEYS[1], '')
return 1`);

/** KEYS: facts, answer. ARGV: call, field, value, and of an answer in one piece: its bytes, keepMs. */
const tell = script(`
if redis.call('HGET', KEYS[1], 'call') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
if ARGV[4] then redis.call('SET', KEYS[2], ARGV[4], 'PX', ARGV[5]) end
redis.call('PUBLISH', KEYS[1], '')
return 1`);

/** KEYS: facts, answer. */
const state = script(`
local s = redis.call('HMGET', KEYS[1], 'call', 'gate', 'begun', 'status', 'released')
if not s[1] then return 'lost' end
if s[5] then return 'released' end
return {s[1], s[2], s[3] or '', s[4] or '', redis.call('GET', KEYS[2]) or ''}`);

/** KEYS: the gate. ARGV: leaseMs. */
const live = script(`return redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])`);
/** KEYS: the gate. */
const lives = script(`return redis.call('EXISTS', KEYS[1])`);
/** KEYS: facts, by which a server is found. ARGV: channel, message. */
const want = script(`return redis.call('PUBLISH', ARGV[1], ARGV[2])`);

/** KEYS: what is kept. ARGV: its value, lifeMs. */
const put = script(`return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])`);
/** KEYS: the ticket. GETDEL, which servers before 6.2 have not. */
const take = script(`
local kept = redis.call('GET', KEYS[1])
if kept then redis.call('DEL', KEYS[1]) end
return kept or ''`);
/** KEYS: the chat. */
const find = script(`return redis.call('GET', KEYS[1]) or ''`);
/** KEYS: the chat. ARGV: the stream that it is to be. */
const drop = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`);

export const NAME_SCRIPTS = { claim, release, tell, state, live, lives, want, put, take, find, drop } as const;
