"""The Django application of the ancestor's name."""

from __future__ import annotations

from django.apps import AppConfig


class TornadoWebSocketsConfig(AppConfig):
    """``"c10kws.compat.tornado_websockets"`` in INSTALLED_APPS, below ``"c10kws"``."""

    name = "c10kws.compat.tornado_websockets"
    verbose_name = "django-tornado-websockets, over c10kws"

    def ready(self) -> None:
        """Register the check that ``c10kws`` is in INSTALLED_APPS, too."""
        from . import checks  # noqa: F401
