-- Looks at what is at KEYS[1]: `values` are the members of `Record` in the order of FIELDS, false
-- where there is none.
local FIELDS = {
  'format', 'epoch', 'generation', 'revision', 'state', 'lease_owner', 'lease_until', 'fence',
  'attempts', 'written_by', 'expires_at', 'due_at', 'not_before', 'key_id', 'payload',
}

-- The server's clock, in milliseconds. Doubles are exact up to 2^53, which is 285,000 years.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local values = redis.call('HMGET', KEYS[1], unpack(FIELDS))

