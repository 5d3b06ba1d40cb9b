-- What steps have in common: they change `record` and end with one of the answers below.
--
-- KEYS[2] is the bucket's list of what is due, and ARGV[1] the grant's key. A script is not undone
-- when it fails half-way. So whatever may be refused is asked for before the first write, which is
-- an HSET: it alone is refused for lack of memory.
local listed = redis.call('ZSCORE', KEYS[2], ARGV[1])

local record
if stored.format then
  record = {}
  for field, value in pairs(stored) do
    record[field] = value
  end
end

local function write()
  local set, gone = {}, {}
  for _, field in ipairs(FIELDS) do
    local value = record[field]
    if value == nil and stored[field] ~= nil then
      gone[#gone + 1] = field
    elseif value ~= stored[field] then
      set[#set + 1] = field
      set[#set + 1] = value
    end
  end
  redis.call('HSET', KEYS[1], unpack(set))
  if #gone > 0 then
    redis.call('HDEL', KEYS[1], unpack(gone))
  end
  local due = record.state == 'live' and record.due_at
  due = due and math.max(due, record.not_before or due)
  if due and tonumber(listed) ~= due then
    redis.call('ZADD', KEYS[2], due, ARGV[1])
  elseif not due and listed then
    redis.call('ZREM', KEYS[2], ARGV[1])
  end
end

local function refused()
  return answer(false, record or {})
end

local function unchanged()
  return answer(true, record)
end

local function written()
  record.revision = record.revision + 1
  write()
  return answer(true, record)
end

local function is_leased()
  return record.lease_until and now < record.lease_until
end

local function release(attempt)
  if record.lease_owner ~= attempt then
    return false
  end
  record.lease_owner, record.lease_until = nil, nil
  return true
end

-- `attempts` has `id@instant ` for each, the earliest first.
local function has_intent(attempt)
  return string.find(record.attempts, attempt, 1, true) ~= nil
end

local function add_intent(attempt)
  record.attempts = record.attempts .. string.format('%s@%.0f ', attempt, now)
end

local function has_intent_of_another(attempt)
  for id in string.gmatch(record.attempts, '(%x+)@') do
    if id ~= attempt then
      return true
    end
  end
  return false
end

local function take_intent(attempt)
  local before = record.attempts
  record.attempts = string.gsub(before, attempt .. '@%-?%d+ ', '')
  return record.attempts ~= before
end

local function first_intent()
  local first
  for at in string.gmatch(record.attempts, '@(%-?%d+)') do
    first = math.min(first or tonumber(at), tonumber(at))
  end
  return first
end

local function from_now(millis)
  return millis ~= '' and now + millis or nil
end

-- Payload, key id and the times of new tokens, which begin at this argument.
local function place(first)
  record.payload = ARGV[first]
  record.key_id = string.match(ARGV[first + 1], '^=(.*)$')
  record.expires_at = from_now(ARGV[first + 2])
  record.due_at = from_now(ARGV[first + 3])
  record.not_before = nil
end
