"""The settings: ``C10KWS`` in the Django settings, read lazily over these defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from os import PathLike
from typing import Any

NAME = "C10KWS"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every key of ``C10KWS``, in lower case, with its default. Sizes are bytes, times seconds."""

    #: Longest message a client may send, counted in bytes; a longer one closes with 1009. What
    #: websockets and Channels' daphne use, and far above what a page has to say at once.
    max_message_size: int = 1024 * 1024
    #: Messages queued for one client that reads slowly; past it the client is closed with 1013.
    #: Checked before a write, so that one message always fits an empty queue. The message in
    #: flight, and messages whose write a task awaits, do not count.
    max_queue_bytes: int = 1024 * 1024
    #: Bytes queued for all clients of the process; past it those with the longest queues are
    #: closed with 1013. A broadcast counts once. Room for 512 clients at MAX_QUEUE_BYTES, on a
    #: machine of 1 GB.
    max_total_queue_bytes: int = 512 * 1024 * 1024
    #: Policy for a client past MAX_QUEUE_BYTES when a broadcast comes: "disconnect" closes it
    #: with 1013, "drop" leaves the message out. A message of its own always closes it.
    slow_client: str = "disconnect"
    #: Seconds between keepalive Pings; None disables them. Proxies cut silent connections after
    #: a minute, and what dies without a word is found.
    ping_interval: float | None = 20.0
    #: How long a client may send nothing after a Ping before it is closed with 1011.
    ping_timeout: float | None = 20.0
    #: Compression of messages (permessage-deflate): True, False or a dictionary of options.
    #: Off: it costs memory and time for each connection, and a secret near an attacker's text can
    #: be guessed from the length of a message (as in CRIME and BREACH).
    compression: bool | Mapping[str, Any] = False
    #: True to handle plain frames without wsproto; see ``lane.py``.
    fast_lane: bool = True
    #: How long a client may take to answer a Close before TCP is aborted.
    close_timeout: float = 10.0
    #: Grace period for a handler after its connection closes, before it is cancelled, and then
    #: before it is given up; also how long a Close waits for a message in fragments.
    handler_timeout: float = 10.0
    #: How long an ``@asynchronous`` view may leave its client without an answer before it is
    #: answered with 504; None for ever. Below the 60 s after which nginx and most load balancers
    #: answer in our place.
    asynchronous_timeout: float | None = 55.0
    #: Longest request line and headers together; longer ones are answered with 431. A little more
    #: than nginx's four large header buffers.
    max_head_size: int = 64 * 1024
    #: Longest body of a request; a longer one is answered with 413.
    max_body_size: int = 100 * 1024 * 1024
    #: How long a connection may be silent between requests, and how long the head of a request may
    #: take. nginx's default, so that a proxy's connections live as long as it expects.
    idle_timeout: float = 75.0
    #: How long a client may stop in the middle of its body before it is answered with 408: until
    #: then the body holds up to 1 MiB of memory. nginx's default.
    read_timeout: float = 60.0
    #: Bytes a second that a client must send of a body; a slower one uses up READ_TIMEOUT. None:
    #: each byte restarts READ_TIMEOUT. Apache's default.
    min_read_rate: int | None = 500
    #: The folder for bodies over 1 MiB until their request ends. It needs room for all current
    #: uploads. None: FILE_UPLOAD_TEMP_DIR, else the system's folder for temporary files.
    upload_dir: str | PathLike[str] | None = None
    #: How long a client may read no byte of a response before it is disconnected, and how long one
    #: turn of sync event callbacks waits for its client in total.
    send_timeout: float = 10.0
    #: Bytes a second that a client must read of a response, on average over SEND_TIMEOUT; None for
    #: any progress. A telephone on EDGE reads ten times as much. With a lower limit a few clients
    #: could hold the threads of all plain iterables.
    min_send_rate: int | None = 1024
    #: Unsent bytes of all responses of the process; past it the clients that would take the longest
    #: to read theirs are disconnected. Room for 85 slow readers of 3 MB; with MAX_TOTAL_QUEUE_BYTES
    #: it is three quarters of a machine of 1 GB.
    max_total_send_bytes: int = 256 * 1024 * 1024
    #: How long a stopping server waits for requests and connections to end.
    drain_timeout: float = 30.0
    #: Threads that run views; as many again run the ORM calls of WebSocket handlers.
    threads: int = 16
    #: Requests that may wait for a thread; more are answered with 503. At 50 ms a view, 16 threads
    #: finish as many in 3 seconds; a client that must wait longer would have left.
    queue_size: int = 1024
    #: How long all threads may be busy before a warning names what they run; None for no warning.
    #: Visitors leave a page that takes longer.
    busy_threads_warning: float | None = 5.0
    #: How long the event loop may be blocked, and with it every client, before a warning.
    blocked_loop_warning: float | None = 2.0
    #: True to run runtornado on uvloop's event loop: ``pip install c10kws[uvloop]``.
    uvloop: bool = False
    #: Addresses and networks whose forwarded headers (X-Forwarded-For, …) reach the application.
    #: From any other peer they may be forged.
    trusted_proxies: tuple[str, ...] = field(default=("127.0.0.1", "::1"))
    #: True logs the query strings of WebSockets and event streams. False by default: a page cannot
    #: add headers to these requests, so many sites put a token into the URL.
    log_query_strings: bool = False
    #: The class, by its path, that turns the data of events into JSON.
    json_encoder: str = "django.core.serializers.json.DjangoJSONEncoder"
    #: Policy for emits in a process that serves nothing (a command, a shell, a Celery worker):
    #: "warn" logs a warning, once for each EventSocket, "drop" does nothing, "raise" raises
    #: EmitHandlerError. A signal that emits must not break loaddata.
    emit_without_server: str = "warn"
    #: Rooms of an EventSocket that a client may be in when it asks for another: names cost memory,
    #: and a permissive ``may_join`` lets anybody invent them. The server may put it into more.
    max_rooms: int = 1000
    #: Whether a handshake that the application answers with 401, 403, 404 or a redirect is
    #: accepted and closed with 44xx, which a browser can see. False keeps the HTTP answer.
    close_refused_handshakes: bool = True


DEFAULTS = Settings()
#: Keys with a few values, and keys that None switches off.
CHOICES: Mapping[str, Sequence[str]] = {
    "SLOW_CLIENT": ("disconnect", "drop"),
    "EMIT_WITHOUT_SERVER": ("raise", "warn", "drop"),
}
MAY_BE_NONE = frozenset(
    {
        "BLOCKED_LOOP_WARNING",
        "BUSY_THREADS_WARNING",
        "ASYNCHRONOUS_TIMEOUT",
        "MIN_READ_RATE",
        "MIN_SEND_RATE",
        "PING_INTERVAL",
        "PING_TIMEOUT",
        "UPLOAD_DIR",
    }
)
KEYS: Mapping[str, Any] = {f.name.upper(): getattr(DEFAULTS, f.name) for f in fields(Settings)}

#: ``C10KWS`` as it was read last, and what came of it: each handshake asks.
_last: tuple[Mapping[str, Any], Settings] = {}, DEFAULTS


def current() -> Settings:
    """Return the settings as they are now; outside a Django project, the defaults.

    Unknown keys are left to the system checks, which name a close match.
    """
    from django.conf import settings

    own = getattr(settings, NAME, {}) if settings.configured or _has_module() else {}
    if not own:
        return DEFAULTS
    global _last
    if own != _last[0]:
        known = {key.lower(): value for key, value in own.items() if key in KEYS}
        _last = dict(own), Settings(**known)
    return _last[1]


def _has_module() -> bool:
    import os

    return bool(os.environ.get("DJANGO_SETTINGS_MODULE"))
