"""Functions of the application that are called when its view has returned."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction

from ..interrupts import is_ctrl_c, must_pass

logger = logging.getLogger("c10kws")


def guarded(
    function: Callable[..., Any], fail: Callable[[BaseException], None]
) -> Callable[..., Any]:
    """Return a function, or coroutine function, whose exceptions go to ``fail``."""

    async def wait_for(*args: Any, **kwargs: Any) -> Any:
        try:
            return await function(*args, **kwargs)
        except BaseException as error:  # sys.exit() on the loop would end the server
            if must_pass(error):
                raise
            fail(error)

    def call_now(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            fail(error)

    return wait_for if iscoroutinefunction(function) else call_now


def call(function: Callable[..., object], *args: Any) -> None:
    """Call a function whose result is not awaited; its exception is logged."""
    try:
        function(*args)
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        logger.exception("a callback of an @asynchronous view failed: %r", function)
