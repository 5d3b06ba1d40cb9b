local attempt, epoch, rests_until = ARGV[2], ARGV[3], from_now(ARGV[4])

if not record or record.epoch ~= epoch then
  return refused()
end
local had_intent, had_lease = take_intent(attempt), release(attempt)
if not had_intent and not had_lease then
  return unchanged()
end
if record.state == 'unknown' and record.attempts == '' then
  record.state = 'live'
  record.due_at = now
end
if rests_until then
  record.not_before = math.max(record.not_before or rests_until, rests_until)
end
return written()
