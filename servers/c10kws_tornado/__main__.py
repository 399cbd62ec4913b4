"""``python -m c10kws_tornado package.module:application``."""

from __future__ import annotations

import argparse
import logging
import math
import os
import ssl
import sys
from collections.abc import Callable
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, cast

from .limits import MAY_BE_ZERO, Limits
from .process.exitdeadline import exit_within
from .run import MAX_PORT, bind, port_of, serve

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

#: Seconds that the exit waits for the application's threads that are no daemons.
EXIT_TIMEOUT = 2.0


def main() -> None:
    """Serve an application with the limits that the flags name."""
    options = vars(make_parser().parse_args())
    logging.basicConfig(level=logging.INFO, format="[%(asctime)s] %(message)s")
    application = load(options.pop("application"))
    address, port = options.pop("address"), options.pop("port")
    scheme = "https" if options["certfile"] else "http"
    try:
        limits = Limits(**{field.name: options.pop(field.name) for field in fields(Limits)})
        context = load_certificate(options.pop("certfile"), options.pop("keyfile"))
        sockets = bind(address, port)
        host = f"[{address}]" if ":" in address else address
        ready = f"Serving {scheme}://{host}:{port_of(sockets)}/. Quit with CONTROL-C."
        serve(
            application,
            sockets=sockets,
            limits=limits,
            ssl_context=context,
            on_ready=lambda: print(ready, flush=True),
            **options,
        )
    except (OSError, ValueError, ImportError) as error:
        sys.exit(f"c10kws_tornado: {error}")
    exit_within(EXIT_TIMEOUT)


def make_parser() -> argparse.ArgumentParser:
    """Return a parser with a flag for every argument of the server."""
    parser = argparse.ArgumentParser(prog="python -m c10kws_tornado", description=__doc__)
    parser.add_argument("application", help="the WSGI application, as project.wsgi:application")
    parser.add_argument("--address", default="127.0.0.1", help="where to listen (127.0.0.1)")
    parser.add_argument(
        "--port", type=port_number, default=8000, help="where to listen (8000); 0 for a free one"
    )
    parser.add_argument(
        "--threads", type=above_zero(int), default=16, help="threads that run views (16)"
    )
    parser.add_argument(
        "--queue-size", type=above_zero(int), default=1024, help="requests that may wait (1024)"
    )
    parser.add_argument(
        "--drain-timeout", type=above_zero(float), default=30.0, help="seconds to stop in (30)"
    )
    parser.add_argument(
        "--busy-threads-warning",
        type=above_zero(float),
        default=5.0,
        help="seconds that all threads may be busy before a warning (5)",
    )
    parser.add_argument(
        "--blocked-loop-warning",
        type=above_zero(float),
        default=2.0,
        help="seconds that the event loop may be blocked before a warning (2)",
    )
    parser.add_argument("--url-scheme", choices=["http", "https"], help="what a proxy speaks")
    parser.add_argument(
        "--trusted-proxies",
        type=lambda text: [entry for entry in text.split(",") if entry.strip()],
        default=("127.0.0.1", "::1"),
        help="addresses and networks, separated by commas, whose forwarded headers count "
        "(127.0.0.1,::1)",
    )
    parser.add_argument(
        "--multiprocess", action="store_true", help="other processes serve this application too"
    )
    parser.add_argument(
        "--log-query-strings",
        action="store_true",
        help="log the query strings of WebSockets and event streams too",
    )
    parser.add_argument(
        "--upload-dir", type=writable_folder, help="for bodies over --spool-size (the system's)"
    )
    parser.add_argument("--uvloop", action="store_true", help="run on uvloop, when installed")
    parser.add_argument("--certfile", help="speak TLS with this certificate (PEM)")
    parser.add_argument("--keyfile", help="its private key, if that is a file of its own")
    for field in fields(Limits):
        kind = above_zero(float if isinstance(field.default, float) else int)
        if field.name in MAY_BE_ZERO:
            kind = int  # Limits checks the rest
        flag = "--" + field.name.replace("_", "-")
        parser.add_argument(flag, type=kind, default=field.default, help=f"({field.default})")
    return parser


def port_number(text: str) -> int:
    """Return the port that a flag names."""
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_PORT):
        raise argparse.ArgumentTypeError(f"must be from 0 to {MAX_PORT}, not {text!r}")
    return int(text)


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
    """Return the path of a folder that can be written."""
    if not (os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK)):
        raise argparse.ArgumentTypeError(f"{path!r} is not a folder that can be written")
    return path


def load_certificate(certfile: str | None, keyfile: str | None) -> ssl.SSLContext | None:
    """Return a context for the certificate.

    Raises OSError when a file is not to be read, ValueError for a key without a certificate.
    """
    if certfile is None:
        if keyfile is not None:
            raise ValueError("expected --certfile with --keyfile: a key alone speaks no TLS")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certfile, keyfile)
    except OSError as error:
        raise OSError(f"the certificate {certfile} cannot be used: {error}") from error
    return context


def load(name: str) -> WSGIApplication:
    """Import ``package.module:attribute``; the attribute is "application" by default."""
    module_name, _, attribute = name.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        application = getattr(import_module(module_name), attribute or "application")
    except ModuleNotFoundError as error:
        sys.exit(f"c10kws_tornado: expected package.module:application, not {name!r}: {error}")
    except AttributeError:
        sys.exit(f"c10kws_tornado: {module_name} has no {attribute or 'application'!r}")
    if not callable(application):
        sys.exit(f"c10kws_tornado: {name} is not a WSGI application: it is not callable")
    return cast("WSGIApplication", application)


if __name__ == "__main__":
    main()
