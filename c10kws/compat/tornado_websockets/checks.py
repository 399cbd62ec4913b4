"""System check of a project that comes from django-tornado-websockets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, register

from ...checks.catalogue import MISSING_APP


@register
def check_c10kws(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error when ``c10kws`` is missing: it has the commands and the client."""
    if apps.is_installed("c10kws"):
        return []
    return [MISSING_APP(app="c10kws.compat.tornado_websockets")]
