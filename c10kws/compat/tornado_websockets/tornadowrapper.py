"""``TornadoWrapper``: a server of one's own instead of ``manage.py runtornado``."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from c10kws_tornado import bind, describe_rules, make_application, serve

from ... import conf
from ...management.commands.runtornado import make_handler
from ...management.serving import server_options
from ...marker import Marker
from ...refusals import Refusals

if TYPE_CHECKING:
    from tornado.web import Application


class TornadoWrapper:
    """Call ``start_app``, ``listen`` and ``loop``, in this order. Django answers last."""

    tornado_app: ClassVar[Application | None] = None
    tornado_handlers: ClassVar[list[Any]] = []
    sockets: ClassVar[list[socket.socket]] = []

    @classmethod
    def add_handlers(cls, handlers: list[Any] | tuple[Any, ...]) -> list[Any]:
        """Add one of Tornado's handlers (a tuple) or a list of them; return all."""
        given = handlers if isinstance(handlers, list) else [handlers]
        rows = [row for row in given if not isinstance(row, Marker)]
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
        """Make the application, of the handlers added before and these."""
        cls.tornado_app = None
        rows = cls.add_handlers(tornado_handlers or [])
        cls.tornado_app = make_application(rows, tornado_settings or {})

    @classmethod
    def listen(cls, tornado_port: int) -> None:
        """Take a port of all interfaces. Raises OSError."""
        cls.sockets.extend(bind("", tornado_port))

    @classmethod
    def loop(cls) -> None:
        """Say which handlers there are, and serve until a signal ends it."""
        for pattern, target in describe_rules(cls.tornado_app) if cls.tornado_app else ():
            print(pattern, target, flush=True)
        serve(
            Refusals(make_handler(use_static_handler=True)),
            sockets=cls.sockets,
            uvloop=conf.current().uvloop,
            **(server_options() | {"native": cls.tornado_app}),
        )
