"""Commits in a test: on-commit functions run when their block ends, in the order of production.

A TestCase runs each test in blocks of its own and never commits them. Therefore Django never calls
the functions of ``transaction.on_commit``. Here the end of the outermost block within those of the
test counts as the commit, for the code of the server: callbacks, handlers and, while a WebSocket is
open, views. Blocks of the test itself count when the test waits. ``captureOnCommitCallbacks`` works
as in Django.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, cast
from unittest import mock

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

#: ``captureOnCommitCallbacks`` blocks that the test is in.
_captures = 0


@contextmanager
def at_the_end_of_blocks() -> Iterator[None]:
    """Run on-commit functions as soon as no blocks are open except those of a TestCase."""
    original = transaction.Atomic.__exit__

    def leave(
        block: transaction.Atomic,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        original(block, kind, error, trace)
        _run(connections[block.using or "default"])

    with mock.patch.object(transaction.Atomic, "__exit__", leave):
        yield


@contextmanager
def captured() -> Iterator[None]:
    """Leave the callbacks of views to ``captureOnCommitCallbacks``."""
    global _captures
    _captures += 1
    try:
        yield
    finally:
        _captures -= 1


def capturing() -> bool:
    """Return True inside of :func:`captured`."""
    return _captures > 0


def run_committed() -> None:
    """Run on-commit functions of all databases that have only blocks of a TestCase open."""
    for connection in connections.all(initialized_only=True):
        _run(connection)


def _run(connection: BaseDatabaseWrapper) -> None:
    blocks = getattr(connection, "atomic_blocks", [])
    ours = all(getattr(block, "_from_testcase", False) for block in blocks)
    if not (connection.in_atomic_block and blocks and ours) or connection.needs_rollback:
        return
    while connection.run_on_commit:
        # The type stubs lack the third value, ``robust``.
        _, function, robust = cast(Any, connection.run_on_commit.pop(0))
        try:
            function()
        except Exception:
            if not robust:
                raise
