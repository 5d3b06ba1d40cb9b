-- Reads what was looked at into `stored`, whose members have the names of FIELDS.
local REQUIRED = { 'epoch', 'generation', 'revision', 'state', 'fence', 'attempts', 'payload' }
local NUMBERS = {
  'generation', 'revision', 'lease_until', 'fence', 'expires_at', 'due_at', 'not_before',
}

local stored = {}
for place, field in ipairs(FIELDS) do
  stored[field] = values[place] or nil
end
-- A lease that was released is written over rather than taken out.
if stored.lease_owner == '' then
  stored.lease_owner, stored.lease_until = nil, nil
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
