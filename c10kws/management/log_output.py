"""Output of the log lines of both halves, for the commands that serve."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logging import LogRecord

#: The loggers of the access lines: the server's for requests, the library's for WebSockets.
ACCESS_LOGGERS = ("c10kws_tornado.access", "c10kws.access")


def log_to_stderr() -> None:
    """Write the lines of both halves to stderr, unless LOGGING has a handler for them.

    Django's default configuration writes no access lines, and warnings without a time.
    """
    enable_loggers()
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("[%(asctime)s] %(message)s"))
    for name in ACCESS_LOGGERS:
        access = logging.getLogger(name)
        if access.hasHandlers():
            continue
        half = logging.getLogger(name.partition(".")[0])
        half.addHandler(handler)
        if access.level == half.level == logging.NOTSET:
            access.setLevel(logging.INFO)


def log_to_django_server() -> None:
    """Write the access lines where Django's own runserver writes its lines."""
    enable_loggers()
    for name in ACCESS_LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(handler, DjangoServerHandler) for handler in logger.handlers):
            logger.addHandler(DjangoServerHandler())
        logger.setLevel(logging.INFO)
        logger.propagate = False


def enable_loggers() -> None:
    """Enable the loggers of both halves again.

    A project's ``wsgi.py`` calls ``django.setup()`` a second time. If LOGGING does not set
    ``disable_existing_loggers`` to False, that disables all loggers that exist already.
    """
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("c10kws", "c10kws_tornado"):
            logging.getLogger(name).disabled = False


class DjangoServerHandler(logging.Handler):
    """Log handler that passes records to ``django.server``, which a new project shows."""

    def emit(self, record: LogRecord) -> None:
        """Pass the record on, subject to that logger's level, filters and handlers."""
        target = logging.getLogger("django.server")
        if target.isEnabledFor(record.levelno):
            target.handle(record)
