"""``TornadoWrapper``: a server without ``manage.py runtornado``."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from c10kws_tornado import bind, describe_rules, make_application, serve

from ... import conf
from ...events import InvalidInstanceError
from ...management import tornado_handlers
from ...management.commands.runtornado import make_handler
from ...management.server_options import server_options
from ...refusals import Refusals
from ...tornado_setting import DjangoApp

if TYPE_CHECKING:
    from tornado.web import Application


class TornadoWrapper:
    """Call ``start_app``, ``listen`` and ``loop``, in this order. Django is the last handler."""

    tornado_app: ClassVar[Application | None] = None
    #: The listening sockets, None before ``listen``; the server itself runs in ``loop``.
    tornado_server: ClassVar[list[socket.socket] | None] = None
    tornado_port: ClassVar[int] = tornado_handlers.DEFAULT_PORT
    tornado_handlers: ClassVar[list[Any]] = []
    tornado_settings: ClassVar[dict[str, Any]] = {}
    handlers = tornado_handlers

    @classmethod
    def reset(cls) -> None:
        """Close the sockets and remove all handlers and settings, for tests."""
        for sock in cls.tornado_server or ():
            sock.close()
        cls.tornado_app = cls.tornado_server = None
        cls.tornado_port = tornado_handlers.DEFAULT_PORT
        cls.tornado_handlers.clear()
        cls.tornado_settings.clear()

    @classmethod
    def add_handlers(cls, handlers: list[Any] | tuple[Any, ...]) -> list[Any]:
        """Add one of Tornado's handlers (a tuple) or a list of them; return all."""
        if not isinstance(handlers, list | tuple):
            raise InvalidInstanceError(handlers, "a list or a tuple of handlers")
        given = handlers if isinstance(handlers, list) else [handlers]
        rows = [row for row in given if not isinstance(row, DjangoApp)]
        cls.tornado_handlers.extend(rows)
        if cls.tornado_app is not None:
            cls.tornado_app.add_handlers(".*", rows)
        return cls.tornado_handlers

    @classmethod
    def start_app(
        cls,
        tornado_handlers: list[Any] | None = None,
        tornado_settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Make the application from the handlers that were added before and these."""
        if tornado_settings is not None and not isinstance(tornado_settings, Mapping):
            raise InvalidInstanceError(tornado_settings, "a dict of settings")
        cls.tornado_app = None
        rows = cls.add_handlers(tornado_handlers if tornado_handlers is not None else [])
        cls.tornado_settings.clear()
        cls.tornado_settings.update(tornado_settings or {})
        cls.tornado_app = make_application(rows, cls.tornado_settings)

    @classmethod
    def listen(cls, tornado_port: int) -> None:
        """Listen on a port of all interfaces. Raises OSError, or TypeError before ``start_app``."""
        if isinstance(tornado_port, bool) or not isinstance(tornado_port, int):
            raise InvalidInstanceError(tornado_port, "an int as the port")
        if cls.tornado_app is None:
            raise TypeError("There is no application yet: call TornadoWrapper.start_app() first.")
        sockets = bind("", tornado_port)
        cls.tornado_server = [*(cls.tornado_server or ()), *sockets]
        cls.tornado_port = sockets[0].getsockname()[1]

    @classmethod
    def loop(cls) -> None:
        """Print the handlers and serve until a signal stops the server."""
        for pattern, target in describe_rules(cls.tornado_app) if cls.tornado_app else ():
            print(pattern, target, flush=True)
        serve(
            Refusals(make_handler(use_static_handler=True)),
            sockets=cls.tornado_server,
            uvloop=conf.current().uvloop,
            **(server_options() | {"tornado_app": cls.tornado_app}),
        )
