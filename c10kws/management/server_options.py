"""Options of the server, out of the project's settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings as django_settings

from c10kws_tornado import Limits

from .. import conf
from ..health.paths import find_paths
from . import tornado_handlers

#: Limits of the server that are settings of the same name.
LIMITS = (
    "idle_timeout",
    "max_body_size",
    "max_head_size",
    "max_total_send_bytes",
    "read_timeout",
    "send_timeout",
)


def server_options() -> dict[str, Any]:
    """Return the arguments of ``c10kws_tornado.Server`` that ``C10KWS`` and ``TORNADO`` set."""
    settings = conf.current()
    return {
        "limits": Limits(
            min_read_rate=settings.min_read_rate or 0,
            min_send_rate=settings.min_send_rate or 0,
            **{name: getattr(settings, name) for name in LIMITS},
        ),
        "threads": settings.threads,
        "queue_size": settings.queue_size,
        "trusted_proxies": tuple(settings.trusted_proxies),
        "drain_timeout": settings.drain_timeout,
        "drain_rate": settings.drain_rate,
        "busy_threads_warning": settings.busy_threads_warning,
        "blocked_loop_warning": settings.blocked_loop_warning,
        "log_query_strings": settings.log_query_strings,
        "upload_dir": settings.upload_dir or django_settings.FILE_UPLOAD_TEMP_DIR,
        "tornado_app": tornado_handlers.application(),
        "reserved_paths": find_paths(),
        "expected_connections": settings.max_connections,
    }
