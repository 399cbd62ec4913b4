"""Options of ``@websocket``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..conf import Settings
from ..protocol.negotiation import Compression
from .origins import Origins


@dataclass(frozen=True, slots=True)
class WebSocketOptions:
    """The options of ``@websocket``; the view has them as ``websocket_options``."""

    subprotocols: Sequence[str] = ()
    origins: Origins = None
    load_user: bool = True
    compression: bool | Mapping[str, Any] | None = None
    max_message_size: int | None = None
    keep_request: bool = True

    def __post_init__(self) -> None:
        """Raise TypeError or ValueError for an option of the wrong type."""
        _check_sequence("subprotocols", self.subprotocols)
        if self.origins is not None and self.origins != "*":
            _check_sequence("origins", self.origins)
        Compression.from_value(self.compression)
        size: object = self.max_message_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise TypeError(f"@websocket: expected max_message_size in bytes, not {size!r}")

    def choose_compression(self, settings: Settings) -> Compression | None:
        """Return the compression of the view, or of the settings if the view has none."""
        value = settings.compression if self.compression is None else self.compression
        return Compression.from_value(value)


def _check_sequence(name: str, value: object) -> None:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"@websocket: expected {name} to be a list of strings, not {value!r}")
