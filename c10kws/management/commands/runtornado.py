"""``manage.py runtornado [--reload] [[addr:]port …]``: serve the project for production."""

from __future__ import annotations

import os
import re
import sys
from argparse import ArgumentParser
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError
from django.core.servers.basehttp import get_internal_wsgi_application
from django.utils import autoreload

import c10kws
from c10kws import conf
from c10kws_tornado import Workers, bind, serve
from c10kws_tornado.process import workers
from c10kws_tornado.process.exitdeadline import exit_within
from c10kws_tornado.process.lifecycle import GRACE
from c10kws_tornado.run import MAX_PORT, port_of

from .. import reloading, tornado_handlers
from ..log_output import log_to_stderr
from ..server_options import server_options
from ..serving import EXIT_TIMEOUT, prepare

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

DEFAULT_ADDRESS = "127.0.0.1"
ALL_INTERFACES = "0.0.0.0"
#: With this app installed a port without an address means all interfaces, as in the ancestor.
ANCESTOR = "c10kws.compat.tornado_websockets"
#: Seconds beyond DRAIN_TIMEOUT that several processes have to end: their own, and some to spare.
LAST_BREATH = GRACE + EXIT_TIMEOUT + 3.0
_ADDRESS = re.compile(r"(?:(?P<address>\[[0-9a-fA-F:]+\]|[^:\[\]]+):)?(?P<port>[0-9]{1,5})")

RELOADER_FLAGS = (
    ("--reload", "store_true", "Use the auto-reloader, as runserver does, for development."),
    ("--noreload", "store_false", "Do not use the auto-reloader, even if TORNADO asks for it."),
)


class Command(BaseCommand):
    """Run a process for each address, with one event loop and a bounded pool of threads."""

    help = "Serves the project in production: pages and WebSockets, on Tornado."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the addresses, the flags of the reloader and the flag of staticfiles."""
        parser.add_argument(
            "addrports",
            nargs="*",
            metavar="addrport",
            help="Port, or address:port. If several are given, each gets a process of its own. The "
            f"default is {default_address()} and TORNADO['port'], or "
            f"{tornado_handlers.DEFAULT_PORT}.",
        )
        for flag, action, text in RELOADER_FLAGS:
            parser.add_argument(flag, action=action, dest="use_reloader", default=None, help=text)
        parser.add_argument(
            "--nostatic",
            action="store_false",
            dest="use_static_handler",
            help="Do not serve static files at STATIC_URL while DEBUG is True.",
        )

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command, and end the process in time even if threads of the project still run."""
        super().run_from_argv(argv)
        exit_within(EXIT_TIMEOUT)

    def handle(self, *args: Any, addrports: list[str], **options: Any) -> None:
        """Serve until a signal ends it."""
        addrports = addrports or [str(tornado_handlers.port())]
        addresses = [parse_address(addrport) for addrport in addrports]
        if len(set(addresses)) < len(addresses):
            raise CommandError(f"An address is given twice: {' '.join(addrports)}.")
        own = workers.own_name()
        if default_address() in dict(addresses):
            self.announce_interfaces(dict(addresses)[default_address()])
        if own is None and len(addresses) > 1:
            self.serve_all(addrports)
            return
        reload_ = options["use_reloader"]
        if tornado_handlers.wants_reload() if reload_ is None else reload_:
            self.serve_and_reload(own or addrports[0], options)
        else:
            self.serve(own or addrports[0], options)

    def announce_interfaces(self, port: int) -> None:
        """Print once that a port without an address is open to the network."""
        again = workers.own_name() or os.environ.get(autoreload.DJANGO_AUTORELOAD_ENV) == "true"
        if default_address() == ALL_INTERFACES and not again:
            self.stdout.write(
                "Listening on all interfaces, as django-tornado-websockets did. "
                f"An address restricts it: runtornado {DEFAULT_ADDRESS}:{port}."
            )

    def serve_all(self, addrports: list[str]) -> None:
        """Run this command once for each address."""
        for addrport in addrports:
            try:
                for sock in bind(*parse_address(addrport)):
                    sock.close()
            except OSError as error:
                raise CommandError(f"Cannot listen on {addrport}: {error}") from error
        if apps.ready:
            for line in tornado_handlers.describe():
                self.stdout.write(line)
        log_to_stderr()
        timeout = conf.current().drain_timeout + LAST_BREATH
        Workers(autoreload.get_child_arguments(), addrports, timeout).run()

    def serve_and_reload(self, addrport: str, options: dict[str, Any]) -> None:
        """Become ``runserver``, whose reloader runs that command in a child process."""
        arguments = reloading.runserver_arguments(self.full_address(addrport), options)
        sys.argv[1:] = arguments
        command = load_command_class(get_commands()["runserver"], "runserver")
        command.run_from_argv([sys.argv[0], *arguments])

    def full_address(self, addrport: str) -> str:
        """Return an address for ``runserver``, which has another default."""
        address, port = parse_address(addrport)
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    def reload_broken(self, options: dict[str, Any]) -> list[str] | None:
        """Serve a project that cannot be imported, if it is to be reloaded.

        Returns the arguments of the command for that; None without the reloader.
        """
        reload_ = options["use_reloader"]
        if not (tornado_handlers.wants_reload() if reload_ is None else reload_):
            return None
        addrports, own = options["addrports"] or [str(tornado_handlers.port())], workers.own_name()
        if own is None and len(addrports) > 1:
            self.serve_all(addrports)
            sys.exit()
        return reloading.runserver_arguments(self.full_address(own or addrports[0]), options)

    def serve(self, addrport: str, options: dict[str, Any]) -> None:
        """Serve in this process."""
        is_worker = workers.own_name() is not None
        if is_worker:
            workers.end_with_parent()
        address, port = parse_address(addrport)
        handler = make_handler(use_static_handler=options["use_static_handler"])
        log_to_stderr()
        try:
            sockets = bind(address, port)
            serve(
                prepare(handler),
                sockets=sockets,
                on_ready=lambda: self.announce(address, port_of(sockets), alone=not is_worker),
                uvloop=conf.current().uvloop,
                multiprocess=is_worker,
                **server_options(),
            )
        except ImportError as error:
            raise CommandError(f"C10KWS['UVLOOP'] is True: {error}") from error
        except OSError as error:
            raise CommandError(f"Cannot listen on {addrport}: {error}") from error

    def announce(self, address: str, port: int, *, alone: bool) -> None:
        """Print the URLs of the project."""
        workers.serves()
        if alone:
            for line in tornado_handlers.describe():
                self.stdout.write(line)
        host = f"[{address}]" if ":" in address else address
        self.stdout.write(
            f"c10kws {c10kws.__version__}: pages at http://{host}:{port}/, "
            f"WebSockets at ws://{host}:{port}/. Quit with CONTROL-C."
        )


def make_handler(*, use_static_handler: bool) -> WSGIApplication:
    """Return the application, with the handler of staticfiles where its ``runserver`` has one."""
    application: WSGIApplication = get_internal_wsgi_application()
    installed = apps.is_installed("django.contrib.staticfiles")
    if not (installed and settings.DEBUG and use_static_handler):
        return application
    # Only now: staticfiles may not be installed.
    from django.contrib.staticfiles.handlers import StaticFilesHandler

    return StaticFilesHandler(application)  # type: ignore[arg-type]  # it accepts any WSGI application


def default_address() -> str:
    """Return the address of a port that is given without one."""
    known = apps.apps_ready  # False if a project that is to be reloaded is broken
    return ALL_INTERFACES if known and apps.is_installed(ANCESTOR) else DEFAULT_ADDRESS


def parse_address(text: str) -> tuple[str, int]:
    """Return address and port of ``[addr:]port``; an IPv6 address is in brackets."""
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise CommandError(f"Expected a port or address:port, such as 0.0.0.0:8000, not {text!r}.")
    if int(match["port"]) > MAX_PORT:
        raise CommandError(f"The port must be from 0 to {MAX_PORT}, not {match['port']}.")
    return (match["address"] or default_address()).strip("[]"), int(match["port"])
