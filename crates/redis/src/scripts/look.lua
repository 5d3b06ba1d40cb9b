-- Reads the hash at KEYS[1]: `version` and `record`, false if there is none.
local clock = redis.call('TIME')
-- Milliseconds. Doubles are exact up to 2^53, which is 285,000 years.
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local found = redis.call('HMGET', KEYS[1], 'version', 'record', 'format')
local version, record = found[1], found[2]
if not (version and record) and redis.call('EXISTS', KEYS[1]) == 1 then
  -- Before its release, version 0.1 wrote hashes with the field `format`.
  local kind = found[3] and 'version: another version of this library wrote the hash'
    or 'damaged: the hash has no version or no record'
  return redis.error_reply('COUNTERSIGN ' .. kind)
end
