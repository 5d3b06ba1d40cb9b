local attempt, epoch, generation, state = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]

local function has_intent_of_another()
  for id in string.gmatch(record.attempts, '(%x+)@') do
    if id ~= attempt then
      return true
    end
  end
  return false
end

if not record or record.epoch ~= epoch or record.generation ~= generation then
  return refused()
end
if record.state == state then
  return unchanged()
end
local leased = is_leased() and record.lease_owner ~= attempt
local contested = state == 'reauthorize' and has_intent_of_another()
if record.state ~= 'live' or leased or contested then
  return refused()
end
record.state = state
record.due_at = nil
release(attempt)
return written()
