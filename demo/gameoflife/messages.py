"""The messages of the relay, as text. Other messages are refused.

==================== ============================== ===============================================
``0,0 0,1 0,2``      a cell's first message         up to eight cells to listen to, by row, column
``12 1``             its further messages           its state in a step: the step, one digit
``0,1 12 1``         to the cells that listen       the cell, its step and its state
==================== ============================== ===============================================
"""

from __future__ import annotations

import re

from .grid import MAX_SIZE, Name

#: The default URL of the relay for ``manage.py gameoflife``.
URL = "ws://127.0.0.1:8000/gameoflife/ws/"
#: Bytes of the longest message.
MAX_MESSAGE = 100

_NAME = "[0-9]{1,2},[0-9]{1,2}"
_NAMES = re.compile(f"{_NAME}( {_NAME}){{0,7}}")
_STATE = re.compile("([0-9]{1,9}) ([0-9])")


class Refusal(Exception):
    """A refused client: the code and the reason of its Close (RFC 6455 §7.4.2)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


def check_name(name: Name) -> None:
    """Refuse a cell outside the largest grid."""
    if max(name) >= MAX_SIZE:
        raise Refusal(4400, f"row and column must be below {MAX_SIZE}")


def parse_names(message: str | bytes) -> frozenset[Name]:
    """Return the cells that a client listens to."""
    if not (isinstance(message, str) and _NAMES.fullmatch(message)):
        raise _invalid("send up to eight cells to listen to, such as '0,0 0,1'", message)
    pairs = (name.split(",") for name in message.split())
    return frozenset((int(row), int(column)) for row, column in pairs)


def parse_state(message: str | bytes) -> tuple[int, str]:
    """Return the step and the state in it."""
    match = _STATE.fullmatch(message) if isinstance(message, str) else None
    if match is None:
        raise _invalid("send a step and a state, such as '12 1'", message)
    return int(match[1]), match[2]


def _invalid(advice: str, message: str | bytes) -> Refusal:
    return Refusal(4400, f"invalid message {ascii(message)[:40]}; {advice}")
