"""``Room``: the clients of an EventSocket that are in a room, and the events for them."""

from __future__ import annotations

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

from ...connection.loop import on_event_loop
from ...longpoll.error_responses import status_page
from ..brokers.emission import Emission
from ..exceptions import BrokerUnavailable
from ..frames.serialization import EventData
from .emitter import Emitter, Exclude
from .following import Following
from .room_events import RoomEvents, read_position, write_position

#: The default timeout of a long poll, in seconds: below ASYNCHRONOUS_TIMEOUT, and below the timeout
#: of most proxies for a silent response.
POLL_TIMEOUT = 25.0


class Room:
    """A room of an EventSocket: ``chat.to("news").emit("headline", {…})``."""

    def __init__(self, emitter: Emitter, following: Following, name: str) -> None:
        self._emitter = emitter
        self._following = following
        self._name = name

    def emit(
        self,
        event: str,
        data: EventData = None,
        *,
        exclude: Exclude = (),
        on_commit: bool = True,
        using: str | None = None,
    ) -> Emission:
        """Send an event to the clients in the room; see :meth:`EventSocket.emit`."""
        return self._emitter.emit(self._name, event, data, exclude, on_commit, using)

    async def wait(self, since: str | None = None, *, timeout: float = POLL_TIMEOUT) -> RoomEvents:
        """Return what was sent to the room after a position, on the event loop of the server.

        ``since`` is the ``position`` of an earlier result. If nothing was sent after it, wait for
        the next event, at most ``timeout`` seconds. Without ``since`` return the last position at
        once, with no events.

        Raises :exc:`NoHistory` for a room that keeps no history, ValueError for a ``since`` that is
        not a position, :exc:`BrokerUnavailable`, and RuntimeError on another event loop.
        """
        self._emitter.history_of(self._name)
        position = read_position(since) if since else None
        return await self._following.wait(self._name, position, timeout)

    def position(self) -> str:
        """Return the last position of the room, in a thread: for a page that is rendered now.

        Ask for it before you read the data of the page. Then events that follow this position, and
        only these, may be missing in the page. In a coroutine of the server use :meth:`wait`.

        Raises :exc:`NoHistory`, :exc:`BrokerUnavailable`, and RuntimeError on an event loop.
        """
        if on_event_loop():
            raise RuntimeError(
                "position() would block the event loop; use (await room.wait()).position."
            )
        return write_position(self._emitter.read_position(self._name))

    async def poll(self, request: HttpRequest, *, timeout: float = POLL_TIMEOUT) -> HttpResponse:
        """Return the response to a long poll: :meth:`wait` for the ``?since=`` of the request.

        If the broker is not available, the status is 503. Raises Django's BadRequest for a
        ``since`` that is not a position, and :exc:`NoHistory`.
        """
        try:
            events = await self.wait(request.GET.get("since"), timeout=timeout)
        except ValueError as error:
            raise BadRequest(str(error)) from None
        except BrokerUnavailable:
            return status_page(503)
        headers = {"Cache-Control": "no-store"}
        return HttpResponse(events.as_json(), content_type="application/json", headers=headers)
