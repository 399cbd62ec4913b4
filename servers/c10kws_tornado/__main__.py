"""The command ``python -m c10kws_tornado package.module:application``."""

from __future__ import annotations

import argparse
import logging
import math
import os
import sys
from collections.abc import Callable
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from .descriptors import open_standard_streams
from .limits import MAY_BE_ZERO, Limits
from .process.arbiter import Arbiter, NoWorkerStarts
from .process.cores import count_workers
from .process.exitdeadline import EXIT_TIMEOUT, exit_within
from .process.inheritance import Inheritance, inherit
from .process.lifecycle import stop_timeout
from .process.listening import MAX_PORT, bind, port_of
from .run import serve
from .tls import load_certificate

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

DEFAULT = " (default: %(default)s)"
#: Help texts of the limits, whose comments say more.
LIMITS = {
    "max_head_size": "bytes of request line and headers",
    "max_body_size": "bytes of a request's body",
    "spool_size": "bytes of a body that are kept in memory",
    "total_spool_size": "bytes of all bodies that are kept in memory",
    "chunk_size": "bytes of one read from a socket, and of one slice of a response",
    "high_water": "unsent bytes of a response above which the application is paused",
    "max_total_send_bytes": "unsent bytes of all responses",
    "send_timeout": "seconds that a client may read nothing of a response",
    "min_send_rate": "bytes per second that a client must read of a response; 0 for any",
    "flush_timeout": "seconds in which the head of a 101 must be sent",
    "idle_timeout": "seconds between two requests, and for the head of a request",
    "read_timeout": "seconds that a client may pause within a body",
    "min_read_rate": "bytes per second that a client must send of a body; 0 for any",
    "body_timeout": "seconds for a whole body",
    "linger_timeout": "seconds that a refused body is still read",
    "reserved_descriptors": "file descriptors that are reserved for files and databases",
}


def main() -> None:
    """Serve an application with the options of the command line."""
    logging.basicConfig(level=logging.INFO, format="[%(asctime)s] %(message)s")
    try:
        inheritance = inherit()
        options = vars(make_parser().parse_args())
        workers = options.pop("workers")
        if workers is not None and inheritance is None:
            serve_in_workers(options, workers)
        else:
            serve_here(options, inheritance)
    except (OSError, ValueError, ImportError, RuntimeError, NoWorkerStarts) as error:
        sys.exit(f"c10kws_tornado: {error}")
    exit_within(EXIT_TIMEOUT)


def serve_here(options: dict[str, Any], inheritance: Inheritance | None) -> None:
    """Serve in this process, on sockets of its own or on those of its parent."""
    application = load(options.pop("application"))
    address, port = options.pop("address"), options.pop("port")
    context = load_certificate(options.pop("certfile"), options.pop("keyfile"))
    limits = Limits(**{field.name: options.pop(field.name) for field in fields(Limits)})
    if inheritance is None:
        sockets = bind(address, port)
        ready = describe(address, port_of(sockets), tls=context is not None)
        options["on_ready"] = lambda: print(ready, flush=True)
    else:
        sockets = list(inheritance.sockets)
        options |= {"worker": inheritance.slot, "multiprocess": inheritance.slot.has_peers}
    serve(application, sockets=sockets, limits=limits, ssl_context=context, **options)


def serve_in_workers(options: dict[str, Any], workers: int) -> None:
    """Serve in processes that run this command again, and replace them on HUP."""
    if sys.platform == "win32":
        raise ValueError("--workers is not available on Windows.")
    open_standard_streams()
    address = options["address"]
    # Each worker loads it, too. The parent only checks that they can.
    context = load_certificate(options["certfile"], options["keyfile"])
    sockets = bind(address, options["port"])
    ready = describe(address, port_of(sockets), tls=context is not None)
    Arbiter(
        [sys.executable, *sys.orig_argv[1:]],
        sockets,
        workers,
        stop_timeout=stop_timeout(options["drain_timeout"]),
        on_ready=lambda: print(ready, flush=True),
    ).run()


def describe(address: str, port: int, *, tls: bool) -> str:
    """Return the line that is printed when the server is ready."""
    host = f"[{address}]" if ":" in address else address
    scheme = "https" if tls else "http"
    return f"Serving {scheme}://{host}:{port}/. Quit with CONTROL-C."


def make_parser() -> argparse.ArgumentParser:
    """Return a parser with a flag for each argument of the server."""
    parser = argparse.ArgumentParser(
        prog="python -m c10kws_tornado",
        description="Serve a WSGI application on Tornado.",
    )
    parser.add_argument("application", help="WSGI application, such as project.wsgi:application")
    add_listening(parser)
    add_threads(parser)
    add_proxies(parser)
    add_logging(parser)
    add_limits(parser)
    return parser


def add_listening(parser: argparse.ArgumentParser) -> None:
    """Add the flags of sockets and TLS."""
    add = parser.add_argument
    add("--address", default="127.0.0.1", help="address or host name to listen on" + DEFAULT)
    add(
        "--port",
        type=port_number,
        default=8000,
        help="port to listen on; 0 chooses a free one" + DEFAULT,
    )
    add("--certfile", help="TLS certificate (PEM); enables TLS")
    add("--keyfile", help="private key of the certificate, if it is in another file")
    add("--uvloop", action="store_true", help="run on uvloop, which must be installed")


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the thread pool, and of the shutdown."""
    add, count, seconds = parser.add_argument, above_zero(int), above_zero(float)
    add("--threads", type=count, default=16, help="threads that run views" + DEFAULT)
    add("--queue-size", type=count, default=1024, help="requests queued for a thread" + DEFAULT)
    add(
        "--drain-timeout",
        type=seconds,
        default=30.0,
        help="seconds that a shutdown may take" + DEFAULT,
    )
    text = "WebSockets per second that a shutdown closes" + DEFAULT
    add("--drain-rate", type=seconds, default=200.0, help=text)
    text = "seconds that all threads may be busy before a warning is logged" + DEFAULT
    add("--busy-threads-warning", type=seconds, default=5.0, help=text)
    text = "seconds that the event loop may be blocked before a warning is logged" + DEFAULT
    add("--blocked-loop-warning", type=seconds, default=2.0, help=text)
    text = "serve in this number of processes (auto: one for each core), and replace them on HUP"
    add("--workers", type=worker_count, help=text)
    add("--multiprocess", action="store_true", help="other processes serve the application too")


def add_proxies(parser: argparse.ArgumentParser) -> None:
    """Add the flags of a reverse proxy."""
    add = parser.add_argument
    add("--url-scheme", choices=["http", "https"], help="scheme of the URLs behind a TLS proxy")
    add(
        "--trusted-proxies",
        type=lambda text: [entry for entry in text.split(",") if entry.strip()],
        default="127.0.0.1,::1",
        help="addresses and networks, separated by commas, whose forwarded headers are trusted"
        + DEFAULT,
    )


def add_logging(parser: argparse.ArgumentParser) -> None:
    """Add the flags of logs and of files."""
    add = parser.add_argument
    text = "log the query strings of WebSockets and event streams, too"
    add("--log-query-strings", action="store_true", help=text)
    text = "folder for bodies over --spool-size (default: the system's temporary folder)"
    add("--upload-dir", type=writable_folder, help=text)


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each limit."""
    for field in fields(Limits):
        kind = above_zero(float if isinstance(field.default, float) else int)
        if field.name in MAY_BE_ZERO:
            kind = int  # Limits checks the rest
        flag, text = "--" + field.name.replace("_", "-"), LIMITS[field.name] + DEFAULT
        parser.add_argument(flag, type=kind, default=field.default, help=text)


def port_number(text: str) -> int:
    """Return the value of a flag as a port."""
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_PORT):
        raise argparse.ArgumentTypeError(f"must be from 0 to {MAX_PORT}, not {text!r}")
    return int(text)


def worker_count(text: str) -> int:
    """Return the value of a flag as a number of workers."""
    try:
        return count_workers(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def above_zero(kind: type[int] | type[float]) -> Callable[[str], float]:
    """Return a function that converts the value of a flag to a finite number above 0."""

    def convert(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not 0 < value < math.inf:
            name = "whole number" if kind is int else "number"
            raise argparse.ArgumentTypeError(f"must be a {name} above 0, not {text!r}")
        return value

    return convert


def writable_folder(path: str) -> str:
    """Return the path of a writable folder."""
    if not (os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK)):
        raise argparse.ArgumentTypeError(f"{path!r} is not a writable folder")
    return path


def load(name: str) -> WSGIApplication:
    """Import ``package.module:attribute``; the attribute is "application" by default."""
    module_name, _, attribute = name.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        application = getattr(import_module(module_name), attribute or "application")
    except ModuleNotFoundError as error:
        text = "pass package.module:application."
        sys.exit(f"c10kws_tornado: {name!r} cannot be imported: {error}; {text}")
    except AttributeError:
        sys.exit(f"c10kws_tornado: {module_name} has no attribute {attribute or 'application'!r}.")
    if not callable(application):
        sys.exit(f"c10kws_tornado: {name} is not a WSGI application; it must be callable.")
    return cast("WSGIApplication", application)


if __name__ == "__main__":
    main()
