"""The reply of this process to a request, as plain data; the same for all transports.

A request is that of an operation, with the ``version`` of its format. A reply has the ``version``
and the ``process``, and either the ``result`` of the operation or an ``error``. A ``problem``
explains an incomplete result.
"""

from __future__ import annotations

from .operations import InvalidRequest, answer
from .plain_data import Data, encode
from .process import this_process

#: Changes with the format: processes of two releases may run at the same time.
VERSION = 1
#: Bytes of the longest reply that travels by a broker.
MAX_REPLY = 1024 * 1024
#: The part of the rows that surely fits is kept, since their lengths differ.
MARGIN = 0.9


def reply_to(request: Data) -> Data:
    """Return the reply to a request, whose version is removed."""
    if request.pop("version", None) != VERSION:
        return error_reply("This process runs another release of c10kws.")
    try:
        return _own_reply(result=answer(request))
    except InvalidRequest as error:
        return error_reply(str(error))


def error_reply(error: str) -> Data:
    """Return a reply without a result."""
    return _own_reply(error=error)


def _own_reply(**content: object) -> Data:
    return {"version": VERSION, "process": this_process().name, **content}


def encode_within(reply: Data, limit: int) -> str:
    """Return a reply as a text of at most ``limit`` bytes. A list loses its last rows."""
    text = encode(reply)
    found = len(reply.get("result", {}).get("rows", ()))
    while len(text) > limit:
        rows = reply.get("result", {}).get("rows")
        if not rows:
            error = error_reply(f"The answer is longer than {limit} bytes.")
            head = {key: value for key, value in reply.items() if key != "result"}
            return encode(head | error)
        rows = rows[: min(int(len(rows) * limit / len(text) * MARGIN), len(rows) - 1)]
        reply = reply | {"result": reply["result"] | {"rows": rows}}
        reply["problem"] = f"Only {len(rows)} of {found} connections fit into the answer."
        text = encode(reply)
    return text
