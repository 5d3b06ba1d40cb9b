local attempt, epoch, generation, state = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]

if not record or record.epoch ~= epoch or record.generation ~= generation then
  return refused()
end
if record.state == state then
  return unchanged()
end
local leased = is_leased() and record.lease_owner ~= attempt
local contested = state == 'reauthorize' and has_intent_of_another(attempt)
-- What nobody has tried is not unknown, and nobody could take it back.
local groundless = state == 'unknown' and record.attempts == ''
if record.state ~= 'live' or leased or contested or groundless then
  return refused()
end
record.state = state
record.due_at = nil
release(attempt)
return written()
