"""A server in memory that implements the contract, without sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from c10kws import hijack
from c10kws.hijack import Contract, StopCallback


class InlineExecutor(Executor):
    """Runs each job at once, in the thread that submits it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        fn(*args, **kwargs)

    def sibling(self, name: str, **options: Any) -> InlineExecutor:
        return self


class MemoryServer:
    """The values of the contract's keys, and the callbacks that were given to ``on_stop``."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.callbacks: list[StopCallback] = []
        self.state: dict[str, Any] = {}
        self.environ: dict[str, Any] = {
            hijack.STREAM: None,
            hijack.LOOP: loop,
            hijack.EXECUTOR: InlineExecutor(),
            hijack.SERVER: self.state,
            hijack.ON_STOP: self.callbacks.append,
        }

    def contract(self) -> Contract:
        """Return the contract of a new request."""
        contract = Contract.from_environ(self.environ)
        assert contract is not None
        return contract
