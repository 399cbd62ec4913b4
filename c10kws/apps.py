"""The Django application."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from .management.reloading import prepare


class C10kwsConfig(AppConfig):
    """Configuration of ``"c10kws"`` in INSTALLED_APPS, above ``"django.contrib.staticfiles"``."""

    name = "c10kws"
    verbose_name = "c10kws"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        prepare()

    def ready(self) -> None:
        """Register the checks; find the EventSockets in each app's ``sockets.py``."""
        # Only now: they import models of Django, which must be loaded before.
        from .checks import events, settings, tornado  # noqa: F401
        from .events.brokers.readiness import BrokersCheck
        from .health.readiness import CHECKS
        from .views.asgi import watch_for_asgi

        autodiscover_modules("sockets")
        watch_for_asgi()
        CHECKS.append(BrokersCheck())
