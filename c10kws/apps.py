"""The Django application."""

from __future__ import annotations

from django.apps import AppConfig


class C10kwsConfig(AppConfig):
    """``"c10kws"`` in INSTALLED_APPS, above ``"django.contrib.staticfiles"``."""

    name = "c10kws"
    verbose_name = "c10kws"

    def ready(self) -> None:
        """Register the system checks."""
        from . import checks  # noqa: F401
