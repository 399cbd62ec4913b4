"""Output of the log lines of both halves, for the commands that serve."""

from __future__ import annotations

import copy
import logging
import sys
from typing import TYPE_CHECKING

from django.core.management.base import CommandError
from django.utils.log import ServerFormatter

from ..protocol.closing import CloseCode

if TYPE_CHECKING:
    from logging import LogRecord

#: The loggers of the access lines: the server's for requests, the library's for WebSockets.
ACCESS_LOGGERS = ("c10kws_tornado.access", "c10kws.access")
#: The loggers of ``runserver``: those, and the library's for frames.
DEVELOPMENT_LOGGERS = (*ACCESS_LOGGERS, "c10kws.frames")
#: Close codes of connections that ended as they should.
NORMAL_CODES = {CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS}
#: The loggers of the starts and ends of a server: of its workers, and of its last connections.
PROCESS_LOGGERS = ("c10kws_tornado.drain", "c10kws_tornado.workers")


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
    _show_process()


def _show_process() -> None:
    """Write lines about the process where access lines are written, unless LOGGING decides."""
    for name in PROCESS_LOGGERS:
        logger = logging.getLogger(name)
        half = logging.getLogger(name.rpartition(".")[0])
        if logger.level == half.level == logging.NOTSET:
            logger.setLevel(logging.INFO)


def check_access_file(path: str | None) -> None:
    """Check that access lines can be appended to a file. Raises CommandError."""
    if path is not None:
        _access_handler(path).close()


def _access_handler(path: str) -> logging.Handler:
    if path == "-":
        return logging.StreamHandler(sys.stdout)
    try:
        return logging.FileHandler(path)
    except OSError as error:
        raise CommandError(f"Cannot write to {path}: {error.strerror}.") from error


def log_accesses_to(path: str) -> None:
    """Write access lines only to a file, "-" for the standard output. USR1 reopens the file."""
    handler = _access_handler(path)
    handler.setFormatter(logging.Formatter("[%(asctime)s] %(message)s"))
    for name in ACCESS_LOGGERS:
        access = logging.getLogger(name)
        access.handlers = [handler]
        access.setLevel(logging.INFO)
        access.propagate = False


def log_to_django_server() -> None:
    """Write the lines of requests, WebSockets and frames where Django's runserver writes its own.

    The lines of open connections and of frames, which are DEBUG, are shown, too.
    """
    enable_loggers()
    for name in DEVELOPMENT_LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(handler, DjangoServerHandler) for handler in logger.handlers):
            logger.addHandler(DjangoServerHandler())
        logger.setLevel(logging.DEBUG)
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
        record = _coloured(_at_least_info(record), target)
        if target.isEnabledFor(record.levelno):
            target.handle(record)


def _at_least_info(record: LogRecord) -> LogRecord:
    """Return the record of a line that is DEBUG in production with the level INFO."""
    if record.levelno >= logging.INFO:
        return record
    raised = copy.copy(record)
    raised.levelno, raised.levelname = logging.INFO, "INFO"
    return raised


def _coloured(record: LogRecord, target: logging.Logger) -> LogRecord:
    """Return the record of a WebSocket in colour, if Django's formatter colours requests."""
    formatters = (handler.formatter for handler in target.handlers)
    django = next((each for each in formatters if isinstance(each, ServerFormatter)), None)
    role = _role_of(record)
    if django is None or role is None:
        return record
    coloured = copy.copy(record)
    coloured.msg, coloured.args = getattr(django.style, role)(record.getMessage()), ()
    coloured.__dict__.pop("status_code", None)  # the formatter would choose the colour by it
    return coloured


def _role_of(record: LogRecord) -> str | None:
    """Return the role in Django's palette of colours; None for requests."""
    if record.name == "c10kws.frames":
        return "SQL_COLTYPE" if getattr(record, "direction", "") == "received" else "SQL_FIELD"
    if record.name != "c10kws.access":
        return None
    if not hasattr(record, "close_code"):
        return "SUCCESS"
    code = record.close_code
    if code in NORMAL_CODES:
        return "HTTP_NOT_MODIFIED"
    return "HTTP_SERVER_ERROR" if code == CloseCode.INTERNAL_ERROR else "HTTP_NOT_FOUND"
