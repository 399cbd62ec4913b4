"""The format of messages between processes: a line of JSON, then the text of the frame.

The line has the keys below. A process ignores unknown keys and drops messages of another format, so
two releases can run at the same time.

``f``
    The format, :data:`FORMAT`.
``o``, ``n``
    The process that has sent the message, and the number of the message: the process counts its
    messages to each channel.
``x``
    ``exclude`` of :class:`~.message.Message`; omitted if it is empty.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache

from ..message import Message

FORMAT = 1


class UnknownFormat(ValueError):
    """Raised for bytes that another release or another program has written."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A message with its sender and its number, from 1 for each sender and channel."""

    origin: str
    number: int
    message: Message


def encode(packet: Packet) -> bytes:
    """Return a packet as bytes."""
    message = packet.message
    head = f'{{"f":{FORMAT},"o":{_quoted(packet.origin)},"n":{packet.number}'
    if message.exclude:
        head += f',"x":{json.dumps(sorted(message.exclude))}'
    return f"{head}}}\n{message.text}".encode()


@lru_cache
def _quoted(origin: str) -> str:
    return json.dumps(origin)


def decode(data: bytes) -> Packet:
    """Return the packet in ``data``. Raises :exc:`UnknownFormat`."""
    try:
        line, _, text = data.decode().partition("\n")
        head = json.loads(line)
        if head["f"] != FORMAT:
            raise UnknownFormat(f"format {head['f']!r}")
        message = Message(text, frozenset(head.get("x", ())))
        origin, number = head["o"], head["n"]
        if type(origin) is not str or type(number) is not int:
            raise UnknownFormat(f"the sender {origin!r} with the number {number!r}")
        return Packet(origin, number, message)
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        raise UnknownFormat(f"not a message of c10kws: {error!r}") from error
