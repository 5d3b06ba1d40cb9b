-- The earliest of what the buckets' lists KEYS have: at most `limit` that are due within `within`
-- milliseconds, after the place of `after_key`, due at `after_due`, where that is not empty.
local within, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local after_due, after_key = ARGV[3], ARGV[4]

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
-- Each list is read by little and little, as much as is likely to be taken of it.
local portion = math.floor(2 * limit / #KEYS) + 1

-- By their bytes, as sorted sets have them. Lua compares by the server's locale.
local function less(one, other)
  for place = 1, math.min(#one, #other) do
    local a, b = string.byte(one, place), string.byte(other, place)
    if a ~= b then
      return a < b
    end
  end
  return #one < #other
end

local function is_before(one, other)
  return one.due < other.due or (one.due == other.due and less(one.key, other.key))
end

local after = after_key ~= '' and { due = tonumber(after_due), key = after_key }

-- Goes to the next of a list, or to its end.
local function advance(list)
  repeat
    list.place = list.place + 2
    if not list.portion[list.place] and not list.is_last then
      list.portion = redis.call('ZRANGEBYSCORE', list.name, after and after_due or '-inf',
        now + within, 'WITHSCORES', 'LIMIT', list.read, portion)
      list.read = list.read + portion
      list.is_last = #list.portion < 2 * portion
      list.place = 1
    end
    local key, due = list.portion[list.place], tonumber(list.portion[list.place + 1])
    list.first = key and { key = key, due = due }
  until not list.first or not after or is_before(after, list.first)
end

local lists = {}
for _, name in ipairs(KEYS) do
  local list = { name = name, portion = {}, place = -1, read = 0 }
  advance(list)
  if list.first then
    lists[#lists + 1] = list
  end
end

local reply = { now }
for _ = 1, limit do
  local earliest
  for _, list in ipairs(lists) do
    if list.first and (not earliest or is_before(list.first, earliest.first)) then
      earliest = list
    end
  end
  if not earliest then
    break
  end
  reply[#reply + 1] = earliest.first.key
  reply[#reply + 1] = earliest.first.due
  advance(earliest)
end
return reply
