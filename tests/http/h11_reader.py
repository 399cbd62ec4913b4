"""A reader of the bytes of a connection: h11."""

from __future__ import annotations

import h11

from .outcome import Outcome, Request, make_request

#: The longest head, as in the server's default limits.
MAX_HEAD = 65536


def read_with_h11(data: bytes) -> Outcome:
    """Return what h11 reads in the bytes of one connection."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
    connection.receive_data(data)
    outcome = Outcome()
    try:
        while outcome.upgraded is None and not outcome.closed:
            outcome.starts.append(connection.trailing_data[0])
            if (request := read_request(connection)) is None:
                break
            outcome.requests.append(request)
            answer(connection, request, outcome)
    except h11.RemoteProtocolError as error:
        outcome.refusal = error.error_status_hint
    return outcome


def answer(connection: h11.Connection, request: Request, outcome: Outcome) -> None:
    """Answer a request, and note the end of the connection."""
    if request.upgrades:
        connection.send(h11.InformationalResponse(status_code=101, headers=[]))
        outcome.upgraded = connection.trailing_data[0]
        return
    # A success would switch the protocol after CONNECT.
    connection.send(h11.Response(status_code=404, headers=[("content-length", "0")]))
    connection.send(h11.EndOfMessage())
    if connection.our_state is h11.MUST_CLOSE:
        outcome.closed = True
        outcome.starts.append(connection.trailing_data[0])
    else:
        connection.next_event()  # after a request that may upgrade, the end of the pause
        connection.start_next_cycle()


def read_request(connection: h11.Connection) -> Request | None:
    """Return the next request, or None if the bytes end within it."""
    head: h11.Request | None = None
    body = b""
    while True:
        match connection.next_event():
            case h11.Request() as request:
                head = request
            case h11.Data(data=data):
                body += bytes(data)
            case h11.EndOfMessage() if head is not None:
                fields = [(name.decode(), value.decode("latin-1")) for name, value in head.headers]
                version = f"HTTP/{head.http_version.decode()}"
                return make_request(
                    head.method.decode(), head.target.decode("latin-1"), version, fields, body
                )
            case _:
                return None
