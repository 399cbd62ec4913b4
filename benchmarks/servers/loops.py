"""The command line and the event loop of the servers: ``PORT [--uvloop]``."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

#: The backlog of c10kws.
BACKLOG = 4096


def serve(main: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    """Run ``main(port)`` on the loop of the command line, until a signal ends it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--uvloop", action="store_true")
    options = parser.parse_args()
    factory = None
    if options.uvloop:
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main(options.port))
