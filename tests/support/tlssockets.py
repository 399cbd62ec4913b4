"""TLS of clients that read and write in two threads."""

from __future__ import annotations

import select
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import trustme

#: Seconds of a wait for the socket. Another thread may have taken the data that OpenSSL now has.
LONGEST_WAIT = 0.05


def client_context(authority: trustme.CA) -> ssl.SSLContext:
    """Return a context that trusts an authority, for clients with several threads."""
    context = ssl.create_default_context()
    context.sslsocket_class = ThreadSafeSocket
    authority.configure_trust(context)
    return context


class ThreadSafeSocket(ssl.SSLSocket):
    """A TLS socket that calls OpenSSL in one thread at a time, and does not block meanwhile.

    Python 3.11 has no lock for this. A server sends session tickets after the handshake of TLS 1.3.
    If a thread reads them while another one writes, the written data may never be sent.
    """

    _calling: threading.Lock

    def __new__(cls, *args: Any, **kwargs: Any) -> ThreadSafeSocket:
        """Create the lock here: a context does not call ``__init__``."""
        self = super().__new__(cls, *args, **kwargs)
        self._calling = threading.Lock()
        return self

    def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002
        """Read, and wait without the lock."""
        return self._call(super().read, len, buffer)

    def send(self, data: Any, flags: int = 0) -> Any:
        """Write, and wait without the lock."""
        return self._call(super().send, data, flags)

    def settimeout(self, value: float | None) -> None:
        """Set the timeout, but not while a thread calls OpenSSL."""
        with self._calling:
            super().settimeout(value)

    def _call(self, function: Callable[..., Any], *args: Any) -> Any:
        with self._calling:  # otherwise it may be 0 for a moment
            timeout = self.gettimeout()
        end = None if timeout is None else time.monotonic() + timeout
        while end is None or time.monotonic() < end:
            with self._calling:
                super().settimeout(0)
                try:
                    return function(*args)
                except ssl.SSLWantReadError:
                    event = select.POLLIN
                except ssl.SSLWantWriteError:
                    event = select.POLLOUT
                finally:
                    super().settimeout(timeout)
            poller = select.poll()
            poller.register(self, event)
            poller.poll(LONGEST_WAIT * 1000)
        raise TimeoutError("The operation timed out.")
