"""System check of a project that moves.

========== =====================================================================
c10kws.E005 the ancestor's name is in INSTALLED_APPS, and ``c10kws`` is not
========== =====================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, register


@register
def check_c10kws(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error when ``c10kws`` is missing: it has the commands and the client."""
    if apps.is_installed("c10kws"):
        return []
    return [
        Error(
            "'c10kws.compat.tornado_websockets' is in INSTALLED_APPS without 'c10kws'.",
            hint="Add 'c10kws' to INSTALLED_APPS, above 'django.contrib.staticfiles'.",
            id="c10kws.E005",
        )
    ]
