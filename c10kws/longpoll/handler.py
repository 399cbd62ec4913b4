"""``Handler``: the methods by which an ``@asynchronous`` view sends its response."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, overload

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.module_loading import import_string

from .. import conf
from ..exceptions import ClientDisconnected
from .error_responses import status_page
from .guards import guard
from .head_builder import HeadBuilder, HeaderValue
from .pending_response import PendingResponse
from .streamed_body import Flushed, StreamedBody
from .tornado_request import TornadoRequest, decode_argument

REQUIRED: Final = object()

Chunk = str | bytes | Mapping[str, Any]


class Handler:
    """The second argument of an ``@asynchronous`` view, with names of Tornado's RequestHandler."""

    __slots__ = ("_django_request", "_head", "_lock", "_parts", "_request", "pending")

    def __init__(self, request: HttpRequest, pending: PendingResponse) -> None:
        self.pending = pending
        self._django_request = request
        self._request: TornadoRequest | None = None
        self._head: HeadBuilder | None = None
        self._parts: list[bytes] = []
        self._lock = threading.RLock()  # several threads may write and flush at the same time

    @property
    def request(self) -> TornadoRequest:
        """The request, with Tornado's names; Django's is the view's first argument."""
        if self._request is None:
            self._request = TornadoRequest(self._django_request, self.pending)
        return self._request

    # The body

    def write(self, chunk: Chunk) -> None:
        """Add text, bytes, or a dictionary as JSON to the data that is sent next.

        The data is sent by ``flush()`` or ``finish()``. Raises RuntimeError after ``finish()``, and
        TypeError for other types, lists included.
        """
        self.pending.check_unfinished("write")
        if isinstance(chunk, Mapping):
            if not self.pending.begun:
                self.set_header("Content-Type", "application/json")
            chunk = json.dumps(chunk, cls=import_string(conf.current().json_encoder))
        if not isinstance(chunk, (str, bytes)):
            raise TypeError(f"expected str, bytes or a dictionary, not {type(chunk).__name__}")
        if chunk and not self.pending.closed:
            data = chunk.encode() if isinstance(chunk, str) else chunk
            with self._lock:
                self._parts.append(data)

    def flush(self, include_footers: bool = False) -> Flushed:
        """Send the data that was written; the first call also sends the head.

        Awaited on the server's loop, it waits until all data is sent, and raises
        :exc:`~c10kws.ClientDisconnected` if the client has disconnected. If it is not awaited, up
        to MAX_QUEUE_BYTES are queued for a client that reads slowly. A flush above this limit cuts
        the response short.
        """
        with self._lock:
            self.pending.check_unfinished("flush")
            return self._flush(self.pending.body or self._begin())

    def _begin(self) -> StreamedBody:
        head = (self._head or HeadBuilder()).response()
        response = StreamingHttpResponse(
            (), status=head.status_code, reason=head.reason_phrase, headers=head.headers
        )
        response.cookies = head.cookies
        body = StreamedBody(self.pending.loop, conf.current().max_queue_bytes)
        return self.pending.begin(response, body)

    def _flush(self, body: StreamedBody) -> Flushed:
        self.pending.restart_timeout()
        if not body.put(self._take_data()):
            reason = "the client reads too slowly: more than MAX_QUEUE_BYTES are queued"
            self.pending.cut(ClientDisconnected(reason))
        return Flushed(body)

    def finish(self, chunk: Chunk | HttpResponseBase | None = None) -> Flushed:
        """Send the response. Raises RuntimeError the second time.

        An HttpResponse keeps its status, headers and cookies. Headers and cookies that were set
        here are added if it does not have them. If the client has disconnected, nothing happens.
        """
        self.pending.check_unfinished("finish")
        if isinstance(chunk, HttpResponseBase):
            if callable(render := getattr(chunk, "render", None)):
                render()
            self.take(chunk)
            return Flushed(None)
        with self._lock:
            self.pending.check_unfinished("finish")
            if chunk is not None:
                self.write(chunk)
            return self._finish()

    def _finish(self) -> Flushed:
        if self.pending.body is not None:
            flushed = self._flush(self.pending.body)
            self.pending.finish()
            return flushed
        head = self._head or HeadBuilder()
        self.pending.finish(head.response(self._take_data()))
        return Flushed(None)

    def take(self, response: object) -> None:
        """Finish with the result of the view. Raises TypeError if it is no HttpResponse."""
        if not isinstance(response, HttpResponseBase):
            raise TypeError(
                f"The @asynchronous view returned {response!r}. Return an HttpResponse, or None "
                "if handler.finish() is called later."
            )
        if self.pending.begun and not self.pending.closed:
            raise RuntimeError("An HttpResponse cannot be sent after flush() has sent the head.")
        if self._head is not None:
            self._head.add_to(response)
        self.pending.finish(response)

    def _take_data(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)

    # The head

    def _open_head(self, method: str) -> HeadBuilder:
        """Return the head. Raises RuntimeError if it is sent already."""
        self.pending.check_unfinished(method)
        if self.pending.begun:
            raise RuntimeError(f"{method}() was called after flush() has sent the head.")
        if self._head is None:
            self._head = HeadBuilder()
        return self._head

    def get_status(self) -> int:
        """Return the status of the response, 200 at first."""
        return 200 if self._head is None else self._head.status

    def set_status(self, status_code: int, reason: str | None = None) -> None:
        """Set the status, from 200 to 599."""
        self._open_head("set_status").set_status(status_code, reason)

    def set_header(self, name: str, value: HeaderValue) -> None:
        """Set a header; a value that was set before is replaced."""
        self._open_head("set_header").set_header(name, value)

    def add_header(self, name: str, value: HeaderValue) -> None:
        """Append a value to a header, after a comma (RFC 9110 §5.3)."""
        self._open_head("add_header").add_header(name, value)

    def clear_header(self, name: str) -> None:
        """Remove a header that was set."""
        self._open_head("clear_header").clear_header(name)

    def set_cookie(
        self,
        name: str,
        value: str | bytes,
        domain: str | None = None,
        expires: float | datetime | str | None = None,
        path: str = "/",
        expires_days: float | None = None,
        **attributes: Any,
    ) -> None:
        """Set a cookie; other attributes are those of ``HttpResponse.set_cookie``."""
        head = self._open_head("set_cookie")
        head.set_cookie(name, value, expires, expires_days, domain=domain, path=path, **attributes)

    # Complete responses

    def redirect(self, url: str, permanent: bool = False, status: int | None = None) -> None:
        """Finish with a redirect: 302, 301 if it is permanent, or another ``status``."""
        code = status or (301 if permanent else 302)
        if not 300 <= code < 400:
            raise ValueError(f"The status of a redirect must be from 300 to 399, not {status!r}.")
        response = HttpResponseRedirect(url)
        response.status_code = code
        self.finish(response)

    def send_error(self, status_code: int = 500, reason: str | None = None) -> None:
        """Finish with a page that contains only the status; data that was written is discarded.

        If the response has begun, the client is disconnected.
        """
        self.pending.check_unfinished("send_error")
        if self.pending.begun:
            cause = f"the response was cut by send_error({status_code})"
            self.pending.cut(ClientDisconnected(cause))
            return
        self._head = None
        self._parts = []
        self.finish(status_page(status_code, reason))

    # The request

    def get_argument(self, name: str, default: Any = REQUIRED, strip: bool = True) -> Any:
        """Return the last value of an argument of query or body.

        If it is missing and has no default, BadRequest is raised; Django responds with 400.
        """
        values = self.get_arguments(name, strip)
        if values:
            return values[-1]
        if default is REQUIRED:
            raise BadRequest(f"Missing argument {name}")
        return default

    def get_arguments(self, name: str, strip: bool = True) -> list[str]:
        """Return all values of an argument, without control characters."""
        values = self.request.arguments.get(name, ())
        return [decode_argument(value, strip) for value in values]

    # Callbacks

    def on_connection_close(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` once, in a pool thread, if the response ends without ``finish()``."""
        if iscoroutinefunction(callback) or not callable(callback):
            raise TypeError(f"expected a sync function to call back, not {callback!r}")
        self.pending.add_callback(callback)

    @overload
    def async_callback(self, callback: None, *args: Any, **kwargs: Any) -> None: ...
    @overload
    def async_callback(
        self, callback: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Callable[..., Any]: ...
    def async_callback(
        self, callback: Callable[..., Any] | None, *args: Any, **kwargs: Any
    ) -> Callable[..., Any] | None:
        """Return ``callback`` with these arguments bound; its exceptions end the response.

        An exception is reported and answered as in a view: with 500, or with 404 for Http404.
        """
        if callback is None:
            return None
        return guard(functools.partial(callback, *args, **kwargs), self.pending.fail)
