"""``manage.py runserver``, on a server that carries WebSockets.

It is the next ``runserver`` in INSTALLED_APPS (staticfiles', WhiteNoise's …, else Django's own)
with another server class: flags, checks, messages and the autoreloader stay what they are.
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


#: Exit status with which the autoreloader asks its parent for another process.
RELOADED = 3


def next_runserver() -> type[Base]:
    """Return the ``runserver`` that this one hides."""
    names = [config.name for config in apps.get_app_configs()]
    for config in list(apps.get_app_configs())[names.index("c10kws") + 1 :]:
        if "runserver" in find_commands(os.path.join(config.path, "management")):
            module = import_module(f"{config.name}.management.commands.runserver")
            return module.Command  # type: ignore[no-any-return]
    from django.core.management.commands.runserver import Command

    return Command


if not TYPE_CHECKING:
    Base = next_runserver()


class Command(Base):
    """Serve the project for development, WebSocket views included."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add one flag to those that the command has."""
        super().add_arguments(parser)
        parser.add_argument(
            "--nowebsocket",
            action="store_false",
            dest="use_websocket",
            help="Tells Django to use its own development server, without WebSockets.",
        )

    def run(self, **options: Any) -> None:
        """Serve. At a reload, clients are told that another process follows."""
        try:
            super().run(**options)
        except SystemExit as end:
            if end.code == RELOADED:
                DevelopmentServer.close_code = CloseCode.SERVICE_RESTART
            raise

    def inner_run(self, *args: Any, **options: Any) -> None:
        """Choose the server class; Django makes it and lets it serve."""
        self.use_websocket = options.get("use_websocket", True)
        if self.use_websocket:
            self.server_cls = DevelopmentServer  # type: ignore[assignment]
        super().inner_run(*args, **options)

    def get_handler(self, *args: Any, **options: Any) -> Any:
        """Return the application, its refusals of handshakes visible to browsers."""
        handler = super().get_handler(*args, **options)
        return Refusals(handler) if options.get("use_websocket", True) else handler

    def on_bind(self, server_port: int) -> None:
        """Print that WebSockets are served."""
        super().on_bind(server_port)
        if self.use_websocket:
            self.stdout.write(f"c10kws {c10kws.__version__}: WebSocket views are served.")
            for line in tornado_handlers.describe():
                self.stdout.write(line)
