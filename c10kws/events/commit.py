"""Emits inside a transaction wait for its commit."""

from __future__ import annotations

from collections.abc import Callable

from django.db import connections, transaction
from django.db.utils import DEFAULT_DB_ALIAS

from ..connection.loop import on_event_loop


def _ignore() -> None:
    """Do nothing."""


def after_commit(
    send: Callable[[], object], using: str | None, on_rollback: Callable[[], object] = _ignore
) -> bool:
    """Call ``send`` after the commit of this thread's outermost block, and return True.

    On rollback ``on_rollback`` is called instead.

    Return False if the thread is not in a block. Code on an event loop is not in a block of its
    own, and the blocks of a TestCase are never committed; neither counts.

    Raises Django's ConnectionDoesNotExist for a database that is not in the settings.
    """
    alias = using or DEFAULT_DB_ALIAS
    if on_event_loop() or not _in_a_block(alias):
        return False
    transaction.on_commit(_Waiting(send, on_rollback), using=alias, robust=True)
    return True


class _Waiting:
    """Waits for a commit. Django has no hook for a rollback: it drops the functions uncalled."""

    def __init__(self, send: Callable[[], object], on_rollback: Callable[[], object]) -> None:
        self._send = send
        self._on_rollback = on_rollback

    def __call__(self) -> None:
        self._on_rollback = _ignore
        self._send()

    def __del__(self) -> None:
        self._on_rollback()


def _in_a_block(alias: str) -> bool:
    connection = connections[alias]
    if not connection.in_atomic_block:
        return False
    blocks = getattr(connection, "atomic_blocks", ())
    testcase = [getattr(block, "_from_testcase", False) for block in blocks]
    return not (testcase and all(testcase))
