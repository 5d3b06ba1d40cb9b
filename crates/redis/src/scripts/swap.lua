-- Replaces the record if its version is `expected`. KEYS: the hash, the bucket's set of what is due,
-- the bucket's set of keys. An empty version is that of no record, and an empty `due_at` is none.
-- The fields of the hash follow. Answers whether it is done, the time, and the record if not.
local key, expected, next, due_at = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local present = version or ''
if present == next then
  return { 1, now, false }
elseif present ~= expected then
  return { 0, now, record }
end
-- A script that fails half-way is not undone. So what may be refused comes before the first write,
-- which is an HSET: only the first write is refused for lack of memory.
redis.call('ZSCORE', KEYS[2], key)
redis.call('ZSCORE', KEYS[3], key)
if next == '' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[3], key)
else
  redis.call('HSET', KEYS[1], unpack(ARGV, 5))
  redis.call('ZADD', KEYS[3], 0, key)
end
if due_at == '' then
  redis.call('ZREM', KEYS[2], key)
else
  redis.call('ZADD', KEYS[2], due_at, key)
end
return { 1, now, false }
