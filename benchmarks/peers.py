"""Who is measured: each server as a command, and what it can be asked to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

#: What a server can do; a workload names one of them.
ECHO, HANDSHAKES, IDLE, BROADCAST, PAGES = "echo", "handshakes", "idle", "broadcast", "pages"
#: It can let the request go, or never had a Django request.
LIGHT = "light"
#: c10kws with one trick less.
TRICKS = "tricks"
#: It serves blocking pages and WebSockets from one process.
BESIDE = "beside"
SOCKETS = frozenset({ECHO, HANDSHAKES, IDLE, BROADCAST})
RAW = SOCKETS | {LIGHT}
ALL = SOCKETS | {LIGHT, PAGES, BESIDE}

MODULE = (sys.executable, "-m")
C10KWS = (*MODULE, "benchmarks.project.manage", "runtornado", "--skip-checks", "127.0.0.1:{port}")
CHANNELS = "benchmarks.project.asgi:application"
UVICORN = (
    *(*MODULE, "uvicorn", "--port", "{port}", "--log-level", "critical", "--no-access-log"),
    *("--loop", "uvloop", "--http", "httptools", "--backlog", "4096"),
    *("--ws-per-message-deflate", "false", "--lifespan", "off"),
)
GUNICORN = (
    *(*MODULE, "gunicorn", "--bind", "127.0.0.1:{port}", "--log-level", "critical"),
    *("--backlog", "4096", "--keep-alive", "60", "--workers", "1", "--worker-class", "gthread"),
)


@dataclass(frozen=True)
class Peer:
    """A server.

    In its command ``{port}`` stands for the port that it is to listen on, ``{folder}`` for the
    folder of compiled programs.
    """

    name: str
    title: str
    command: tuple[str, ...]
    does: frozenset[str]
    #: Environment variables beyond those that all of them get.
    variables: Mapping[str, str] = field(default_factory=dict)
    #: Measured only when it is named, and not in the picture.
    extra: bool = False


def raw(library: str, title: str, *options: str) -> Peer:
    """Return a library's own server, a module in ``servers``."""
    name = "-".join([library, *(option.strip("-") for option in options)])
    command = (*MODULE, f"benchmarks.servers.raw_{library}", "{port}", *options)
    return Peer(name, title, command, RAW)


def without(trick: str, title: str) -> Peer:
    """Return c10kws without one of the tricks in ``project/without.py``."""
    variables = {"BENCHMARKS_WITHOUT": trick}
    return Peer(f"without-{trick}", title, C10KWS, frozenset({TRICKS}), variables)


PEERS = (
    Peer("tornado", "Tornado's WebSocketHandler", raw("tornado", "").command, RAW | {BESIDE}),
    raw("tornado", "the same on uvloop", "--uvloop"),
    Peer("c10kws", "c10kws, runtornado", C10KWS, ALL | {TRICKS}),
    Peer(
        "c10kws-uvloop",
        "the same on uvloop",
        C10KWS,
        ALL,
        {"BENCHMARKS_C10KWS": '{"UVLOOP": true}'},
    ),
    Peer(
        "c10kws-wsproto",
        "c10kws, FAST_LANE False",
        C10KWS,
        (ALL - {PAGES}) | {TRICKS},
        {"BENCHMARKS_C10KWS": json.dumps({"FAST_LANE": False})},
    ),
    without("waiter", "the handler is woken by the loop's next turn"),
    without("cork", "a write for each message"),
    without("done", "a coroutine for each awaited write"),
    without("mask", "unmasking in Python"),
    without("transport", "asyncio's transport"),
    without("wide", "reads of at most 64 KiB"),
    without("pieces", "long messages joined to their heads"),
    raw("websockets", "websockets, asyncio server"),
    raw("aiohttp", "aiohttp"),
    raw("picows", "picows, callbacks in Cython"),
    raw("picows", "the same on uvloop", "--uvloop"),
    Peer(
        "channels-daphne",
        "Channels on daphne (Twisted)",
        (*MODULE, "daphne", "--verbosity", "0", "--port", "{port}", CHANNELS),
        SOCKETS | {BESIDE},
    ),
    Peer(
        "channels-uvicorn",
        "Channels on uvicorn (uvloop, websockets)",
        (*UVICORN, "--ws", "websockets", CHANNELS),
        SOCKETS | {BESIDE},
    ),
    Peer(
        "channels-uvicorn-wsproto",
        "Channels on uvicorn (uvloop, wsproto)",
        (*UVICORN, "--ws", "wsproto", CHANNELS),
        SOCKETS | {BESIDE},
    ),
    Peer(
        "flask-sock",
        "flask-sock on gunicorn, 128 threads",
        (*GUNICORN, "--threads", "128", "benchmarks.servers.flask_application:application"),
        frozenset({ECHO, HANDSHAKES, BESIDE}),
    ),
    Peer(
        "django-tornado",
        "Tornado's WSGIContainer, 16 threads",
        (*MODULE, "benchmarks.servers.tornado_container", "{port}"),
        frozenset({PAGES}),
    ),
    Peer(
        "django-gunicorn",
        "gunicorn gthread, 16 threads",
        (*GUNICORN, "--threads", "16", "benchmarks.project.wsgi:application"),
        frozenset({PAGES}),
    ),
    Peer(
        "django-uvicorn",
        "uvicorn (uvloop), Django as ASGI",
        (*UVICORN, "--ws", "none", "benchmarks.project.asgi:django_application"),
        frozenset({PAGES}),
    ),
    Peer(
        "ceiling",
        "a server in C, to see what the load client can do",
        ("{folder}/ceiling", "{port}"),
        frozenset({ECHO, HANDSHAKES, IDLE}),
        extra=True,
    ),
)
