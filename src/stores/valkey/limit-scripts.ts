import { script } from './script.ts';

/*
 * Counters of limits, as src/stores/memory has them: a set is one value, packed. `t` is the set's own time, which never
 * goes back, and `a` what it is ahead of the clock; a line with a window has steps of {start, used, reserved}, oldest
 * first, and one without has what each gate holds. Every script is one step of the server over all sets that it names.
 * ARGV[1]: the time, or empty for the server's; ARGV[2]: what is asked, as JSON.
 */

/** A day and its step, and as much as a clock may be off. */
const KEEP_MS = 90_900_000;
/** Gates by the time until which they are taken for alive. */
export const GATES = 'headgate:limits:gates';

const COMMON = `
local clock = redis.call('TIME')
local server = clock[1] * 1000 + math.floor(clock[2] / 1000)
local now = ARGV[1] == '' and server or tonumber(ARGV[1])
local asked = cjson.decode(ARGV[2])
-- Sets whose clock went back: they are saved after a refusal too, so that their time goes on from here.
local wentBack = {}
local function load(i)
  local raw = redis.call('GET', KEYS[i])
  local set = raw and cmsgpack.unpack(raw) or {t = now, a = 0, l = {}}
  if now + set.a < set.t then wentBack[i] = true end
  set.t = math.max(set.t, now + set.a)
  set.a = set.t - now
  return set, raw
end
local function save(i, set) redis.call('SET', KEYS[i], cmsgpack.pack(set), 'PX', ${KEEP_MS}) end
local function use(set, lines)
  local kept = {}
  for _, line in ipairs(lines) do kept[line.n] = set.l[line.n] or {} end
  set.l = kept
end
local function live(set, line)
  local steps, from = set.l[line.n], 1
  while steps[from] and steps[from][1] + line.w + line.s <= set.t do from = from + 1 end
  if from > 1 then
    local rest = {}
    for k = from, #steps do rest[#rest + 1] = steps[k] end
    steps = rest
    set.l[line.n] = steps
  end
  return steps
end
local alive = {}
local function lives(gate)
  if alive[gate] == nil then
    local score = redis.call('ZSCORE', '${GATES}', gate)
    alive[gate] = score and tonumber(score) > server or false
  end
  return alive[gate]
end
local function sums(set, line)
  local used, reserved = 0, 0
  if line.w == 0 then
    for gate, n in pairs(set.l[line.n]) do
      if lives(gate) then reserved = reserved + n else set.l[line.n][gate] = nil end
    end
    return used, reserved
  end
  for _, step in ipairs(live(set, line)) do used = used + step[2]; reserved = reserved + step[3] end
  return used, reserved
end`;

/** Asked: `c` claims of lines {n, w, s, l, m}, `v` amounts, `g` gate, `e` lease. Says {ok: lines of {at, left, emptyAt}} or {no}. */
const take = script(`${COMMON}
redis.call('ZADD', '${GATES}', server + asked.e, asked.g)
alive[asked.g] = true
local sets, told = {}, {}
for i, lines in ipairs(asked.c) do
  local set = load(i)
  use(set, lines)
  sets[i] = set
  told[i] = {}
  for k, line in ipairs(lines) do
    local amount = asked.v[line.m + 1]
    local used, reserved = sums(set, line)
    if amount > 0 and used + reserved + amount > line.l then
      local fits, freed = 0, 0
      if line.w > 0 and amount <= line.l then
        for _, step in ipairs(set.l[line.n]) do
          freed = freed + step[2] + step[3]
          if freed >= used + reserved + amount - line.l then
            fits = step[1] + line.s + line.w - set.a
            break
          end
        end
      end
      for j = 1, i do if wentBack[j] then save(j, sets[j]) end end
      return cjson.encode({no = {i - 1, k - 1, used, reserved, fits}})
    end
    told[i][k] = {0, line.l - used - reserved - amount, 0}
  end
end
for i, lines in ipairs(asked.c) do
  local set = sets[i]
  for k, line in ipairs(lines) do
    local amount, own = asked.v[line.m + 1], set.l[line.n]
    if line.w == 0 then
      own[asked.g] = (own[asked.g] or 0) + amount
    else
      local start = math.floor(set.t / line.s) * line.s
      local last = own[#own]
      if not last or last[1] < start then
        last = {start, 0, 0}
        own[#own + 1] = last
      end
      last[3] = last[3] + amount
      told[i][k][1] = last[1]
      told[i][k][3] = last[1] + line.s + line.w - set.a
    end
  end
  save(i, set)
end
return cjson.encode({ok = told})`);

/** Asked: `c` claims of lines {n, w, s, m, at}, `v` amounts, `u` what was used, `g` gate. */
const settle = script(`${COMMON}
for i, lines in ipairs(asked.c) do
  local set, raw = load(i)
  if raw then
    for _, line in ipairs(lines) do
      local own, amount = set.l[line.n], asked.v[line.m + 1]
      if own and line.w == 0 then
        local held = (own[asked.g] or 0) - amount
        own[asked.g] = held > 0 and held or nil
      elseif own then
        for _, step in ipairs(live(set, line)) do
          if step[1] == line.at then
            step[2] = step[2] + asked.u[line.m + 1]
            step[3] = step[3] - amount
          end
        end
      end
    end
    save(i, set)
  end
end
return 1`);

/** Asked: `c` one claim of lines {n, w, s, m}, `v` amounts, `f` from, `t` to. */
const seed = script(`${COMMON}
local set = load(1)
use(set, asked.c[1])
local at = math.min(math.max(asked.f, asked.t - 1), now)
for _, line in ipairs(asked.c[1]) do
  local start = line.w > 0 and math.floor(at / line.s) * line.s or 0
  if line.w > 0 and asked.t - asked.f <= line.w and start + line.s + line.w > now then
    local steps, k = live(set, line), 1
    while steps[k] and steps[k][1] < start do k = k + 1 end
    if not steps[k] then steps[k] = {start, 0, 0} end
    steps[k][2] = steps[k][2] + asked.v[line.m + 1]
  end
end
save(1, set)
return 1`);

/** Asked: `c` claims of lines {n, w, s}. Says {used, reserved} of each. */
const read = script(`${COMMON}
local said = {}
for i, lines in ipairs(asked.c) do
  local set, raw = load(i)
  use(set, lines)
  said[i] = {}
  for k, line in ipairs(lines) do said[i][k] = {sums(set, line)} end
  if raw then save(i, set) end
end
return cjson.encode(said)`);

/** Asked: `g` gate, `e` lease. Says how many gates there are, and whether this one was among them. */
const renew = script(`${COMMON}
redis.call('ZREMRANGEBYSCORE', '${GATES}', '-inf', server)
local known = redis.call('ZSCORE', '${GATES}', asked.g) and 1 or 0
redis.call('ZADD', '${GATES}', server + asked.e, asked.g)
return {redis.call('ZCARD', '${GATES}'), known}`);

export const LIMIT_SCRIPTS = { take, settle, seed, read, renew } as const;
