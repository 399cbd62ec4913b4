"""The measured servers: the command of each, and its capabilities."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

#: Capabilities of a server; a workload needs one of them.
ECHO, HANDSHAKES, IDLE, BROADCAST, PAGES = "echo", "handshakes", "idle", "broadcast", "pages"
#: It opens connections of users that may be logged in.
LOGINS = "logins"
#: It echoes named events in JSON.
EVENTS = "events"
#: It is measured with 10,000 connections that open at once, or while others come and go. These runs
#: take long, so variants of a server are left out.
RECONNECTS, PAUSES = "reconnects", "pauses"
CROWD = frozenset({RECONNECTS, PAUSES})
#: It can release the request, or never had a Django request.
LIGHT = "light"
#: c10kws without one of its optimizations.
OPTIMIZATIONS = "optimizations"
#: It serves blocking pages and WebSockets in one process.
BUSY = "busy"
SOCKETS = frozenset({ECHO, HANDSHAKES, LOGINS, IDLE, BROADCAST})
RAW = SOCKETS | {LIGHT}
ALL = SOCKETS | {LIGHT, PAGES, BUSY}

MODULE = (sys.executable, "-m")
C10KWS = (*MODULE, "benchmarks.project.manage", "runtornado", "--skip-checks", "127.0.0.1:{port}")
CHANNELS = "benchmarks.project.asgi:application"
UVICORN = (
    *(*MODULE, "uvicorn", "--port", "{port}", "--log-level", "critical", "--no-access-log"),
    *("--loop", "uvloop", "--http", "httptools", "--backlog", "4096"),
    *("--ws-per-message-deflate", "false", "--lifespan", "off"),
)
#: Echo events in a thread instead of on the event loop.
SYNC_CALLBACK = {"BENCHMARKS_CALLBACK": "sync"}
GUNICORN = (
    *(*MODULE, "gunicorn", "--bind", "127.0.0.1:{port}", "--log-level", "critical"),
    *("--backlog", "4096", "--keep-alive", "60", "--workers", "1", "--worker-class", "gthread"),
)


@dataclass(frozen=True)
class Peer:
    """A server.

    In its command, ``{port}`` is replaced by its port and ``{folder}`` by the folder of compiled
    programs.
    """

    name: str
    title: str
    command: tuple[str, ...]
    does: frozenset[str]
    #: Environment variables in addition to those of all servers.
    variables: Mapping[str, str] = field(default_factory=dict)
    #: True for a server that is measured only by name, and not in the picture.
    extra: bool = False


def raw(library: str, title: str, *options: str) -> Peer:
    """Return the server of a library, a module in ``servers``."""
    name = "-".join([library, *(option.strip("-") for option in options)])
    command = (*MODULE, f"benchmarks.servers.raw_{library}", "{port}", *options)
    return Peer(name, title, command, RAW if options else RAW | CROWD)


def without(optimization: str, title: str) -> Peer:
    """Return c10kws without one of the optimizations in ``project/without.py``."""
    variables = {"BENCHMARKS_WITHOUT": optimization}
    return Peer(f"without-{optimization}", title, C10KWS, frozenset({OPTIMIZATIONS}), variables)


PEERS = (
    Peer("tornado", "Tornado's WebSocketHandler", raw("tornado", "").command, RAW | CROWD | {BUSY}),
    raw("tornado", "the same on uvloop", "--uvloop"),
    Peer("c10kws", "c10kws, runtornado", C10KWS, ALL | CROWD | {EVENTS, OPTIMIZATIONS}),
    Peer(
        "c10kws-unfrozen",
        "the same, FREEZE_CONNECTIONS None",
        C10KWS,
        CROWD,
        {"BENCHMARKS_C10KWS": json.dumps({"FREEZE_CONNECTIONS": None})},
    ),
    Peer(
        "c10kws-persistent",
        "c10kws, CONN_MAX_AGE 60",
        C10KWS,
        frozenset({LOGINS, RECONNECTS}),
        {"BENCHMARKS_CONN_MAX_AGE": "60"},
    ),
    Peer(
        "c10kws-json",
        "c10kws, without orjson",
        C10KWS,
        frozenset({EVENTS}),
        {"BENCHMARKS_WITHOUT": "orjson"},
    ),
    Peer(
        "c10kws-sync",
        "c10kws, with a sync callback",
        C10KWS,
        frozenset({EVENTS}),
        SYNC_CALLBACK,
    ),
    Peer(
        "c10kws-uvloop",
        "c10kws on uvloop",
        C10KWS,
        ALL | {EVENTS},
        {"BENCHMARKS_C10KWS": '{"UVLOOP": true}'},
    ),
    Peer(
        "c10kws-wsproto",
        "c10kws, FAST_LANE False",
        C10KWS,
        (ALL - {PAGES}) | {OPTIMIZATIONS},
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
        SOCKETS | CROWD | {BUSY, EVENTS},
    ),
    Peer(
        "channels-uvicorn",
        "Channels on uvicorn (uvloop, websockets)",
        (*UVICORN, "--ws", "websockets", CHANNELS),
        SOCKETS | CROWD | {BUSY, EVENTS},
    ),
    Peer(
        "channels-uvicorn-sync",
        "the same, with a sync consumer",
        (*UVICORN, "--ws", "websockets", CHANNELS),
        frozenset({EVENTS}),
        SYNC_CALLBACK,
    ),
    Peer(
        "channels-uvicorn-wsproto",
        "Channels on uvicorn (uvloop, wsproto)",
        (*UVICORN, "--ws", "wsproto", CHANNELS),
        SOCKETS | {BUSY, EVENTS},
    ),
    Peer(
        "flask-sock",
        "flask-sock on gunicorn, 128 threads",
        (*GUNICORN, "--threads", "128", "benchmarks.servers.flask_application:application"),
        frozenset({ECHO, HANDSHAKES, LOGINS, BUSY}),
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
        frozenset({ECHO, HANDSHAKES, LOGINS, IDLE}),
        extra=True,
    ),
)
