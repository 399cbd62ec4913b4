"""Testing WebSockets in a plain Django TestCase: ``docs/how-to/testing.rst``.

::

    from c10kws.test import TestCase

    class ChatTests(TestCase):
        def test_hello(self):
            self.client.force_login(self.user)
            with self.client.websocket("/ws/chat/") as ws:
                ws.emit("hello", {"name": "Ann"})
                self.assertEqual(ws.expect("welcome"), {"members": 1})

Everything runs in the thread of the test and inside of its transaction: the view's middleware, sync
callbacks, the ORM calls of async handlers. The event loop runs only while the test waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest import TestCase as Base

import django.test
from django.db import DEFAULT_DB_ALIAS

from ..events.brokers.registry import brokers
from ..handlers.servers import servers
from .client import Client
from .commits import captured
from .poll import Poll
from .websocket import Closed, Refused, TestWebSocket

__all__ = [
    "Client",
    "Closed",
    "Poll",
    "Refused",
    "SimpleTestCase",
    "TestCase",
    "TestWebSocket",
    "TransactionTestCase",
    "without_server",
]


class Served(Base):
    """Test case whose process counts as a server from ``setUpClass`` to ``tearDownClass``."""

    @classmethod
    def setUpClass(cls) -> None:
        """Announce the server first: ``setUpTestData`` may emit, by a signal for instance."""
        servers.announce(cls)
        cls.addClassCleanup(servers.retract, cls)
        super().setUpClass()

    def setUp(self) -> None:
        """Forget the histories of the test before."""
        brokers.forget()
        super().setUp()


def without_server() -> AbstractContextManager[None]:
    """Run a block as in a process that does not serve, such as a command or a Celery worker.

    Emits in the block follow the setting EMIT_WITHOUT_SERVER.
    """
    return servers.set_aside()


class SimpleTestCase(Served, django.test.SimpleTestCase):
    """Django's, with WebSockets in ``self.client``."""

    client: Client
    client_class = Client


class TransactionTestCase(Served, django.test.TransactionTestCase):
    """Django's, with WebSockets in ``self.client``."""

    client: Client
    client_class = Client


class TestCase(Served, django.test.TestCase):
    """Django's, with WebSockets in ``self.client``."""

    client: Client
    client_class = Client

    @classmethod
    @contextmanager
    def captureOnCommitCallbacks(  # noqa: N802
        cls, *, using: str = DEFAULT_DB_ALIAS, execute: bool = False
    ) -> Iterator[list[Callable[[], Any]]]:
        """Collect on-commit functions as Django does, of the test and of the views it calls."""
        with captured(), super().captureOnCommitCallbacks(using=using, execute=execute) as found:
            yield found
