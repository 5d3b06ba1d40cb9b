local epoch, generation, revision = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

if not record or record.epoch ~= epoch or record.generation ~= generation
  or record.revision ~= revision or record.state == 'gone' then
  return refused()
end
record.payload = ARGV[5]
record.key_id = string.match(ARGV[6], '^=(.*)$')
return written()
