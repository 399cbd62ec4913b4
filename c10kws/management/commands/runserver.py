"""``manage.py runserver``, on a server that carries WebSockets.

It inherits from the next ``runserver`` in INSTALLED_APPS (that of staticfiles or WhiteNoise, or
Django's own) and changes the server class. Flags, checks, messages and the autoreloader are
inherited.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.management import find_commands
from django.core.management.base import CommandParser

import c10kws

from ...protocol.closing import CloseCode
from ...refusals import Refusals
from .. import tornado_handlers
from ..development import DevelopmentServer

if TYPE_CHECKING:
    from django.core.management.commands.runserver import Command as Base


#: Exit status by which the autoreloader asks its parent for another process.
RELOADED = 3


def next_runserver() -> type[Base]:
    """Return the ``runserver`` that this one overrides."""
    names = [config.name for config in apps.get_app_configs()]
    for config in list(apps.get_app_configs())[names.index("c10kws") + 1 :]:
        if "runserver" in find_commands(os.path.join(config.path, "management")):
            module = import_module(f"{config.name}.management.commands.runserver")
            return module.Command  # type: ignore[no-any-return]
    # Only now: the import of this module may choose another base class.
    from django.core.management.commands.runserver import Command

    return Command


if not TYPE_CHECKING:
    Base = next_runserver()


class Command(Base):
    """Serve the project for development, WebSocket views included."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add two flags to those of the base class."""
        super().add_arguments(parser)
        parser.add_argument(
            "--nowebsocket",
            action="store_false",
            dest="use_websocket",
            help="Use Django's own development server, without WebSockets.",
        )
        parser.add_argument(
            "--frames",
            action="store_true",
            help="Print each frame of each WebSocket: direction, opcode, size and the beginning "
            "of the payload. The values of the client's cookies are hidden.",
        )

    def run(self, **options: Any) -> None:
        """Serve. At a reload, WebSockets are closed with 1012, so that clients reconnect."""
        try:
            super().run(**options)
        except SystemExit as end:
            if end.code == RELOADED:
                DevelopmentServer.close_code = CloseCode.SERVICE_RESTART
            raise

    def inner_run(self, *args: Any, **options: Any) -> None:
        """Choose the server class, which Django creates and runs."""
        self.use_websocket = options.get("use_websocket", True)
        if self.use_websocket:
            DevelopmentServer.frames = options.get("frames", False)
            self.server_cls = DevelopmentServer  # type: ignore[assignment]
        super().inner_run(*args, **options)

    def get_handler(self, *args: Any, **options: Any) -> Any:
        """Return the application; its refusals of handshakes are visible to pages."""
        handler = super().get_handler(*args, **options)
        return Refusals(handler) if options.get("use_websocket", True) else handler

    def on_bind(self, server_port: int) -> None:
        """Print that WebSockets are served."""
        super().on_bind(server_port)
        if self.use_websocket:
            self.stdout.write(f"c10kws {c10kws.__version__}: WebSocket views are served.")
            for line in tornado_handlers.describe():
                self.stdout.write(line)
