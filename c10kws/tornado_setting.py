"""The setting ``TORNADO``: Tornado's own handlers, in front of Django on the same server."""

from __future__ import annotations

from typing import Final

NAME = "TORNADO"


class DjangoApp:
    """The constant ``c10kws.django_app``: the position of Django in ``TORNADO["handlers"]``.

    A copy of it, for example in a copy of all settings, is equivalent.
    """

    def __repr__(self) -> str:
        return "c10kws.django_app"


django_app: Final = DjangoApp()
