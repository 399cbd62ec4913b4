"""Loggers whose handlers may raise without ending a thread or a response of the server."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Adapter = logging.LoggerAdapter[logging.Logger]
else:
    Adapter = logging.LoggerAdapter


class SafeLogger(Adapter):
    """A logger that prints the exception of a handler to stderr.

    logging does this for its own handlers; others do not always call ``handleError()``.
    """

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log a line."""
        try:
            self.logger.log(level, msg, *args, stacklevel=2, **kwargs)
        except BaseException:  # SystemExit would end the loop
            traceback.print_exc()


def get_logger(name: str) -> SafeLogger:
    """Return the logger of this name."""
    return SafeLogger(logging.getLogger(name), {})
