-- Reads the record at KEYS[1] into `stored`, whose members are those of `Record`; a member that
-- is none is not there.
local FIELDS = {
  'format', 'epoch', 'generation', 'revision', 'state', 'lease_owner', 'lease_until', 'fence',
  'attempts', 'written_by', 'expires_at', 'due_at', 'not_before', 'key_id', 'payload',
}
local REQUIRED = { 'epoch', 'generation', 'revision', 'state', 'fence', 'attempts', 'payload' }
local NUMBERS = {
  'generation', 'revision', 'lease_until', 'fence', 'expires_at', 'due_at', 'not_before',
}

-- The server's clock, in milliseconds. Doubles are exact up to 2^53, which is 285,000 years.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local stored = {}
local values = redis.call('HMGET', KEYS[1], unpack(FIELDS))
for place, field in ipairs(FIELDS) do
  stored[field] = values[place] or nil
end

if not stored.format and redis.call('EXISTS', KEYS[1]) == 1 then
  return redis.error_reply('COUNTERSIGN damaged: a hash without a format')
elseif stored.format and stored.format ~= '1' then
  return redis.error_reply('COUNTERSIGN version: a record of another format')
elseif stored.format then
  for _, field in ipairs(REQUIRED) do
    if not stored[field] then
      return redis.error_reply('COUNTERSIGN damaged: no ' .. field)
    end
  end
  for _, field in ipairs(NUMBERS) do
    local number = tonumber(stored[field])
    if stored[field] and not number then
      return redis.error_reply('COUNTERSIGN damaged: no number as ' .. field)
    end
    stored[field] = number
  end
end

-- Whether it was accepted, the time, and the members in the order of FIELDS.
local function answer(accepted, record)
  local reply = { accepted and 1 or 0, now }
  if record.format then
    for place, field in ipairs(FIELDS) do
      reply[place + 2] = record[field] or false
    end
  end
  return reply
end
