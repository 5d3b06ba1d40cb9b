local tombstone = ARGV[2]

if record and record.epoch == tombstone and record.state == 'gone' then
  redis.call('DEL', KEYS[1])
  if listed then
    redis.call('ZREM', KEYS[2], ARGV[1])
  end
end
return answer(true, {})
