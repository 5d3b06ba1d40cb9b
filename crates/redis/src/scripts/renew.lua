local attempt, epoch, lease = ARGV[2], ARGV[3], tonumber(ARGV[4])

if not record or record.epoch ~= epoch or not is_leased() or record.lease_owner ~= attempt then
  return refused()
end
record.lease_until = now + lease
return written()
