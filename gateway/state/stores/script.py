"""The one script of the shared limits: a process tells what it holds and gets what it needs, at the time of the store.

Layout 1. One hash a key. Every call is about the whole truth of one process (what it spent this month, what it holds),
so a call that is lost, repeated or late does no harm: a later sequence number wins. Rates are kept as theoretical
arrival times (GCRA) in microseconds; what is granted beyond the need is a lease that saves the next round trips.

Answers: `ok` with the grants, `no` with the limit that stands against it, `base` when the store lost what was spent
this month, `epoch` or `month` when the process speaks of another life of the store or another month, `stale`.
"""

PREFIX = "th1:"
"""Names hold the version of the layout: old and new processes never read each other's."""

SCRIPT = """
local a, k = cjson.decode(ARGV[1]), KEYS[1]
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000000 + tonumber(t[2])
local function whole(n) return string.format('%.0f', n) end

local days = math.floor(tonumber(t[1]) / 86400) + 719468
local era = math.floor(days / 146097)
local doe = days - era * 146097
local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
local mp = math.floor((5 * doy + 2) / 153)
local m = mp < 10 and mp + 3 or mp - 9
local month = string.format('%04d-%02d', yoe + era * 400 + (m <= 2 and 1 or 0), m)

local h, flat = {}, redis.call('HGETALL', k)
for i = 1, #flat, 2 do h[flat[i]] = flat[i + 1] end
local capped = a.cap_t >= 0 or a.cap_n >= 0

if capped then
  if not h.e then return {'base', month} end
  if month > h.m then
    for f in pairs(h) do if f:sub(1, 2) == 's:' then redis.call('HDEL', k, f); h[f] = nil end end
    redis.call('HSET', k, 'm', month, 'bt', '0', 'bn', '0')
    h.m, h.bt, h.bn = month, '0', '0'
  end
  if a.e ~= h.e then return {'epoch', h.e, h.m} end
  if a.m ~= h.m then return {'month', h.e, h.m} end
  if a.known == 1 and not h['s:' .. a.p] then return {'epoch', h.e, h.m} end
end

local mine = 's:' .. a.p
local st, sn, ht, hn, slots = tonumber(h.bt or 0), tonumber(h.bn or 0), 0, 0, 0
for f, v in pairs(h) do
  if f:sub(1, 2) == 's:' then
    local q, pt, pn, qt, qn, c, x = v:match('(%d+),(%d+),(%d+),(%d+),(%d+),(%d+),(%d+)')
    if f == mine then
      if tonumber(q) >= a.q then return {'stale'} end
    else
      st, sn = st + tonumber(pt), sn + tonumber(pn)
      if tonumber(x) > now then
        ht, hn, slots = ht + tonumber(qt), hn + tonumber(qn), slots + tonumber(c)
      elseif tonumber(x) < now - 3600000000 then
        h.bt, h.bn = whole(tonumber(h.bt or 0) + tonumber(pt)), whole(tonumber(h.bn or 0) + tonumber(pn))
        redis.call('HDEL', k, f)
        redis.call('HSET', k, 'bt', h.bt, 'bn', h.bn)
      end
    end
  end
end
st, sn = st + a.st, sn + a.sn
local free_t, free_n = a.cap_t - st - ht - a.ht, a.cap_n - sn - hn - a.hn

local function arrival(field, back, limit)
  if limit < 0 then return 0 end
  local at = math.max(tonumber(h[field] or 0), now)
  if back > 0 and limit > 0 then at = math.max(now, at - back * 60000000 / limit) end
  return at
end
local rt, tt = arrival('rt', a.back_r, a.rpm), arrival('tt', a.back_t, a.tpm)
local function wait(at, need, limit)
  if limit < 0 or need <= 0 then return 0 end
  if need > limit then return -1 end
  local late = at + need * 60000000 / limit - now - 60000000
  return late > 10 and late or 0
end

local code, late = '', 0
if a.cap_t >= 0 and a.need_t > free_t and a.need_t > 0 then code = 'monthly_tokens'
elseif a.cap_n >= 0 and a.need_n > free_n and a.need_n > 0 then code = 'monthly_spend'
elseif a.conc >= 0 and a.need_c > 0 and slots + a.c + a.need_c > a.conc then code = 'concurrency'
else
  late = wait(rt, a.need_r, a.rpm)
  if late ~= 0 then code = 'requests_per_minute' else
    late = wait(tt, a.need_k, a.tpm)
    if late ~= 0 then code = 'tokens_per_minute' end
  end
end

local function lease(need, free, chunk) return need <= 0 and 0 or math.min(free, math.max(need, math.floor(chunk))) end
local function room(at, limit) return math.floor((60000000 - (at - now) + 10) * limit / 60000000) end
local gt, gn, gc, gr, gk = 0, 0, 0, 0, 0
if code == '' then
  if a.cap_t >= 0 then gt = lease(a.need_t, free_t, math.min(free_t / 100, 100000)) end
  if a.cap_n >= 0 then gn = lease(a.need_n, free_n, math.min(free_n / 100, 1000000000)) end
  if a.conc >= 0 then gc = lease(a.need_c, a.conc - slots - a.c, a.conc / 50) end
  if a.rpm > 0 then gr = lease(a.need_r, room(rt, a.rpm), a.rpm / 100); rt = rt + gr * 60000000 / a.rpm end
  if a.tpm > 0 then gk = lease(a.need_k, room(tt, a.tpm), a.tpm / 100); tt = tt + gk * 60000000 / a.tpm end
end

local state = {whole(a.q), whole(a.st), whole(a.sn), whole(a.ht + gt), whole(a.hn + gn), whole(a.c + gc),
  whole(now + a.ttl * 1000000)}
redis.call('HSET', k, mine, table.concat(state, ','))
redis.call('HSET', k, 'rt', string.format('%.17g', rt), 'tt', string.format('%.17g', tt))
redis.call('EXPIRE', k, capped and 3456000 or 3600)
return {code == '' and 'ok' or 'no', code, whole(late), whole(gr), whole(gk), whole(gc), whole(gt), whole(gn),
  whole(st), whole(sn), whole(math.max(0, rt - now)), whole(math.max(0, tt - now)), month}
"""

SEED = """
if redis.call('HSETNX', KEYS[1], 'e', ARGV[1]) == 1 then
  redis.call('HSET', KEYS[1], 'm', ARGV[2], 'bt', ARGV[3], 'bn', ARGV[4])
  redis.call('EXPIRE', KEYS[1], 3456000)
end
return redis.call('HGET', KEYS[1], 'e')
"""
"""What the ledger says was spent this month, where the store does not know; the first that says it is believed."""

RAISE = """
if redis.call('HGET', KEYS[1], 'm') ~= ARGV[1] then return {'0', '0'} end
local flat = redis.call('HGETALL', KEYS[1])
local bt, bn, st, sn = 0, 0, 0, 0
for i = 1, #flat, 2 do
  local f, v = flat[i], flat[i + 1]
  if f == 'bt' then bt = tonumber(v) elseif f == 'bn' then bn = tonumber(v)
  elseif f:sub(1, 2) == 's:' then
    local pt, pn = v:match('^%d+,(%d+),(%d+)')
    st, sn = st + tonumber(pt), sn + tonumber(pn)
  end
end
local dt, dn = math.max(0, tonumber(ARGV[2]) - bt - st), math.max(0, tonumber(ARGV[3]) - bn - sn)
if dt > 0 or dn > 0 then
  redis.call('HSET', KEYS[1], 'bt', string.format('%.0f', bt + dt), 'bn', string.format('%.0f', bn + dn))
end
return {string.format('%.0f', dt), string.format('%.0f', dn)}
"""
"""The ledger knows of more than the store: a process died before it told. Never lowers anything."""

NEWER = """
local known = redis.call('HGET', KEYS[1], 'serial')
if known and tonumber(known) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'serial', ARGV[1], 'book', ARGV[2])
return 1
"""
"""Overrides: the book with the higher serial stays."""


def key_of(name: str) -> str:
    """The hash of one key's limits; the braces keep all of it on one node of a cluster."""
    return f"{PREFIX}{{{name}}}"
