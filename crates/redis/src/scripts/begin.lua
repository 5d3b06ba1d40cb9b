local attempt, epoch, generation = ARGV[2], ARGV[3], tonumber(ARGV[4])
local lease, takeover = tonumber(ARGV[5]), ARGV[6]

-- `takeover` is 'never', 'always', or how young the first of the intents has to be.
local function allows()
  local first = first_intent()
  if not first or takeover == 'always' then
    return true
  end
  return takeover ~= 'never' and math.max(now - first, 0) < tonumber(takeover)
end

if not record or record.epoch ~= epoch or record.generation ~= generation
  or record.state ~= 'live' then
  return refused()
end
if has_intent(attempt) then
  -- Repeated. Without its lease it has lost the right to send.
  if is_leased() and record.lease_owner == attempt then
    return unchanged()
  end
  return refused()
end
local furthest = now + lease
if is_leased() and furthest < record.lease_until then
  record.lease_until = furthest
  written()
  return refused()
end
local rests = record.not_before and now < record.not_before
if is_leased() or rests or not allows() then
  return refused()
end
add_intent(attempt)
record.fence = record.fence + 1
record.lease_owner, record.lease_until = attempt, furthest
return written()
