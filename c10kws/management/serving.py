"""The common part of the servers for production: ``runtornado`` and gunicorn's worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import conf
from ..control.listener import listen
from ..handlers.freezer import freezer
from ..refusals import Refusals

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


def prepare(application: WSGIApplication) -> WSGIApplication:
    """Prepare this process for serving a project; return the application to serve."""
    freezer.enable(conf.current().freeze_connections)
    listen()
    return Refusals(application)
