"""Scripts for the histories of channels. Redis runs each of them as one atomic step.

A channel with history has two keys. The hash contains the ``run_id`` of the server, the epoch, the
number of the last message and the bytes of all rows. The stream contains the rows. The number of a
row is the first half of its ID. Numbers are consecutive, even if Redis has evicted the stream.

If the ``run_id`` in the hash is not that of the server, a new epoch begins: the server has been
restarted, or it is a replica that has become the master and may lack the last messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha1


@dataclass(frozen=True)
class Script:
    """A script in Lua; ``digest`` is its name in Redis."""

    text: str
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", sha1(self.text.encode()).hexdigest())


#: Numbers a message, keeps it, and publishes it with its position. The first command that writes is
#: the HSET, which a full Redis refuses: then nothing has changed.
_PUBLISH = """\
local function publish(payload)
local meta, rows = KEYS[1], KEYS[2]
local server, candidate, channel = ARGV[1], ARGV[2], ARGV[3]
local size, max_bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
local rows_ttl, meta_ttl = ARGV[7], ARGV[8]
local found = redis.call('HMGET', meta, 'server', 'epoch', 'seq', 'bytes')
local epoch, seq, bytes, kept = found[2], tonumber(found[3]), tonumber(found[4]), 0
local known = found[1] == server
if known then
  kept = redis.call('XLEN', rows)
else
  epoch, seq = candidate, 0
end
if kept == 0 then
  bytes = 0
end
bytes = bytes + #payload
while kept > 0 and (kept >= size or bytes > max_bytes) do
  local id = string.format('%d-0', seq - kept + 1)
  bytes = bytes - #redis.call('XRANGE', rows, id, id)[1][2][2]
  kept = kept - 1
end
local fits = bytes <= max_bytes
if not fits then
  bytes = 0
end
seq = seq + 1
redis.call('HSET', meta, 'server', server, 'epoch', epoch, 'seq', seq, 'bytes', bytes)
if kept == 0 then
  redis.call('DEL', rows)
end
if fits then
  redis.call('XADD', rows, 'MAXLEN', kept + 1, string.format('%d-0', seq), 'p', payload)
end
redis.call('PEXPIRE', rows, rows_ttl)
redis.call('PEXPIRE', meta, meta_ttl)
redis.call('PUBLISH', channel, string.format('%s %d\\n', epoch, seq) .. payload)
return seq
end
"""
PUBLISH = Script(_PUBLISH + "return publish(ARGV[4])")


def _find(ttl: str) -> str:
    """Set ``found`` to the epoch and the number of the last message; begin one if there is none."""
    return f"""\
local found = redis.call('HMGET', KEYS[1], 'server', 'epoch', 'seq')
if found[1] ~= ARGV[1] then
  redis.call('HSET', KEYS[1], 'server', ARGV[1], 'epoch', ARGV[2], 'seq', 0, 'bytes', 0)
  redis.call('DEL', KEYS[2])
  redis.call('PEXPIRE', KEYS[1], {ttl})
  return {{ARGV[2], 0}}
end
"""


_LAST = """\
local row = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
return {found[2], tonumber(found[3]), row and row[2][2]}
"""

#: Returns the epoch and the number of the last message.
POSITION = Script(_find("ARGV[3]") + "return {found[2], tonumber(found[3])}")

#: Returns the same, and the payload of the last message if it is kept.
LAST = Script(_find("ARGV[3]") + _LAST)

#: Publishes as PUBLISH does if the arguments 9 and 10 are the last position, also the payloads in
#: further arguments. Otherwise it returns what LAST returns.
UPDATE = Script(f"""\
do
{_find("ARGV[8]")}
if found[2] ~= ARGV[9] or found[3] ~= ARGV[10] then
{_LAST}
end
end
{_PUBLISH}
local seq = publish(ARGV[4])
for number = 11, #ARGV do
  seq = publish(ARGV[number])
end
return seq
""")

#: Returns the rows after a number of an epoch, or nil if one of them is missing.
ROWS = Script("""\
local found = redis.call('HMGET', KEYS[1], 'server', 'epoch', 'seq')
if found[1] ~= ARGV[1] or found[2] ~= ARGV[2] then
  return nil
end
local missed = tonumber(found[3]) - tonumber(ARGV[3])
if missed < 0 or missed > redis.call('XLEN', KEYS[2]) then
  return nil
end
local payloads = {}
if missed > 0 then
  local first = string.format('%d-0', tonumber(ARGV[3]) + 1)
  for number, row in ipairs(redis.call('XRANGE', KEYS[2], first, '+')) do
    payloads[number] = row[2][2]
  end
end
if #payloads ~= missed then
  return nil
end
return payloads
""")

SCRIPTS = (PUBLISH, POSITION, LAST, UPDATE, ROWS)
