"""``manage.py runtornado [[addr:]port …]``: serve the project for production."""

from __future__ import annotations

import io
import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand, CommandError, OutputWrapper
from django.core.servers.basehttp import get_internal_wsgi_application
from django.utils import autoreload

import c10kws
from c10kws_tornado import serve
from c10kws_tornado.descriptors import open_standard_streams
from c10kws_tornado.process.addresses import Address, Listener, TCPAddress, open_all
from c10kws_tornado.process.arbiter import Arbiter, NoWorkerStarts
from c10kws_tornado.process.exitdeadline import EXIT_TIMEOUT, exit_within
from c10kws_tornado.process.inheritance import Inheritance, inherit
from c10kws_tornado.process.lifecycle import stop_timeout

from ...events.brokers.registry import brokers
from .. import reloading, server_flags, tornado_handlers
from ..listen_addresses import (
    ALL_INTERFACES,
    DEFAULT_ADDRESS,
    default_address,
    find_addresses,
    ports_of,
)
from ..log_output import check_access_file, log_accesses_to, log_to_stderr
from ..server_options import server_options
from ..serving import finish, prepare

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

#: Workers need processes that inherit sockets by descriptor.
HAS_WORKERS = os.name == "posix"

RELOADER_FLAGS = (
    ("--reload", "store_true", "Restart when code changes, as runserver does. For development."),
    ("--noreload", "store_false", "Do not use the auto-reloader, even if TORNADO turns it on."),
)


class Command(BaseCommand):
    """Run processes that serve, each with one event loop and a bounded pool of threads.

    The process of this command is their parent. It binds the sockets, and runs this command again
    for each of them.
    """

    help = "Serves the pages and WebSockets of the project in production."

    #: What the parent has passed to this process; None in the parent itself.
    _inheritance: Inheritance | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the addresses, the flags of the server and of the reloader."""
        parser.add_argument(
            "addrports",
            nargs="*",
            metavar="addrport",
            help="Port or address to listen on, as for --bind. Default: the sockets passed by "
            f"systemd, otherwise the port TORNADO['port'] or {tornado_handlers.DEFAULT_PORT} of "
            f"{default_address()}.",
        )
        server_flags.add_sockets(parser)
        server_flags.add_processes(parser)
        server_flags.add_replacement(parser)
        for flag, action, text in RELOADER_FLAGS:
            parser.add_argument(flag, action=action, dest="use_reloader", default=None, help=text)
        server_flags.add_others(parser)
        parser.add_argument(
            "--nostatic",
            action="store_false",
            dest="use_static_handler",
            help="Do not serve static files at STATIC_URL while DEBUG is True.",
        )

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command, and end the process in time even if threads of the project still run."""
        try:
            self._inheritance = inherit()
        except RuntimeError as error:
            sys.exit(str(error))
        super().run_from_argv(argv)
        exit_within(EXIT_TIMEOUT)

    def check(self, *args: Any, **options: Any) -> None:
        """Run the system checks; only the parent prints warnings."""
        if self._inheritance is not None:
            self.stderr = OutputWrapper(io.StringIO())
        super().check(*args, **options)
        if self._inheritance is not None:
            self.stderr = OutputWrapper(sys.stderr)

    def handle(self, *args: Any, addrports: list[str], **options: Any) -> None:
        """Serve until a signal ends it."""
        if self._inheritance is not None:
            self.serve_as_worker(self._inheritance, options)
            return
        addresses = find_addresses(addrports, options["bind"])
        self.announce_interfaces(addresses)
        workers = server_flags.choose_workers(options["workers"], len(addrports))
        reloads = wants_reload(options)
        if reloads:
            server_flags.refuse_with_reloader(options)
            ports_of(addresses)
        if options["check"]:
            self.try_out(addresses, options)
        elif reloads:
            self.serve_and_reload(addresses, options)
        elif HAS_WORKERS:
            self.serve_in_workers(addresses, workers, options)
        else:
            self.serve_here(addresses, options)

    def announce_interfaces(self, addresses: Sequence[Address]) -> None:
        """Print once that a port without an address is open to the network."""
        tcp = [each for each in addresses if isinstance(each, TCPAddress)]
        ports = [each.port for each in tcp if each.host == ALL_INTERFACES]
        again = os.environ.get(autoreload.DJANGO_AUTORELOAD_ENV) == "true"
        if default_address() == ALL_INTERFACES and ports and not again:
            self.stdout.write(
                "Listening on all interfaces, as django-tornado-websockets did. "
                f"An address restricts it: runtornado {DEFAULT_ADDRESS}:{ports[0]}."
            )

    # In the parent

    def serve_in_workers(
        self, addresses: Sequence[Address], workers: int, options: dict[str, Any]
    ) -> None:
        """Run this command once for each worker."""
        server_flags.uses_uvloop(options["loop"])
        server_flags.overrides(options)
        check_access_file(options["access_logfile"])
        log_to_stderr()
        open_standard_streams()
        check_brokers(workers)
        listeners = self.listen(addresses)
        try:
            Arbiter(
                autoreload.get_child_arguments(),
                [sock for listener in listeners for sock in listener.sockets],
                workers,
                stop_timeout=stop_timeout(server_flags.drain_timeout(options)),
                one_by_one=options["rolling"] == "one",
                on_ready=lambda: self.announce(listeners, options),
            ).run()
        except NoWorkerStarts as error:
            raise CommandError(str(error)) from error
        finally:
            for listener in listeners:
                listener.close()

    def try_out(self, addresses: Sequence[Address], options: dict[str, Any]) -> None:
        """Do all that can fail before the server runs."""
        server_flags.uses_uvloop(options["loop"])
        server_options() | server_flags.overrides(options)
        check_access_file(options["access_logfile"])
        make_handler(use_static_handler=options["use_static_handler"])
        for listener in self.listen(addresses):
            self.stdout.write(f"Ready to serve at {listener.address}.")
            listener.close()

    def listen(self, addresses: Sequence[Address]) -> list[Listener]:
        """Open all addresses."""
        try:
            return open_all(addresses)
        except OSError as error:
            raise CommandError(str(error)) from error

    def announce(self, listeners: Sequence[Listener], options: dict[str, Any]) -> None:
        """Print the URLs of the project."""
        for line in tornado_handlers.describe():
            self.stdout.write(line)
        s = "s" if options["certfile"] else ""
        for address in (listener.address for listener in listeners):
            where = f"serving {address}"
            if isinstance(address, TCPAddress):
                where = f"pages at http{s}://{address}/, WebSockets at ws{s}://{address}/"
            self.stdout.write(f"c10kws {c10kws.__version__}: {where}. Quit with CONTROL-C.")
        self.stdout.flush()  # a pipe, such as that of systemd, is buffered until the end

    # In a worker, or in the only process

    def serve_as_worker(self, inheritance: Inheritance, options: dict[str, Any]) -> None:
        """Serve on the sockets of the parent."""
        self.serve(
            options,
            sockets=inheritance.sockets,
            worker=inheritance.slot,
            multiprocess=inheritance.slot.has_peers,
        )

    def serve_here(self, addresses: Sequence[Address], options: dict[str, Any]) -> None:
        """Serve in this process."""
        if (options["workers"] or 1) > 1:
            raise CommandError("--workers is not available on Windows.")
        listeners = self.listen(addresses)
        self.serve(
            options,
            sockets=[sock for listener in listeners for sock in listener.sockets],
            on_ready=lambda: self.announce(listeners, options),
        )

    def serve(self, options: dict[str, Any], **arguments: Any) -> None:
        """Serve until a signal ends it."""
        handler = make_handler(use_static_handler=options["use_static_handler"])
        log_to_stderr()
        if options["access_logfile"] is not None:
            log_accesses_to(options["access_logfile"])
        uvloop = server_flags.uses_uvloop(options["loop"])
        made = server_options() | server_flags.overrides(options) | arguments
        serve(prepare(handler, several=made.get("multiprocess", False)), uvloop=uvloop, **made)
        finish()

    # With the reloader

    def serve_and_reload(self, addresses: Sequence[Address], options: dict[str, Any]) -> None:
        """Become ``runserver``, whose reloader runs that command in a child process."""
        arguments = reloading.runserver_arguments(ports_of(addresses), options)
        sys.argv[1:] = arguments
        command = load_command_class(get_commands()["runserver"], "runserver")
        command.run_from_argv([sys.argv[0], *arguments])

    def reload_broken(self, options: dict[str, Any]) -> list[str] | None:
        """Serve a project that cannot be imported, if it is to be reloaded.

        Returns the arguments of the command for that; None without the reloader.
        """
        if not wants_reload(options):
            return None
        addresses = find_addresses(options["addrports"], options["bind"])
        return reloading.runserver_arguments(ports_of(addresses), options)


def wants_reload(options: dict[str, Any]) -> bool:
    """Return True if a flag, or TORNADO, asks for the reloader."""
    flag: bool | None = options["use_reloader"]
    return tornado_handlers.wants_reload() if flag is None else flag


def check_brokers(workers: int) -> None:
    """Raise CommandError if the brokers do not connect several workers."""
    if workers > 1:
        try:
            brokers.serve_in_several()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error


def make_handler(*, use_static_handler: bool) -> WSGIApplication:
    """Return the application, with the handler of staticfiles where its ``runserver`` has one."""
    application: WSGIApplication = get_internal_wsgi_application()
    installed = apps.is_installed("django.contrib.staticfiles")
    if not (installed and settings.DEBUG and use_static_handler):
        return application
    # Only now: staticfiles may not be installed.
    from django.contrib.staticfiles.handlers import StaticFilesHandler

    return StaticFilesHandler(application)  # type: ignore[arg-type]  # it accepts any WSGI application
