"""``c10kws.django_app``: Django, among the handlers of ``TORNADO``."""

from __future__ import annotations

from typing import Final


class Marker:
    """A constant that says its name. A copy of it (of a whole ``settings``, say) marks the same."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


django_app: Final = Marker("c10kws.django_app")
