"""Options of ``@websocket``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..conf import Settings
from ..protocol.negotiation import Compression
from ..protocol.rates import Meter, byte_rate, message_rate
from .origins import Origins

#: A rate, False for no limit, None for that of the setting.
RateOption = str | Literal[False] | None


@dataclass(frozen=True, slots=True)
class WebSocketOptions:
    """The options of ``@websocket``; the view has them as ``websocket_options``."""

    subprotocols: Sequence[str] = ()
    origins: Origins = None
    load_user: bool = True
    compression: bool | Mapping[str, Any] | None = None
    max_message_size: int | None = None
    keep_request: bool = True
    rate: RateOption = None
    byte_rate: RateOption = None

    def __post_init__(self) -> None:
        """Raise TypeError or ValueError for an option of the wrong type."""
        _check_sequence("subprotocols", self.subprotocols)
        if self.origins is not None and self.origins != "*":
            _check_sequence("origins", self.origins)
        Compression.from_value(self.compression)
        size: object = self.max_message_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise TypeError(f"@websocket: expected max_message_size in bytes, not {size!r}")
        _check_rate("rate", self.rate, message_rate)
        _check_rate("byte_rate", self.byte_rate, byte_rate)

    def choose_compression(self, settings: Settings) -> Compression | None:
        """Return the compression of the view, or of the settings if the view has none."""
        value = settings.compression if self.compression is None else self.compression
        return Compression.from_value(value)

    def make_meter(self, settings: Settings) -> Meter | None:
        """Return a meter for a new connection; None if neither the view nor a setting limits it."""
        messages = settings.message_rate if self.rate is None else self.rate
        bytes_ = settings.byte_rate if self.byte_rate is None else self.byte_rate
        if not (messages or bytes_):
            return None
        return Meter(
            message_rate(messages) if messages else None,
            byte_rate(bytes_) if bytes_ else None,
            max_message_size=self.max_message_size or settings.max_message_size,
        )


def _check_rate(name: str, value: object, parse: Callable[[str], object]) -> None:
    if value is None or value is False:
        return
    if not isinstance(value, str):
        raise TypeError(f'@websocket: expected {name} to be a str such as "20/s", not {value!r}')
    try:
        parse(value)
    except ValueError as error:
        raise ValueError(f"@websocket: {name}: {error}") from None


def _check_sequence(name: str, value: object) -> None:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"@websocket: expected {name} to be a list of strings, not {value!r}")
