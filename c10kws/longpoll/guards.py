"""Calls of functions of the application after its view has returned."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction

from ..interrupts import is_ctrl_c, must_pass

logger = logging.getLogger("c10kws")


def guard(
    function: Callable[..., Any], on_error: Callable[[BaseException], None]
) -> Callable[..., Any]:
    """Return a function, or coroutine function, that passes its exceptions to ``on_error``."""

    async def wait_for(*args: Any, **kwargs: Any) -> Any:
        try:
            return await function(*args, **kwargs)
        except BaseException as error:  # sys.exit() on the loop would end the server
            if must_pass(error):
                raise
            on_error(error)

    def call_now(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            on_error(error)

    return wait_for if iscoroutinefunction(function) else call_now


def call_and_log(function: Callable[..., object], *args: Any) -> None:
    """Call a function and log its exception."""
    try:
        function(*args)
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        logger.exception("A callback of an @asynchronous view failed: %r", function)
