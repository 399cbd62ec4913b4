"""The operations of a process that serves: a request as plain data, to an answer as plain data.

``{"operation": "list", "filter": {…}, "limit": 100}``
    ``{"rows": […], "total": 3, "endpoints": {"/chat": 5}}``: the rows that match, at most
    ``limit``; the number of all that match; the numbers of all open connections, by endpoint.
``{"operation": "close", "filter": {…}, "code": 1008, "reason": ""}``
    ``{"closed": 3}``
``{"operation": "stats"}``
    ``{"snapshot": "…"}``, for :meth:`~c10kws.measuring.values.Values.decode`
``{"operation": "emit", "endpoint": "/chat", "event": "news", "data": {…}, "room": "kitchen"}``
    ``{"reaches_others": false}``: True if the broker carries it to other processes. ``room`` is
    None for all clients.

A filter has some of these keys, which must all match: ``ids``, ``users`` (primary keys as text),
``logged_in`` (True or False), ``endpoint``, ``search``. A search finds a part of the path, the
address, the user's primary key or a room, and the users in ``search_users``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from ..connection.connection import Connection
from ..connection.facts import Facts
from ..connection.websocket import connection_of
from ..events import EventSocket, paths
from ..events.exceptions import BrokerUnavailable
from ..handlers.servers import servers
from ..measuring.gathering import gatherer
from ..protocol.closing import check_close
from .endpoints import UnknownEndpoint, find_endpoint
from .process import this_process
from .selection import Selection

#: Rows of one answer.
MAX_ROWS = 5000
#: Seconds that an event may take to the clients of this process, before the request is answered.
DELIVERY_TIMEOUT = 1.0

Data = dict[str, Any]


class InvalidRequest(ValueError):
    """Raised for a request that no operation understands."""


def answer(request: Mapping[str, Any]) -> Data:
    """Return the answer to a request; in any thread. Raises :exc:`InvalidRequest`."""
    operation = _OPERATIONS.get(str(request.get("operation")))
    if operation is None:
        raise InvalidRequest(f"Unknown operation: {request.get('operation')!r}.")
    try:
        return operation(request)
    except (BrokerUnavailable, UnknownEndpoint) as error:
        raise InvalidRequest(str(error)) from error
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise InvalidRequest(f"Invalid request: {error!r}.") from error


def list_connections(request: Mapping[str, Any]) -> Data:
    """Return the connections that match, the oldest first, at most ``limit``."""
    connections = list(_open_connections())
    rooms = _rooms()
    rows = [
        row_of(connection, facts) | {"rooms": rooms.get(connection, [])}
        for connection, facts in _matching(request, connections, rooms)
    ]
    rows.sort(key=lambda row: -row["age"])
    return {
        "rows": rows[: min(int(request.get("limit", MAX_ROWS)), MAX_ROWS)],
        "total": len(rows),
        "endpoints": Counter(facts.endpoint for _, facts in connections),
    }


def close_connections(request: Mapping[str, Any]) -> Data:
    """Begin to close the connections that match, and return their number."""
    if not request["filter"] and not request.get("all"):
        raise ValueError("a filter is missing")
    code, reason = int(request["code"]), str(request.get("reason", ""))
    check_close(code, reason)
    closed = 0
    for connection, _ in _matching(request, _open_connections(), _rooms()):
        if not connection.closed:
            connection.close(code, reason)
            closed += 1
    return {"closed": closed}


def report_statistics(request: Mapping[str, Any]) -> Data:
    """Return the numbers of this process."""
    return {"snapshot": gatherer.gather().encode().decode()}


def emit_event(request: Mapping[str, Any]) -> Data:
    """Emit an event to the clients of an EventSocket."""
    endpoint, room = find_endpoint(str(request["endpoint"])), request.get("room")
    target = endpoint if room is None else endpoint.to(str(room))
    emission = target.emit(request["event"], request.get("data"), on_commit=False)
    with suppress(TimeoutError):  # it is queued, and the event loop is busy
        emission.result(DELIVERY_TIMEOUT)
    return {"reaches_others": endpoint.emitter.reaches_other_processes}


_OPERATIONS: Mapping[str, Callable[[Mapping[str, Any]], Data]] = {
    "list": list_connections,
    "close": close_connections,
    "stats": report_statistics,
    "emit": emit_event,
}


def row_of(connection: Connection, facts: Facts) -> Data:
    """Return what is shown of a connection."""
    fields = facts.fields()
    user = fields["user_id"]
    return {
        "id": id_of(connection),
        "process": this_process().name,
        "user": None if user is None else str(user),
        "path": fields["path"],
        "endpoint": fields["endpoint"],
        "address": fields["remote_addr"],
        "age": time.monotonic() - connection.opened,
        "received": connection.inbox.received,
        "sent": connection.sender.sent,
        "dropped": connection.sender.dropped,
        "queued": connection.sender.queued,
        "latency": connection.keepalive.latency,
    }


def id_of(connection: Connection) -> str:
    """Return a name for a connection that no other one of the site has had."""
    return f"{this_process().token}-{int(connection.opened * 1e6):x}-{id(connection):x}"


def _open_connections() -> Iterator[tuple[Connection, Facts]]:
    """Yield the open connections and their facts."""
    for state in list(servers.running):
        for client in state.each_client():
            if not isinstance(client, Connection) or client.sender.detached:
                continue
            if client.facts is not None:
                yield client, client.facts


def _matching(
    request: Mapping[str, Any],
    connections: Iterable[tuple[Connection, Facts]],
    rooms: Mapping[Connection, list[str]],
) -> Iterator[tuple[Connection, Facts]]:
    """Yield the connections that match the filter of a request."""
    selection = Selection.from_data(request.get("filter", {}))
    for connection, facts in connections:
        own = rooms.get(connection, ())
        if selection.matches(id_of(connection), facts.fields(), own):
            yield connection, facts


def _rooms() -> dict[Connection, list[str]]:
    """Return the rooms of the clients of EventSockets, by their connections."""
    found = {}
    for endpoint in paths.endpoints():
        for socket in endpoint.sockets if isinstance(endpoint, EventSocket) else ():
            if rooms := socket.rooms:
                found[connection_of(socket.connection)] = sorted(rooms)
    return found
