"""Every status and close code that c10kws and its server send by themselves, as data.

The reference is generated from this table. ``tests/documentation/test_refusals.py`` compares it
with the source code: each number there must have a row here, and each row a number there.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """A status, or a close code, and its cause."""

    code: int
    cause: str
    #: The settings, limits of the server and options behind it, as reStructuredText.
    settings: str
    #: A part of the log line, as in the source code. Empty: only the access line has the code.
    log: str
    #: Modules that contain the number, or the name of the close code.
    places: tuple[str, ...]


SERVER = "servers/c10kws_tornado/http/"
HANDSHAKE = "c10kws/protocol/handshake.py"
REFUSED = "%s refused: %s: %s"
SLOW = "Closing slow client on %s: more than %d bytes queued"
COUNTS = "c10kws/handlers/connection_counts.py"
RATES = ":setting:`MESSAGE_RATE`, :setting:`BYTE_RATE`; options ``rate``, ``byte_rate``"
STOPPING = ":setting:`DRAIN_TIMEOUT`, :setting:`DRAIN_RATE`"
LIMITS = (
    ":setting:`MAX_CONNECTIONS`, :setting:`MAX_CONNECTIONS_PER_ADDRESS`, "
    ":setting:`MAX_CONNECTIONS_PER_USER`"
)
VISIBLE = ":setting:`CLOSE_REFUSED_HANDSHAKES`"
REFUSALS = "c10kws/refusals.py"
SHOWN = "%s: handshake refused with %d%s; accepted and closed with %d %r"

STATUSES = (
    Refusal(
        400,
        "a malformed HTTP request",
        "",
        "The request is malformed or too long.",
        (SERVER + "host.py", SERVER + "incoming.py", SERVER + "requestparser.py"),
    ),
    Refusal(
        400,
        "a handshake that is not valid",
        "",
        REFUSED,
        (HANDSHAKE, "c10kws/protocol/negotiation.py"),
    ),
    Refusal(
        403,
        "a handshake from another site",
        "CSRF_TRUSTED_ORIGINS; option ``origins``",
        REFUSED,
        ("c10kws/exceptions.py", "c10kws/views/decorator.py"),
    ),
    Refusal(405, "a handshake with another method than GET", "", REFUSED, (HANDSHAKE,)),
    Refusal(405, "the health view or the metrics with another method than GET or HEAD", "", "", ()),
    Refusal(
        408,
        "a head that does not arrive in time",
        ":setting:`IDLE_TIMEOUT`",
        "The request line and headers did not arrive in time.",
        (SERVER + "host.py", SERVER + "protocol.py"),
    ),
    Refusal(
        408,
        "a body that does not arrive in time",
        ":setting:`READ_TIMEOUT`, :setting:`MIN_READ_RATE`; :limit:`body_timeout`",
        "the body did not arrive in time",
        (SERVER + "errorresponse.py",),
    ),
    Refusal(
        413,
        "a body that is too long",
        ":setting:`MAX_BODY_SIZE`",
        "",
        (SERVER + "errorresponse.py",),
    ),
    Refusal(
        426,
        "a plain GET of a WebSocket, or another version of the protocol",
        "",
        REFUSED,
        (HANDSHAKE,),
    ),
    Refusal(
        431,
        "a request line and headers that are too long",
        ":setting:`MAX_HEAD_SIZE`",
        "The request line and headers exceed the limit of",
        (
            SERVER + "errorresponse.py",
            SERVER + "host.py",
            SERVER + "incoming.py",
            SERVER + "requestparser.py",
        ),
    ),
    Refusal(
        500,
        "an exception of the application, a response that is not valid",
        "",
        "%s: the application raised.",
        (SERVER + "wsgiresponse.py",),
    ),
    Refusal(
        500,
        "an ``@asynchronous`` view that failed",
        "",
        "%s: Django has no response to an exception; sent 500.",
        ("c10kws/longpoll/error_responses.py",),
    ),
    Refusal(
        500,
        "a handshake, or an ``@asynchronous`` view, on a server without the "
        ":doc:`server contract <hijack>`",
        "",
        REFUSED,
        ("c10kws/views/decorator.py", "c10kws/views/responses.py"),
    ),
    Refusal(
        503,
        "all threads are busy and the queue is full",
        ":setting:`THREADS`, :setting:`QUEUE_SIZE`",
        "",
        (SERVER + "errorresponse.py",),
    ),
    Refusal(
        503,
        "a body that needs a file, while the process can open no more files",
        "``ulimit -n``",
        "%s: the body could not be stored: %s. Sent 503. Raise the limit (ulimit -n).",
        (SERVER + "errorresponse.py",),
    ),
    Refusal(
        503,
        "a request, or a long poll, that has not ended when the server stops",
        ":setting:`DRAIN_TIMEOUT`",
        "",
        (
            SERVER + "errorresponse.py",
            "c10kws/longpoll/pending_response.py",
            "c10kws/longpoll/error_responses.py",
        ),
    ),
    Refusal(
        503,
        "too many WebSockets",
        LIMITS,
        REFUSED,
        (COUNTS, REFUSALS),
    ),
    Refusal(503, "the health view reports a problem", "", "", ("c10kws/health/views.py",)),
    Refusal(
        503,
        "a long poll of a room, while the broker is not available",
        ":setting:`BROKERS`",
        "",
        ("c10kws/events/emitting/room.py",),
    ),
    Refusal(
        504,
        "an ``@asynchronous`` view without a response",
        ":setting:`ASYNCHRONOUS_TIMEOUT`; option ``timeout``",
        "%s: no response after %g s; %s.",
        ("c10kws/longpoll/pending_response.py",),
    ),
    Refusal(
        507,
        "a body that cannot be stored on disk",
        ":setting:`UPLOAD_DIR`",
        "%s: the body could not be stored in %s: %s. Sent 507.",
        (SERVER + "requestbody.py",),
    ),
)

CLOSE_CODES = (
    Refusal(
        1000,
        "the handler returned",
        "",
        "",
        ("c10kws/handlers/serve.py", "c10kws/connection/ending.py"),
    ),
    Refusal(
        1001,
        "the server stops for good: Ctrl-C",
        STOPPING,
        "",
        ("c10kws/management/development.py", "servers/c10kws_tornado/stop.py"),
    ),
    Refusal(
        1002,
        "a frame that RFC 6455 does not allow",
        "",
        "",
        (
            "c10kws/protocol/closing.py",
            "c10kws/protocol/discarding.py",
            "c10kws/protocol/frame_parser.py",
            "c10kws/protocol/slowlane.py",
        ),
    ),
    Refusal(
        1007,
        "text that is not UTF-8, or compressed data that cannot be read",
        "",
        "",
        ("c10kws/protocol/closing.py", "c10kws/protocol/fastlane.py"),
    ),
    Refusal(
        1008,
        "a compressed message of too many blocks",
        ":constant:`c10kws.protocol.deflate.MAX_FINAL_BLOCKS` blocks",
        "",
        ("c10kws/protocol/closing.py",),
    ),
    Refusal(
        1008,
        "``manage.py ws close``, or the admin's page of live connections",
        "",
        "",
        ("c10kws/management/commands/ws.py", "c10kws/admin/__init__.py"),
    ),
    Refusal(
        1009,
        "a message that is too long, or has too many fragments",
        ":setting:`MAX_MESSAGE_SIZE`; option ``max_message_size``; "
        ":constant:`c10kws.protocol.messages.MAX_FRAGMENTS` fragments",
        "",
        ("c10kws/protocol/closing.py", "c10kws/protocol/slowlane.py"),
    ),
    Refusal(
        1011,
        "the handler, or a message in fragments, raised",
        "",
        "WebSocket handler failed: %s",
        (
            "c10kws/connection/connection.py",
            "c10kws/connection/fragmented.py",
            "c10kws/connection/ending.py",
            "c10kws/events/dispatch/replies.py",
        ),
    ),
    Refusal(
        1011,
        "the client did not answer a Ping (``ping timeout``)",
        ":setting:`PING_INTERVAL`, :setting:`PING_TIMEOUT`",
        "",
        ("c10kws/connection/connection.py",),
    ),
    Refusal(
        1012,
        "the server stops or restarts, and another one is expected: TERM, HUP, a reload",
        STOPPING,
        "",
        ("c10kws/management/commands/runserver.py", "servers/c10kws_tornado/stop.py"),
    ),
    Refusal(
        1013,
        "the client reads too slowly (``too slow``)",
        ":setting:`MAX_QUEUE_BYTES`, :setting:`MAX_TOTAL_QUEUE_BYTES`, :setting:`SLOW_CLIENT`, "
        ":setting:`SEND_TIMEOUT`",
        SLOW,
        (
            "c10kws/connection/sender.py",
            "c10kws/connection/slow_clients.py",
            "c10kws/events/clients/backpressure.py",
            "c10kws/events/clients/writer.py",
        ),
    ),
    Refusal(
        4400,
        "an EventSocket got too many invalid frames",
        ":constant:`c10kws.events.dispatch.replies.MAX_BAD_FRAMES` more than valid ones",
        "",
        ("c10kws/events/dispatch/replies.py",),
    ),
    Refusal(
        4401,
        "the application answers a handshake with 401, or with a login page",
        VISIBLE,
        SHOWN,
        (REFUSALS,),
    ),
    Refusal(
        4403,
        "the application answers a handshake with 403; another site, while DEBUG is True",
        VISIBLE,
        SHOWN,
        (REFUSALS,),
    ),
    Refusal(
        4403,
        "``open`` of an EventSocket refused the client",
        "",
        "",
        ("c10kws/events/dispatch/replies.py",),
    ),
    Refusal(4404, "the application answers a handshake with 404", VISIBLE, SHOWN, (REFUSALS,)),
    Refusal(
        4429,
        "an address or a user has too many WebSockets",
        ":setting:`MAX_CONNECTIONS_PER_ADDRESS`, :setting:`MAX_CONNECTIONS_PER_USER`, " + VISIBLE,
        SHOWN,
        ("c10kws/protocol/closing.py",),
    ),
    Refusal(
        4429,
        "too many WebSockets, after handshakes at the same time",
        LIMITS,
        "WebSocket refused: %s: %s",
        ("c10kws/protocol/closing.py",),
    ),
    Refusal(
        4429,
        "a client sends too fast",
        RATES,
        "%s: closing a client that sent %s.",
        ("c10kws/protocol/closing.py",),
    ),
)
