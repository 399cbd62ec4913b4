"""The flags of ``runtornado``, most of which override a setting."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from c10kws_tornado.process.cores import count_workers
from c10kws_tornado.run import uvloop_factory
from c10kws_tornado.tls import load_certificate

from .. import conf
from .arguments import number_above_zero, whole_number_above_zero

#: The variable of many hosting services for the number of processes.
CONCURRENCY = "WEB_CONCURRENCY"
#: Options that have no effect under the auto-reloader, and their defaults.
WITHOUT_RELOADER: Mapping[str, object] = {
    "certfile": None,
    "keyfile": None,
    "workers": None,
    "threads": None,
    "loop": None,
    "graceful_timeout": None,
    "rolling": "all",
    "access_logfile": None,
}


def add_sockets(parser: ArgumentParser) -> None:
    """Add the flags of listening sockets and of TLS."""
    parser.add_argument(
        "--bind",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="Listen on port, host:port, [IPv6 address]:port, unix:path or fd://number. "
        "May be repeated.",
    )
    parser.add_argument("--certfile", help="Certificate in PEM format; turns on TLS.")
    parser.add_argument("--keyfile", help="Private key in PEM format, if not in --certfile.")


def add_processes(parser: ArgumentParser) -> None:
    """Add the flags of processes and threads."""
    add = parser.add_argument
    add(
        "--workers",
        type=_worker_count,
        help="Number of worker processes; auto starts one for each core. Default: the environment "
        f"variable {CONCURRENCY}, otherwise the number of positional addresses, at least 1.",
    )
    add(
        "--threads",
        type=whole_number_above_zero,
        help="Threads of each process; overrides THREADS.",
    )
    add(
        "--loop",
        choices=["asyncio", "uvloop", "auto"],
        help="Event loop; overrides UVLOOP. auto uses uvloop if it is installed.",
    )


def add_replacement(parser: ArgumentParser) -> None:
    """Add the flags of the end of a process, and of its successor."""
    add = parser.add_argument
    add(
        "--graceful-timeout",
        type=number_above_zero,
        metavar="SECONDS",
        help="Seconds that a graceful stop may take; overrides DRAIN_TIMEOUT.",
    )
    add(
        "--rolling",
        choices=["all", "one"],
        default="all",
        help="On HUP, replace all workers together, or one after another, which needs less "
        "memory. Default: all.",
    )


def add_others(parser: ArgumentParser) -> None:
    """Add the flags of logs, and of a trial run."""
    parser.add_argument(
        "--access-logfile",
        metavar="FILE",
        help="Append access lines to this file; - is the standard output.",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="Run the system checks, load the certificate, listen on the addresses, import the "
        "project, and exit.",
    )


def choose_workers(flag: int | None, positional: int) -> int:
    """Return the number of workers; without another choice, one for each positional address."""
    variable = os.environ.get(CONCURRENCY, "")
    if flag is not None or not variable:
        return flag or max(positional, 1)
    try:
        return count_workers(variable)
    except ValueError as error:
        raise CommandError(f"{CONCURRENCY} {error}.") from error


def refuse_with_reloader(options: Mapping[str, Any]) -> None:
    """Raise CommandError if there are flags that the auto-reloader cannot apply."""
    given = [
        f"--{name.replace('_', '-')}"
        for name, default in WITHOUT_RELOADER.items()
        if options[name] != default
    ]
    if given:
        raise CommandError(
            f"The auto-reloader does not support {', '.join(given)}. "
            "Omit these flags, or turn it off with --noreload."
        )


def uses_uvloop(loop: str | None) -> bool:
    """Return True if the event loop is uvloop's. Raises CommandError if it is not installed."""
    wanted = conf.current().uvloop if loop is None else loop != "asyncio"
    if not wanted:
        return False
    try:
        uvloop_factory()
    except ImportError as error:
        if loop == "auto":
            return False
        source = "C10KWS['UVLOOP'] is True" if loop is None else "--loop uvloop"
        raise CommandError(f"{source}: {error}") from error
    return True


def drain_timeout(options: Mapping[str, Any]) -> float:
    """Return the seconds of a graceful stop."""
    flag: float | None = options["graceful_timeout"]
    return conf.current().drain_timeout if flag is None else flag


def overrides(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the server that flags set. Raises CommandError for a certificate."""
    made: dict[str, Any] = {"drain_timeout": drain_timeout(options)}
    if options["threads"] is not None:
        made["threads"] = options["threads"]
    try:
        made["ssl_context"] = load_certificate(options["certfile"], options["keyfile"])
    except (OSError, ValueError) as error:
        raise CommandError(str(error)) from error
    return made


def _worker_count(text: str) -> int:
    try:
        return count_workers(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from error
