"""``ReceivedData``: the data of a client's frame."""

from __future__ import annotations

from typing import Any


class MissingKey(KeyError):
    """The client did not send a key that the callback reads. It is answered with ``invalid``."""

    def __init__(self, key: object) -> None:
        super().__init__(key)
        self.key = key

    @property
    def message(self) -> str:
        """A sentence for the client."""
        return f"Missing key {self.key!r} in the data."


class ReceivedData(dict[str, Any]):
    """A dictionary whose ``data["name"]`` raises :exc:`MissingKey`, a KeyError."""

    def __missing__(self, key: object) -> Any:
        raise MissingKey(key)
