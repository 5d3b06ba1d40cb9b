-- Returns the time, and from the sorted set KEYS[1] at most `limit` keys, each with its instant, that
-- are due within `within` milliseconds, after the key `after_key` at the instant `after_due`.
local limit, within, after_due, after_key = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- Compares bytes, as sorted sets do. Lua's `<` compares by the server's locale.
local function is_after(one, other)
  for place = 1, math.min(#one, #other) do
    local a, b = string.byte(one, place), string.byte(other, place)
    if a ~= b then
      return a > b
    end
  end
  return #one > #other
end

-- The rank of the first key after the cursor, by bisection among the keys of the same instant.
local low, high = 0, 0
if after_due ~= '' then
  low = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. after_due)
  high = redis.call('ZCOUNT', KEYS[1], '-inf', after_due)
end
while low < high do
  local middle = math.floor((low + high) / 2)
  if is_after(redis.call('ZRANGE', KEYS[1], middle, middle)[1], after_key) then
    high = middle
  else
    low = middle + 1
  end
end
local till = string.format('%.0f', now + within)
local last = math.min(redis.call('ZCOUNT', KEYS[1], '-inf', till), low + limit) - 1
if last < low then
  return { now, {} }
end
return { now, redis.call('ZRANGE', KEYS[1], low, last, 'WITHSCORES') }
