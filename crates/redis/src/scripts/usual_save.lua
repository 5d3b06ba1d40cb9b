-- A save by the one that has begun, alone, which needs no judging. What it does not do is left to
-- what follows.
do
  local format, epoch, generation, revision, state, owner, _, _, attempts, _, _, _, not_before, key_id =
    unpack(values)
  local attempt, new_key_id = ARGV[2], string.match(ARGV[6], '^=(.*)$')
  local expires_in, due_in = ARGV[7], ARGV[8]
  local is_alone = owner == attempt and string.find(attempts, attempt, 1, true) == 1
    and string.find(attempts, ' ', 1, true) == #attempts
  if format == '1' and epoch == ARGV[3] and generation == ARGV[4] and state == 'live' and is_alone
    and not not_before and (new_key_id or not key_id) and expires_in ~= '' and due_in ~= ''
    and tonumber(revision) then
    values[3], values[4] = generation + 1, revision + 1
    values[6], values[7], values[9] = '', '', ''
    values[10], values[11], values[12] = attempt, now + expires_in, now + due_in
    values[14], values[15] = new_key_id or false, ARGV[5]
    -- First what may be refused: the list may be none.
    redis.call('ZADD', KEYS[2], values[12], ARGV[1])
    redis.call('HSET', KEYS[1], 'generation', values[3], 'revision', values[4],
      'lease_owner', '', 'lease_until', '', 'attempts', '', 'written_by', attempt,
      'expires_at', values[11], 'due_at', values[12], 'payload', values[15])
    if new_key_id and new_key_id ~= key_id then
      redis.call('HSET', KEYS[1], 'key_id', new_key_id)
    end
    return { 1, now, unpack(values, 1, #FIELDS) }
  end
end
