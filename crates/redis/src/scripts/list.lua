-- Returns the time, and at most `limit` keys of the sorted set KEYS[1] after the key `after`.
local limit, after = ARGV[1], ARGV[2]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
return { now, redis.call('ZRANGEBYLEX', KEYS[1], '(' .. after, '+', 'LIMIT', 0, limit) }
