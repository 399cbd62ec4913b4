"""The settings: ``C10KWS`` in the Django settings, read lazily over these defaults."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from os import PathLike
from typing import Any

NAME = "C10KWS"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every key of ``C10KWS``, in lower case, with its default. Sizes are bytes, times seconds.

    The reference of settings is generated from these comments.
    """

    #: Longest message that a client may send, counted after decompression. A longer one closes the
    #: connection with 1009. The default is that of websockets and daphne.
    max_message_size: int = 1024 * 1024
    #: Messages that each client may send, such as ``"20/s"``, ``"200/10s"`` or ``"1000/min"``. A
    #: client may send the number before the slash at once. A client that exceeds it is closed with
    #: 4429. A view's ``rate`` overrides it. None by default, since a good rate depends on the
    #: application: a chat needs one message a second, a game 60.
    message_rate: str | None = None
    #: Bytes that each client may send, such as ``"64KiB/s"`` or ``"10MiB/min"``. Heads of frames
    #: count, and compressed data counts before its decompression. One message of MAX_MESSAGE_SIZE
    #: may always be sent at once. A view's ``byte_rate`` overrides it.
    byte_rate: str | None = None
    #: Limit of the messages queued for one client that reads slowly. The next message closes the
    #: connection with 1013. The limit is checked before a message is queued, so one message of any
    #: size fits an empty queue. The message being sent does not count, nor do messages whose writes
    #: a task awaits.
    #:
    #: The same number limits three more things. Above it, reading pauses until the handler has read
    #: the received messages, and TCP slows the client down. Above it, decompression of one read
    #: pauses for other connections. Above it, ``flush()`` of an ``@asynchronous`` view cuts the
    #: response short.
    max_queue_bytes: int = 1024 * 1024
    #: Limit of the messages queued for all clients of the process. A broadcast counts once. Above
    #: the limit the connections with the longest queues are closed with 1013. Set it to about half
    #: of the memory that the process may use. The default has room for 512 clients at
    #: MAX_QUEUE_BYTES, on a machine with 1 GB.
    max_total_queue_bytes: int = 512 * 1024 * 1024
    #: Policy for a broadcast to a client above MAX_QUEUE_BYTES: ``"disconnect"`` closes the
    #: connection with 1013, ``"drop"`` skips the client. A message that is written to that client
    #: alone always closes the connection.
    slow_client: str = "disconnect"
    #: Seconds between keepalive Pings; None disables keepalive. Many proxies close a connection
    #: that is silent for a minute. Pings also detect clients that disappeared without closing.
    ping_interval: float | None = 20.0
    #: Seconds that a client may send nothing after a Ping before the connection is closed with
    #: 1011; None disables the timeout. The timeout is suspended while reading is paused and while
    #: data queued before the Ping is still draining, so neither a slow handler nor a slow network
    #: ends a healthy connection.
    ping_timeout: float | None = 20.0
    #: Compression of messages (permessage-deflate): True, False or a dictionary of options. A
    #: view's ``compression`` overrides it. Off by default: it costs memory and time for each
    #: connection, and the length of a compressed message can reveal a secret that is sent together
    #: with an attacker's text (CRIME, BREACH).
    compression: bool | Mapping[str, Any] = False
    #: True handles plain frames without wsproto, which is faster. False sends all data through
    #: wsproto. The behaviour is the same.
    fast_lane: bool = True
    #: Seconds that a client may take to answer a Close frame before TCP is aborted, and to close
    #: TCP after it broke the protocol.
    close_timeout: float = 10.0
    #: Grace period for a handler after its connection closes; then it is cancelled. After a second
    #: period it is logged as an error. Also the time that a Close waits for a message in fragments.
    handler_timeout: float = 10.0
    #: Seconds that an ``@asynchronous`` view may leave its client without a response before the
    #: client gets 504; None disables the timeout. A view's ``timeout`` overrides it. The default
    #: is below the 60 seconds of nginx and most load balancers.
    asynchronous_timeout: float | None = 55.0
    #: Longest request line and headers together. A longer one is answered with 431. The default is
    #: a little more than nginx's four large header buffers.
    max_head_size: int = 64 * 1024
    #: Longest body of a request. A longer one is answered with 413.
    max_body_size: int = 100 * 1024 * 1024
    #: Seconds that a connection may be silent between requests, and that the head of a request may
    #: take. The default is that of nginx, so it suits a proxy that keeps connections open.
    idle_timeout: float = 75.0
    #: Seconds that a client may pause within the body of a request before it is answered with 408.
    #: Until then the body may hold 1 MiB of memory. The default is nginx's.
    read_timeout: float = 60.0
    #: Bytes per second that a client must send of a body. A slower client gets 408 when it has used
    #: up READ_TIMEOUT: time counts down, and each MIN_READ_RATE bytes give one second back. None
    #: restarts READ_TIMEOUT with each byte. The default is Apache's.
    min_read_rate: int | None = 500
    #: Folder for bodies above 1 MiB until their request ends, and for all bodies once they hold
    #: 128 MiB of memory together. It must exist, be writable and have room for all current uploads.
    #: None uses Django's FILE_UPLOAD_TEMP_DIR, or the system's folder for temporary files.
    upload_dir: str | PathLike[str] | None = None
    #: Seconds that a client may read no byte of a response before it is disconnected. Also the
    #: total time that a thread waits for a slow client while it handles the client's events.
    send_timeout: float = 10.0
    #: Bytes per second that a client must read of a response, on average over SEND_TIMEOUT. A
    #: slower client is disconnected. With None any progress is enough. The default is a tenth of
    #: the rate of a telephone on EDGE. With a much lower limit a few clients could hold the threads
    #: of all plain iterables.
    min_send_rate: int | None = 1024
    #: Limit of the unsent bytes of all responses of the process. Above it the clients that would
    #: take longest to read theirs are disconnected. Set it to about a quarter of the memory that
    #: the process may use. The default has room for 85 slow readers of 3 MB.
    max_total_send_bytes: int = 256 * 1024 * 1024
    #: Seconds that a stopping ``runtornado`` waits for requests and connections to end.
    #: ``runserver`` waits 2 seconds.
    drain_timeout: float = 30.0
    #: Clients per second that a stopping process disconnects, in random order: WebSockets, long
    #: polls and event streams. This keeps them from reconnecting all at once. If it would take more
    #: than half of DRAIN_TIMEOUT, the rate is higher. The default is a fraction of the handshakes
    #: that one process can answer per second.
    drain_rate: int = 200
    #: Limit of the open WebSockets of a process. A handshake above it is answered with 503. With
    #: None, the default, only the limit of file descriptors applies.
    max_connections: int | None = None
    #: Limit of the open WebSockets of one address, or of one IPv6 network /64, in a process. A
    #: handshake above it is refused with 503, or with the close code 4429. The address is that of
    #: the client behind TRUSTED_PROXIES. None by default, since all clients of a company or of a
    #: mobile network may share an address, and all clients of a proxy that is not trusted do.
    max_connections_per_address: int | None = None
    #: Limit of the open WebSockets of one logged-in user in a process. A handshake above it is
    #: refused with 503, or with the close code 4429. It does not apply to views with
    #: ``load_user=False``. None by default, since many devices may share one account.
    max_connections_per_user: int | None = None
    #: Threads that run views. A second pool with as many threads runs the ORM calls of handlers.
    threads: int = 16
    #: Requests that may wait for a thread. The next one is answered with 503. If a view takes
    #: 50 ms, 16 threads handle the default number in about 3 seconds.
    queue_size: int = 1024
    #: Seconds that all threads may be busy before a warning names what they run; None disables the
    #: warning.
    busy_threads_warning: float | None = 5.0
    #: Seconds that the event loop may be blocked, and with it every client, before a warning names
    #: the task and the line; None disables the warning.
    blocked_loop_warning: float | None = 2.0
    #: True runs ``runtornado`` and gunicorn's worker on uvloop's event loop. It needs uvloop:
    #: ``pip install c10kws[uvloop]``.
    uvloop: bool = False
    #: Folder of this machine in which the processes of the project have their sockets, for
    #: ``manage.py ws``, the admin and LocalBroker. They are in a subfolder that only the user of
    #: the processes can use. None uses the system's folder for temporary files. Set it if your
    #: service has a temporary folder of its own (PrivateTmp of systemd).
    runtime_dir: str | PathLike[str] | None = None
    #: Addresses and networks, such as ``"10.0.0.0/8"``, of the proxies whose forwarded headers
    #: (X-Forwarded-For and others) reach the application. Any other client could forge them.
    trusted_proxies: tuple[str, ...] = field(default=("127.0.0.1", "::1"))
    #: True logs the query strings of WebSockets and event streams. False by default: a page cannot
    #: add headers to these requests, so many sites put a token into the URL.
    log_query_strings: bool = False
    #: Number of new connections after which ``runtornado`` excludes all objects from garbage
    #: collection (``gc.freeze``), see :ref:`how this keeps pauses short <pauses>`. None disables
    #: this.
    freeze_connections: int | None = 200
    #: Import path of the :class:`json.JSONEncoder` that serializes the data of events. All threads
    #: share one instance. If orjson is installed, an encoder that overrides only ``default`` is not
    #: used for frames without other types than those of JSON.
    json_encoder: str = "django.core.serializers.json.DjangoJSONEncoder"
    #: Policy for ``emit`` and ``tick`` in a process that does not serve, such as a management
    #: command, a shell or a Celery worker, if no broker connects it with the server: ``"warn"``
    #: logs a warning, once for each EventSocket, ``"drop"`` does nothing, ``"raise"`` raises
    #: EmitHandlerError. A warning is the default, so that a signal that emits does not break
    #: ``loaddata``.
    emit_without_server: str = "warn"
    #: Brokers, which carry events between processes, by alias, as in CACHES: ``{"default":
    #: {"BACKEND": …, "OPTIONS": {…}, "TIMEOUT": 2}}``. Without the alias ``default``, a single
    #: process uses MemoryBroker. The workers of a server use LocalBroker, and so do shells and
    #: commands on the same machine while these workers run.
    brokers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Policy for events that the broker does not accept within 5 seconds: ``"fail"`` logs an
    #: error, and awaiting the emit raises BrokerUnavailable. ``"local"`` delivers the events to the
    #: clients of this process only, except in rooms with a history. Clients of other processes are
    #: told that events may be missing when the next event of this process reaches them.
    on_broker_down: str = "fail"
    #: Rooms that keep their last messages for clients that reconnect, by patterns of their names:
    #: ``{"chat:*": {"size": 100, "ttl": 300}}``. ``size`` is the number of messages, ``ttl`` the
    #: seconds that they are kept after the last one, and ``max_bytes`` their size, by default
    #: 1 MiB. The first pattern that matches counts.
    history: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Limit of the rooms of an EventSocket that a client may join. It protects the memory, because
    #: a permissive ``may_join`` would let a client invent names without end. The server itself may
    #: add a client to more rooms.
    max_rooms: int = 1000
    #: True accepts a handshake that the application answers with 401, 403, 404 or a redirect, and
    #: closes it with 4000 + the status and a reason, which a browser can see. False keeps the HTTP
    #: response.
    close_refused_handshakes: bool = True


DEFAULTS = Settings()
#: Keys with a few values, and keys that None switches off.
CHOICES: Mapping[str, Sequence[str]] = {
    "SLOW_CLIENT": ("disconnect", "drop"),
    "EMIT_WITHOUT_SERVER": ("raise", "warn", "drop"),
    "ON_BROKER_DOWN": ("fail", "local"),
}
MAY_BE_NONE = frozenset(
    {
        "BLOCKED_LOOP_WARNING",
        "BYTE_RATE",
        "BUSY_THREADS_WARNING",
        "FREEZE_CONNECTIONS",
        "MAX_CONNECTIONS",
        "MAX_CONNECTIONS_PER_ADDRESS",
        "MAX_CONNECTIONS_PER_USER",
        "ASYNCHRONOUS_TIMEOUT",
        "MESSAGE_RATE",
        "MIN_READ_RATE",
        "MIN_SEND_RATE",
        "PING_INTERVAL",
        "PING_TIMEOUT",
        "RUNTIME_DIR",
        "UPLOAD_DIR",
    }
)
KEYS: Mapping[str, Any] = {f.name.upper(): getattr(DEFAULTS, f.name) for f in fields(Settings)}

#: The last value of ``C10KWS`` and the settings made of it, since each handshake asks.
_last: tuple[Mapping[str, Any], Settings] = {}, DEFAULTS


def current() -> Settings:
    """Return the settings as they are now; outside a Django project, the defaults.

    Unknown keys are ignored here; the system checks report them.
    """
    settings = _import_django_settings() if _django_settings is None else _django_settings
    # Django keeps settings in the dictionary of its lazy object; to ask the object takes longer.
    own = object.__getattribute__(settings, "__dict__").get(NAME)
    if own is None and (settings.configured or _names_settings()):
        own = getattr(settings, NAME, {})
    if not own:
        return DEFAULTS
    global _last
    if own != _last[0]:
        known = {key.lower(): value for key, value in own.items() if key in KEYS}
        _last = dict(own), Settings(**known)
    return _last[1]


#: Django's settings, once they are imported.
_django_settings: Any = None


def _import_django_settings() -> Any:
    global _django_settings
    # Only now: the layers below the handlers import this module and do not need Django.
    from django.conf import settings

    _django_settings = settings
    return settings


def _names_settings() -> bool:
    """Return True if the environment names the settings of a Django project."""
    return bool(os.environ.get("DJANGO_SETTINGS_MODULE"))
