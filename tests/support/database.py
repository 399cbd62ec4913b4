"""The test database: its rows after a test, and the connections of other threads."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.core.management.color import no_style
from django.db import connections

#: Tables whose rows come with the migrations. No test changes them.
KEPT = {"auth_permission", "django_content_type", "django_migrations"}


def empty_tables() -> None:
    """Delete the rows of all other tables, and close this thread's connection.

    Django's own tests call ``flush``, which also sends post_migrate. That takes several times as
    long as a short test.
    """
    connection = connections["default"]
    tables = sorted(set(connection.introspection.django_table_names()) - KEPT)
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables))
    connection.close()


class OpenConnections:
    """The connections that other threads have open; calling it returns their number."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        #: How many have been opened so far.
        self.total = 0
        self._open: set[Any] = set()
        self._own = threading.current_thread()
        backend = type(connections["default"])
        self._connect, self._close = backend.connect, backend._close
        monkeypatch.setattr(backend, "connect", lambda wrapper: self._note_open(wrapper))
        monkeypatch.setattr(backend, "_close", lambda wrapper: self._note_closed(wrapper))

    def __call__(self) -> int:
        """Return how many are open."""
        return len(self._open)

    def _note_open(self, wrapper: Any) -> None:
        self._connect(wrapper)
        if threading.current_thread() is not self._own:
            self._open.add(wrapper)
            self.total += 1

    def _note_closed(self, wrapper: Any) -> Any:
        self._open.discard(wrapper)
        return self._close(wrapper)
