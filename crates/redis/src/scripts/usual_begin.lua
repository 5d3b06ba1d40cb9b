-- A begin with nothing in the way, which needs no judging: no lease, no intent, no rest. What it
-- does not do is left to what follows.
do
  local format, epoch, generation, revision, state, owner, _, fence, attempts, _, _, _, not_before =
    unpack(values)
  local is_free = (not owner or owner == '') and attempts == '' and not not_before
  if format == '1' and epoch == ARGV[3] and generation == ARGV[4] and state == 'live' and is_free
    and tonumber(revision) and tonumber(fence) then
    values[4], values[8] = revision + 1, fence + 1
    values[6], values[7] = ARGV[2], now + ARGV[5]
    values[9] = string.format('%s@%.0f ', ARGV[2], now)
    redis.call('HSET', KEYS[1], 'revision', values[4], 'fence', values[8],
      'lease_owner', values[6], 'lease_until', values[7], 'attempts', values[9])
    return { 1, now, unpack(values, 1, #FIELDS) }
  end
end
