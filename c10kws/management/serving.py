"""The common part of the servers for production: ``runtornado`` and gunicorn's worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import conf
from ..control.listening import listen
from ..events.brokers.registry import brokers
from ..handlers.freezer import freezer
from ..refusals import Refusals

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

#: Seconds that a process which ends waits for its brokers.
BROKER_TIMEOUT = 2.0


def prepare(application: WSGIApplication, *, several: bool) -> WSGIApplication:
    """Prepare this process for serving a project; return the application to serve.

    ``several`` is True for one of several workers. Raises ImproperlyConfigured if the brokers do
    not connect them.
    """
    if several:
        brokers.serve_in_several()
    freezer.enable(conf.current().freeze_connections)
    listen()
    return Refusals(application)


def finish() -> None:
    """Send the events that wait for a broker; this process has served its last client."""
    brokers.close(BROKER_TIMEOUT)
