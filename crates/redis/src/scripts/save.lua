local attempt, epoch, generation = ARGV[2], ARGV[3], tonumber(ARGV[4])

if not record or record.epoch ~= epoch or record.state == 'gone' then
  return refused()
end
if record.written_by == attempt then
  return unchanged()
end
if record.generation ~= generation then
  return refused()
end
local contested = has_intent_of_another(attempt)
record.generation = record.generation + 1
record.state = 'live'
record.written_by = attempt
record.attempts = ''
release(attempt)
place(5)
local ends_by = tonumber(ARGV[9])
if ends_by then
  record.expires_at = record.expires_at and math.min(record.expires_at, ends_by)
  record.due_at = record.due_at and math.min(record.due_at, ends_by)
end
if contested then
  record.not_before = from_now(ARGV[10])
end
return written()
