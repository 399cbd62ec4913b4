"""The logs of both halves, written by gunicorn's loggers."""

from __future__ import annotations

import logging
from datetime import timedelta
from logging import LogRecord
from typing import Any

from ..management.log_output import ACCESS_LOGGERS, enable_loggers

REQUESTS, WEBSOCKETS = ACCESS_LOGGERS


def connect(cfg: Any, log: Any) -> None:
    """Write log lines where gunicorn writes its own, unless LOGGING has a handler for them.

    The access lines of requests go to gunicorn's access log, in its format, and to statsd. Those of
    WebSockets go to its error log, since that format does not suit them.
    """
    enable_loggers()
    errors = log.error_log
    _silence(REQUESTS)
    _silence(WEBSOCKETS)
    if log.access_log_enabled or cfg.statsd_host is not None:
        _add(REQUESTS, [AccessHandler(log)], logging.INFO)
    if log.access_log_enabled:
        _add(WEBSOCKETS, errors.handlers, max(logging.INFO, errors.level))
    for half in dict.fromkeys(name.partition(".")[0] for name in ACCESS_LOGGERS):
        if not logging.getLogger(half).hasHandlers():
            _add(half, errors.handlers, errors.level)


def _silence(name: str) -> None:
    """Keep access lines out of the error log and off standard error."""
    logger = logging.getLogger(name)
    if not logger.hasHandlers():
        logger.propagate = False
        logger.addHandler(logging.NullHandler())


def _add(name: str, handlers: list[logging.Handler], level: int) -> None:
    """Add handlers; LOGGING may have set another level."""
    logger = logging.getLogger(name)
    for handler in handlers:
        logger.addHandler(handler)
    if logger.level == logging.NOTSET:
        logger.setLevel(level)


class AccessHandler(logging.Handler):
    """Passes the access lines of requests to gunicorn's access log."""

    def __init__(self, log: Any) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: LogRecord) -> None:
        """Write a line in the format of ``access_log_format``."""
        fields: dict[str, Any] = vars(record)
        duration = timedelta(seconds=fields["duration"])
        self._log.access(_Response(fields), _Request(fields), _environ_of(fields), duration)


class _Request:
    """The attributes of a request that gunicorn's log uses."""

    def __init__(self, fields: dict[str, Any]) -> None:
        names = {"referer": "referer", "user-agent": "user_agent"}
        self.headers = [(name, fields[key]) for name, key in names.items() if fields[key]]


class _Response:
    """The attributes of a response that gunicorn's log uses."""

    headers = ()

    def __init__(self, fields: dict[str, Any]) -> None:
        self.status = str(fields["status_code"])
        self.sent = fields["size"]


def _environ_of(fields: dict[str, Any]) -> dict[str, str]:
    """Return the part of a request's environ that gunicorn's log uses."""
    method, _, rest = str(fields["args"][1]).partition(" ")
    target, _, version = rest.rpartition(" ")
    path, _, query = target.partition("?")
    return {
        "REMOTE_ADDR": fields["remote_addr"] or "-",
        "REQUEST_METHOD": method,
        "RAW_URI": target,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": version,
        "HTTP_REFERER": fields["referer"] or "-",
        "HTTP_USER_AGENT": fields["user_agent"] or "-",
    }
