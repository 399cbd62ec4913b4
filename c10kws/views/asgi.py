"""Warning for a project under ASGI: c10kws needs WSGI.

Under ASGI a WebSocket never reaches the project: Django's ASGIHandler raises ValueError, "Django
can only handle ASGI/HTTP connections, not websocket". So the first page logs the warning.
"""

from __future__ import annotations

import logging
from typing import Any

from django.core.signals import request_started

logger = logging.getLogger("c10kws")

UNDER_ASGI = (
    "Django runs under ASGI here, which cannot carry the views of @websocket, @asynchronous and "
    "EventSocket. In production run `python manage.py runtornado`; in development put 'c10kws' "
    "above 'django.contrib.staticfiles' in INSTALLED_APPS and run `python manage.py runserver`."
)
_ID = "c10kws.asgi"


def watch_for_asgi() -> None:
    """Log a warning when the first request of this process comes by ASGI."""
    request_started.connect(_look, dispatch_uid=_ID)


def _look(sender: type, **kwargs: Any) -> None:
    from django.core.handlers.asgi import ASGIHandler

    request_started.disconnect(dispatch_uid=_ID)
    if issubclass(sender, ASGIHandler):
        logger.warning(UNDER_ASGI)
