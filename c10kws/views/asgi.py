"""Warning for a project under ASGI: c10kws needs WSGI.

Under ASGI a WebSocket never reaches the project: Django's ASGIHandler raises ValueError, "Django
can only handle ASGI/HTTP connections, not websocket". So the first request for a page logs the
warning.
"""

from __future__ import annotations

import logging
from typing import Any

from django.core.signals import request_started

logger = logging.getLogger("c10kws")

#: The commands that run a server with all views of c10kws.
COMMANDS = (
    "In development, put 'c10kws' above 'django.contrib.staticfiles' in INSTALLED_APPS and run "
    "`python manage.py runserver`. In production, run `python manage.py runtornado`, or gunicorn "
    "with `-k c10kws.gunicorn.Worker`."
)
UNDER_ASGI = (
    "Django runs under ASGI here. The views of @websocket, @asynchronous and EventSocket need "
    f"WSGI. {COMMANDS}"
)
_ID = "c10kws.asgi"


def watch_for_asgi() -> None:
    """Log a warning if the first request of this process comes through ASGI."""
    request_started.connect(_warn_under_asgi, dispatch_uid=_ID)


def _warn_under_asgi(sender: type, **kwargs: Any) -> None:
    # Only now: under WSGI, nothing else of Django imports its ASGI handler.
    from django.core.handlers.asgi import ASGIHandler

    request_started.disconnect(dispatch_uid=_ID)
    if issubclass(sender, ASGIHandler):
        logger.warning(UNDER_ASGI)
