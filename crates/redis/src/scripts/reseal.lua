local epoch, generation, revision = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

if not record or record.epoch ~= epoch or record.generation ~= generation
  or record.revision ~= revision or record.state == 'gone' then
  return refused()
end
record.payload = ARGV[6]
record.key_id = string.match(ARGV[7], '^=(.*)$')
return written()
