local epoch, tombstone = ARGV[2], ARGV[3]

if record and record.epoch == tombstone then
  return unchanged()
end
if not record or record.epoch ~= epoch then
  return refused()
end
record = {
  format = '1',
  epoch = tombstone,
  generation = record.generation,
  revision = record.revision,
  state = 'gone',
  fence = record.fence,
  attempts = '',
  payload = '',
}
return written()
