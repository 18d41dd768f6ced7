"""What Redis does in one step for all processes: count a request, hold it back, open and close breakers.

Each lane is three keys: the window (a hash from a tenth of it to what was spent then), the pause that the
venue asked for, and the breaker. Redis's own clock decides, so machines need not agree on the time."""

_NOW = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
"""

#: KEYS: a window. ARGV: cost, window in ms. What was spent already is counted, whether there was room or not.
CHARGE = (
    _NOW
    + """
local tenth = math.max(1, math.floor(tonumber(ARGV[2]) / 10))
redis.call('HINCRBY', KEYS[1], math.floor(now / tenth), ARGV[1])
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[2]) + 2 * tenth)
"""
)

#: KEYS: three per lane. ARGV: vital, ms until the next probe; then per lane cost, limit, window in ms.
#: Answers {wait in ms (0: go), reason, lane, probing, troubled}. Nothing is spent unless all lanes agree.
#: Eleven tenths are counted, so that any window of full length is covered.
ADMIT = (
    _NOW
    + """
local vital, pace = ARGV[1] == '1', tonumber(ARGV[2])
local wait, why, where, troubled = 0, '', 0, 0
local probes, spend = {}, {}
local function hold(ms, reason, lane)
  if ms > wait then wait, why, where = ms, reason, lane end
end
for lane = 1, #KEYS / 3 do
  local window, pause, breaker = KEYS[lane * 3 - 2], KEYS[lane * 3 - 1], KEYS[lane * 3]
  local held = redis.call('GET', pause)
  if held then hold(tonumber(held) - now, 'pause', lane) end
  local state = redis.call('HMGET', breaker, 'step', 'vital_at', 'routine_at')
  if state[1] then
    troubled = 1
    if tonumber(state[1]) > 0 then
      local at = tonumber(vital and state[2] or state[3])
      if at > now then hold(at - now, 'breaker', lane)
      else probes[#probes + 1] = {breaker, math.max(tonumber(state[3]), now + pace)} end
    end
  end
  local cost, limit = tonumber(ARGV[lane * 3]), tonumber(ARGV[lane * 3 + 1])
  local span = tonumber(ARGV[lane * 3 + 2])
  if cost > 0 and limit > 0 then
    cost = math.min(cost, limit)
    local tenth = math.max(1, math.floor(span / 10))
    local slot, used, spent, gone = math.floor(now / tenth), 0, {}, {}
    local all = redis.call('HGETALL', window)
    for i = 1, #all, 2 do
      local at, count = tonumber(all[i]), tonumber(all[i + 1])
      if at < slot - 10 then gone[#gone + 1] = all[i]
      else used = used + count; spent[#spent + 1] = {at, count} end
    end
    if #gone > 0 then redis.call('HDEL', window, unpack(gone)) end
    if used + cost > limit then
      table.sort(spent, function(a, b) return a[1] < b[1] end)
      for i = 1, #spent do
        used = used - spent[i][2]
        if used + cost <= limit then hold((spent[i][1] + 11) * tenth - now, 'budget', lane) break end
      end
    else
      spend[#spend + 1] = {window, slot, cost, span + 2 * tenth}
    end
  end
end
if wait > 0 then return {math.ceil(wait), why, where, 0, troubled} end
for _, one in ipairs(spend) do
  redis.call('HINCRBY', one[1], one[2], one[3])
  redis.call('PEXPIRE', one[1], one[4])
end
for _, probe in ipairs(probes) do
  redis.call('HSET', probe[1], 'vital_at', now + pace, 'routine_at', probe[2])
end
return {0, '', 0, #probes > 0 and 1 or 0, troubled}
"""
)

#: KEYS: the list of what is held back, then one breaker per lane. ARGV: probing, pace, first and longest
#: pause, time to forget, reason; then per lane the number of failures in a row that opens it.
#: Requests that were under way when a breaker opened do not make it stay open longer: probes do.
FAIL = (
    _NOW
    + """
local probing, pace = ARGV[1] == '1', tonumber(ARGV[2])
local first, longest, forget = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local opened = {}
for lane = 1, #KEYS - 1 do
  local breaker, patience = KEYS[lane + 1], tonumber(ARGV[6 + lane])
  local step = tonumber(redis.call('HGET', breaker, 'step') or '0')
  local failures = redis.call('HINCRBY', breaker, 'failures', 1)
  local was = step
  if step > 0 then
    if probing then step = step + 1 end
  elseif failures >= patience then
    step = 1
    redis.call('HSET', breaker, 'since', now)
    opened[#opened + 1] = lane
  end
  if step ~= was then
    local pause = math.max(pace, math.min(longest, first * 2 ^ math.min(step - 1, 16)))
    redis.call('HSET', breaker, 'routine_at', now + pause, 'vital_at', now + pace)
    redis.call('ZADD', KEYS[1], now + longest + forget, breaker)
  end
  redis.call('HSET', breaker, 'step', step, 'reason', ARGV[6])
  redis.call('PEXPIRE', breaker, step > 0 and longest + forget or forget)
end
return opened
"""
)

#: KEYS: the list of what is held back, the pause. ARGV: milliseconds. A longer pause is never shortened.
PAUSE = (
    _NOW
    + """
local till = now + tonumber(ARGV[1])
if till > tonumber(redis.call('GET', KEYS[2]) or '0') then
  redis.call('SET', KEYS[2], string.format('%d', till), 'PX', ARGV[1])
  redis.call('ZADD', KEYS[1], till, KEYS[2])
end
return till
"""
)

#: KEYS: the list of what is held back, then breakers that a success closes. Answers how many were open.
CLOSE = """
local open = 0
for i = 2, #KEYS do
  if tonumber(redis.call('HGET', KEYS[i], 'step') or '0') > 0 then open = open + 1 end
  redis.call('DEL', KEYS[i])
  redis.call('ZREM', KEYS[1], KEYS[i])
end
return open
"""
