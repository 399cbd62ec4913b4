"""Loggers whose handlers may raise, which must not end a thread or a response of the server."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Adapter = logging.LoggerAdapter[logging.Logger]
else:
    Adapter = logging.LoggerAdapter


class SafeLogger(Adapter):
    """A logger that prints a handler's exception to stderr, as logging does for its own handlers.

    A handler's ``emit()`` should call ``handleError()``, but not every handler does.
    """

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log a line."""
        try:
            self.logger.log(level, msg, *args, stacklevel=2, **kwargs)
        except BaseException:  # SystemExit would end the loop
            traceback.print_exc()


def get_logger(name: str) -> SafeLogger:
    """Return the logger of a name."""
    return SafeLogger(logging.getLogger(name), {})
