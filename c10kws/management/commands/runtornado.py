"""``manage.py runtornado [[addr:]port]``: serve the project for production."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.core.servers.basehttp import get_internal_wsgi_application

import c10kws
from c10kws import conf
from c10kws_tornado import serve

from ...refusals import Refusals
from .. import native
from ..serving import server_options

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

DEFAULT_ADDRESS = "127.0.0.1"
_ADDRESS = re.compile(r"(?:(?P<address>\[[0-9a-fA-F:]+\]|[^:\[\]]+):)?(?P<port>[0-9]{1,5})")


class Command(BaseCommand):
    """One process, one event loop and a bounded pool of threads; Ctrl-C or TERM stops it."""

    help = "Serves the project, pages and WebSockets, on Tornado: for production."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One optional address, and staticfiles' own flag."""
        parser.add_argument(
            "addrport",
            nargs="?",
            help=f"Port, or address:port; without it {DEFAULT_ADDRESS} and TORNADO['port'], "
            f"or {native.DEFAULT_PORT}.",
        )
        parser.add_argument(
            "--nostatic",
            action="store_false",
            dest="use_static_handler",
            help="Tells Django to NOT serve static files at STATIC_URL while DEBUG is True.",
        )

    def handle(self, *args: Any, addrport: str | None, **options: Any) -> None:
        """Serve until a signal ends it."""
        addrport = addrport or str(native.port())
        address, port = parse_address(addrport)
        arguments = server_options()
        try:
            serve(
                Refusals(make_handler(use_static_handler=options["use_static_handler"])),
                address,
                port,
                on_ready=lambda: self.announce(address, port),
                uvloop=conf.current().uvloop,
                **arguments,
            )
        except ImportError as error:
            raise CommandError(f"C10KWS['UVLOOP'] is True: {error}") from error
        except OSError as error:
            raise CommandError(f"Cannot listen on {addrport}: {error}") from error

    def announce(self, address: str, port: int) -> None:
        """Say where the project can be reached."""
        for line in native.report():
            self.stdout.write(line)
        host = f"[{address}]" if ":" in address else address
        self.stdout.write(
            f"c10kws {c10kws.__version__}: pages at http://{host}:{port}/, "
            f"WebSockets at ws://{host}:{port}/. Quit with CONTROL-C."
        )


def make_handler(*, use_static_handler: bool) -> WSGIApplication:
    """Return the application, behind staticfiles' handler as ``runserver`` of staticfiles does."""
    application: WSGIApplication = get_internal_wsgi_application()
    installed = apps.is_installed("django.contrib.staticfiles")
    if not (installed and settings.DEBUG and use_static_handler):
        return application
    from django.contrib.staticfiles.handlers import StaticFilesHandler

    return StaticFilesHandler(application)  # type: ignore[arg-type]  # any WSGI application does


def parse_address(text: str) -> tuple[str, int]:
    """Return address and port of ``[addr:]port``; an IPv6 address stands in brackets."""
    match = _ADDRESS.fullmatch(text)
    if match is None or not 0 <= int(match["port"]) < 65536:
        raise CommandError(f"Expected a port or address:port, as 0.0.0.0:8000, not {text!r}.")
    return (match["address"] or DEFAULT_ADDRESS).strip("[]"), int(match["port"])
