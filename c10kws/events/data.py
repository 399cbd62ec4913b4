"""``Data``: the data of a frame, whose missing keys are the client's mistake."""

from __future__ import annotations

from typing import Any


class MissingKey(KeyError):
    """Raised for a key of ``data`` that the client did not send; answered with ``invalid``."""

    def __init__(self, key: object) -> None:
        super().__init__(key)
        self.key = key

    @property
    def message(self) -> str:
        """A sentence for the client."""
        return f"Missing key {self.key!r} in the data."


class Data(dict[str, Any]):
    """A dictionary. ``data["name"]`` raises :exc:`MissingKey`, a KeyError; ``get`` is dict's."""

    def __missing__(self, key: object) -> Any:
        raise MissingKey(key)
