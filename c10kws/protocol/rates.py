"""Rates at which a client may send: ``"20/s"``, ``"1000/min"``, ``"64KiB/s"``.

A rate is a token bucket. It holds the number before the slash and refills evenly in the time after
it. So ``"20/s"`` and ``"1200/min"`` allow the same in the long run, but with the second a client
may send 1,200 messages at once. There is no timer: a bucket is refilled when data arrives.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic

from .closing import TOO_MANY_REQUESTS, Close
from .messages import Message
from .received import RateExceeded

_MESSAGES = re.compile(r"([1-9]\d*)()/([1-9]\d*)?(s|min|h)", re.ASCII)
_BYTES = re.compile(r"([1-9]\d*)(KiB|MiB)?/([1-9]\d*)?(s|min|h)", re.ASCII)
_UNITS = {"KiB": 1024, "MiB": 1024 * 1024}
_SECONDS = {"s": 1, "min": 60, "h": 3600}
#: Least number of refused messages that a lenient meter answers before the connection is closed.
LEAST_PATIENCE = 32


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of messages or bytes in a number of seconds; ``text`` is for people."""

    amount: int
    seconds: int
    text: str


@lru_cache(64)
def message_rate(text: str) -> Rate:
    """Return the rate of ``"20/s"``, ``"200/10s"`` or ``"1000/min"``. Raises ValueError."""
    return _parse(_MESSAGES, text, "messages", '"20/s", "200/10s" or "1000/min"')


@lru_cache(64)
def byte_rate(text: str) -> Rate:
    """Return the rate of ``"64KiB/s"``, ``"10MiB/min"`` or ``"50000/s"``. Raises ValueError."""
    return _parse(_BYTES, text, "bytes", '"64KiB/s", "10MiB/min" or "50000/s"')


def _parse(pattern: re.Pattern[str], text: str, unit: str, examples: str) -> Rate:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a rate of {unit}; write for example {examples}.")
    number, size, count, period = match.groups()
    amount = int(number) * _UNITS.get(size, 1)
    count = count or "1"
    text = f"{amount} {unit} in {count} {period}"
    return Rate(amount, int(count) * _SECONDS[period], text)


class Bucket:
    """Tokens of one rate. It begins full."""

    __slots__ = ("_capacity", "_per_second", "_tokens", "_updated", "rate")

    def __init__(self, rate: Rate, capacity: int) -> None:
        self.rate = rate
        self._capacity = self._tokens = float(capacity)
        self._per_second = rate.amount / rate.seconds
        self._updated = monotonic()

    def take(self, wanted: int) -> int:
        """Remove up to ``wanted`` tokens, and return how many were removed."""
        self._refill()
        taken = min(wanted, int(self._tokens))
        self._tokens -= taken
        return taken

    def spend(self, tokens: int) -> bool:
        """Remove tokens, and return True. Return False, without removing any, if none is left.

        The number may become negative, so a long message needs no more than one token.
        """
        self._refill()
        if self._tokens <= 0:
            return False
        self._tokens -= tokens
        return True

    def _refill(self) -> None:
        now = monotonic()
        tokens = self._tokens + (now - self._updated) * self._per_second
        self._tokens = min(tokens, self._capacity)
        self._updated = now


class Meter:
    """The buckets of one connection, for messages and for bytes.

    The connection is closed at the first message that is refused. A ``lenient`` meter lets the
    application answer refused messages, and closes when more of them were refused than accepted
    since: LEAST_PATIENCE, or the number of messages of the rate if that is larger.
    """

    __slots__ = ("_bytes", "_excess", "_messages", "_patience", "answer")

    def __init__(
        self, messages: Rate | None, bytes_: Rate | None, *, max_message_size: int
    ) -> None:
        self._messages = None if messages is None else Bucket(messages, messages.amount)
        # A message that is not too long can always be sent.
        capacity = 0 if bytes_ is None else max(bytes_.amount, max_message_size)
        self._bytes = None if bytes_ is None else Bucket(bytes_, capacity)
        self._patience = self._excess = 0
        #: Called with refused messages and the rate; None to close at once.
        self.answer: Callable[[list[Message], str], object] | None = None

    def be_lenient(self, answer: Callable[[list[Message], str], object]) -> None:
        """Call ``answer`` with refused messages, and close only after too many of them."""
        amount = 0 if self._messages is None else self._messages.rate.amount
        self._patience = max(LEAST_PATIENCE, amount)
        self.answer = answer

    def be_strict(self) -> None:
        """Undo :meth:`be_lenient`."""
        self._patience, self.answer = 0, None

    def measure(self, size: int, messages: list[Message]) -> RateExceeded | None:
        """Count a read. Remove messages above a rate from the list, and report them."""
        if self._bytes is not None and size and not self._bytes.spend(size):
            return self._refuse(messages, 0, self._bytes.rate)
        if self._messages is not None:
            taken = self._messages.take(len(messages))
            if taken < len(messages):
                return self._refuse(messages, taken, self._messages.rate)
        self._excess = max(self._excess - len(messages), 0)
        return None

    def _refuse(self, messages: list[Message], taken: int, rate: Rate) -> RateExceeded:
        refused = messages[taken:]
        del messages[taken:]
        answered = max(self._patience - self._excess, 0)
        self._excess += max(len(refused), 1)  # also data that completes no message
        late = self._excess > self._patience
        text = f"more than {rate.text}"
        return RateExceeded(
            refused[:answered], text, Close(TOO_MANY_REQUESTS, text) if late else None
        )
