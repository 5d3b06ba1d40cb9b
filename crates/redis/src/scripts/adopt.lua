-- `replaces` is empty where nothing is to be there.
local epoch, replaces = ARGV[2], ARGV[3]
local present = record and record.epoch or ''

if present == epoch then
  return unchanged()
end
if present ~= replaces then
  return refused()
end
record = {
  format = '1',
  epoch = epoch,
  generation = 1,
  revision = record and record.revision or 0,
  state = 'live',
  fence = 0,
  attempts = '',
}
place(4)
return written()
